// Administration: keys and who is signed in, camera groups, the audit trail, retention and holds, models, the system.
// Each part is there for those whose key may see it.

import { showError } from "./alerts.js";
import { isAbort } from "./api.js";
import { audit } from "./audit.js";
import { mayDo, refreshCaller } from "./caller.js";
import { $, fill, h, icon } from "./dom.js";
import { groups } from "./groups.js";
import { keys } from "./keysadmin.js";
import { models } from "./models.js";
import { retention } from "./retention.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { system } from "./system.js";

// Of each part: its name in the strings, the operation that it cannot do without, and what shows it.
const PARTS = [
  { name: "keys", needs: "listKeys", show: keys },
  { name: "groups", needs: "listCameraGroups", show: groups },
  { name: "audit", needs: "listAuditEvents", show: audit },
  { name: "retention", needs: "listRetentionRules", show: retention },
  { name: "models", needs: "listModelJobs", show: models },
  { name: "system", needs: "getSystem", show: system },
];

let opened = new AbortController(); // ends with what is shown

const allowed = () => PARTS.filter(({ needs }) => mayDo(needs, false));

/** Show a part; `show({signal, again})` resolves to its elements, and `again()` shows it anew. */
async function open(part) {
  opened.abort();
  opened = new AbortController();
  const { signal } = opened;
  const body = $("#admin-body");
  for (const button of document.querySelectorAll("#admin-parts button[data-part]")) button.setAttribute("aria-current", String(button.dataset.part === part.name));
  body.setAttribute("aria-label", say.admin.parts[part.name]);
  body.dataset.needs = part.needs;
  fill(body, h("p", { class: "note waiting" }, say.results.loading));
  try {
    const shown = await part.show({ signal, again: () => open(part) });
    if (!signal.aborted) fill(body, shown);
  } catch (error) {
    if (!isAbort(error)) showError(body, error, () => open(part));
  }
}

function showParts() {
  const parts = allowed();
  const buttons = parts.map((part) => h("button", { type: "button", data: { part: part.name }, on: { click: () => open(part) } }, say.admin.parts[part.name]));
  fill($("#admin-parts"), buttons);
  if (parts.length) open(parts[0]);
  else {
    delete $("#admin-body").dataset.needs;
    fill($("#admin-body"), h("p", { class: "note" }, say.admin.nothing));
  }
}

const offer = () => ($("#open-admin").hidden = allowed().length === 0);

export function startAdmin() {
  const dialog = $("#admin");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  fill(
    dialog,
    h("header", { class: "panel-head" }, h("h2", { id: "admin-title" }, say.admin.title), close),
    h("div", { class: "panel-body" }, h("nav", { id: "admin-parts", class: "admin-parts", "aria-label": say.admin.title }), h("section", { id: "admin-body", class: "admin" })),
  );
  $("#open-admin").addEventListener("click", async () => {
    fill($("#admin-parts")); // another key may be signed in by now
    fill($("#admin-body"), h("p", { class: "note waiting" }, say.results.loading));
    dialog.showModal();
    await refreshCaller();
    showParts();
  });
  dialog.addEventListener("close", () => opened.abort());
  store.subscribe((state, before) => state.caller !== before.caller && offer());
}
