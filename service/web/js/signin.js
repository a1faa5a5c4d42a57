// Signing in and out. The dialog opens when the server answers 401, and every waiting request goes on at once; the
// page behind it stays as it is, with all that was typed.

import { showError } from "./alerts.js";
import { clearAddress } from "./address.js";
import { forgetReason, sessionMark, signIn, signOut } from "./api.js";
import { $ } from "./dom.js";

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

function ask(reason) {
  const dialog = $("#signin");
  const before = sessionMark();
  const input = $("#signin-key");
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
    // There is nothing behind it to go back to.
    dialog.oncancel = (event) => event.preventDefault();
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
