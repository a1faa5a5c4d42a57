// The dialog that asks why: opens when the server answers 428, resolves every waiting request at once.

import { reason, setReason } from "./api.js";
import { $ } from "./dom.js";

let waiting = null;

/** Ask for purpose and case number; resolves to true once one is given. The server says which it misses. */
export function askForReason(error) {
  if (waiting) return waiting;
  const dialog = $("#reason");
  const given = reason();
  $("#reason-purpose").value = given.purpose ?? "";
  $("#reason-case").value = given.caseNumber ?? "";
  $("#reason-error").textContent = given.purpose || given.caseNumber ? error.detail : "";
  waiting = new Promise((resolve) => {
    $("#reason-form").onsubmit = (event) => {
      event.preventDefault();
      const purpose = $("#reason-purpose").value.trim();
      const caseNumber = $("#reason-case").value.trim();
      if (!purpose && !caseNumber) return;
      setReason({ purpose, caseNumber });
      waiting = null;
      dialog.close();
      resolve(true);
    };
  });
  // There is nothing behind it to go back to.
  dialog.oncancel = (event) => event.preventDefault();
  dialog.showModal();
  $("#reason-purpose").focus();
  return waiting;
}
