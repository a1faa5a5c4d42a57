// The sign-in dialog: opens when the server answers 401, resolves every waiting request at once.

import { clearAddress } from "./address.js";
import { forgetKey, hasKey, setKey } from "./api.js";
import { $ } from "./dom.js";
import { say } from "./strings.js";

let waiting = null;

/** Ask for a key; resolves to true once one is given. Requests that fail meanwhile wait for the same answer. */
export function askForKey(error) {
  if (waiting) return waiting;
  const dialog = $("#signin");
  const refused = hasKey();
  forgetKey();
  $("#signin-error").textContent = refused ? error.detail || say.signIn.invalid : "";
  waiting = new Promise((resolve) => {
    $("#signin-form").onsubmit = (event) => {
      event.preventDefault();
      const key = $("#signin-key").value.trim();
      if (!key) return;
      setKey(key);
      $("#signin-key").value = "";
      waiting = null;
      dialog.close();
      resolve(true);
    };
  });
  // There is nothing behind it to go back to.
  dialog.oncancel = (event) => event.preventDefault();
  dialog.showModal();
  $("#signin-key").focus();
  return waiting;
}

/** Leave: forget the key and everything on the page. */
export function signOut() {
  forgetKey();
  clearAddress();
  location.reload();
}
