// Signing in and out. The dialog opens when the server answers 401, and every waiting request goes on at once; the
// page behind it stays as it is, with all that was typed.

import { showError } from "./alerts.js";
import { clearAddress } from "./address.js";
import { forgetReason, sessionMark, signIn, signOut } from "./api.js";
import { $ } from "./dom.js";
import { say } from "./strings.js";

let waiting = null;

const showLeave = () => ($("#leave").hidden = sessionMark() === null);

/** Ask for a key; resolves to true once somebody is signed in. Requests that fail meanwhile wait for the same answer. */
export function askForKey(error) {
  // Who was never signed in needs no reason.
  waiting ??= ask(sessionMark() === null ? "" : error.detail);
  return waiting;
}

/** Sign in with a key that came with the address; one that does not open is asked for anew. */
export async function signInWith(key) {
  try {
    await signIn(key);
    showLeave();
  } catch (error) {
    waiting ??= ask(error.detail);
    await waiting;
  }
}

/** Whether a link on another site led here, as the browser told the server (service/routes/page.py). */
export const cameFromElsewhere = () => performance.getEntriesByType("navigation").some(({ serverTiming = [] }) => serverTiming.some(({ name }) => name === "elsewhere"));

/**
 * Ask before signing in with a key that another site's link brought: it may be the key of somebody who wants to see what
 * is searched for under it.
 */
export async function confirmKey(key) {
  waiting ??= ask(say.signIn.fromElsewhere, key);
  await waiting;
}

function ask(reason, key = "") {
  const dialog = $("#signin");
  const before = sessionMark();
  const input = $("#signin-key");
  input.value = key;
  $("#signin-error").textContent = reason;
  return new Promise((resolve) => {
    const done = () => {
      removeEventListener("focus", look);
      input.value = "";
      waiting = null;
      dialog.close();
      showLeave();
      dispatchEvent(new Event("signedin"));
      resolve(true);
    };
    // Somebody signed in in another tab: this one has the cookie too.
    const look = () => sessionMark() !== before && sessionMark() !== null && done();
    addEventListener("focus", look);
    $("#signin-form").onsubmit = async (event) => {
      event.preventDefault();
      const key = input.value.trim();
      if (!key) return;
      try {
        await signIn(key);
        done();
      } catch (error) {
        $("#signin-error").textContent = error.detail || error.title;
      }
    };
    // Who was not signed in has nothing to go back to; who was stays so.
    dialog.oncancel = (event) => (key && before !== null ? done() : event.preventDefault());
    dialog.showModal();
    input.focus();
  });
}

/** Leave: end the session, and forget everything on the page. Where nobody answers, nobody is signed out. */
async function leave() {
  try {
    await signOut();
  } catch (error) {
    showError($("#photo-error"), error, leave);
    return;
  }
  forgetReason();
  clearAddress();
  location.reload();
}

/** Let the visitor leave, if there is a session. */
export function startSignIn() {
  showLeave();
  $("#leave").addEventListener("click", leave);
}
