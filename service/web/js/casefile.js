// What is known of a case and what is in it: to change the one, and to take things out of the other.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { behindButton, changed, formOf } from "./forms.js";
import { photoOf } from "./media.js";
import { reopen } from "./reopen.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

export const urlOf = (id) => `/v1/cases/${encodeURIComponent(id)}`;
const FIELDS = ["title", "number", "purpose"];
const MOST = { title: 200, number: 100, purpose: 4000 };

/** The form of a case, filled with what is known of it; `save(values)` gets the fields, empty ones as null. */
export function caseForm(label, known, save, onCancel) {
  const inputs = FIELDS.map((name) => h("input", { name, value: known?.[name] ?? "", maxLength: MOST[name], required: name === "title", autocomplete: "off" }));
  const labelled = inputs.map((input) => h("label", {}, say.cases[input.name], input));
  const values = () => Object.fromEntries(inputs.map((input) => [input.name, input.value.trim() || null]));
  return formOf(label, labelled, () => save(values()), onCancel);
}

/** To change title, number and purpose: only what was changed is sent. */
export function editing(found, done) {
  const save = async (values) => {
    const changes = changed({ ...values, title: values.title ?? "" }, found);
    if (Object.keys(changes).length) await getJson(urlOf(found.id), { method: "PATCH", json: changes });
    await done();
  };
  return behindButton(h("button", { type: "button", class: "quiet" }, say.cases.edit), (onCancel) => caseForm(say.cases.edit, found, save, onCancel));
}

/** The searches and photos of a case, the photos loaded by `pictures`. A search can be opened on the page, each can be taken out. */
export function items(found, pictures, { taken, left }) {
  const rows = found.items.map((item) => {
    const when = momentOf(item.added_at, store.get().zone ?? "UTC");
    const open = async () => {
      left();
      await reopen(item.subject_id);
    };
    const take = () => taken(() => getJson(`${urlOf(found.id)}/items/${encodeURIComponent(item.subject_id)}`, { method: "DELETE" }));
    return h(
      "li",
      { class: "case-item" },
      item.kind === "photo" && !item.erased_at ? photoOf(item.subject_id, pictures, say.results.noPicture) : null,
      h("span", {}, say.cases.kinds[item.kind], " ", when, item.erased_at ? say.cases.erased : null),
      item.kind === "search" ? h("button", { type: "button", class: "quiet", data: { needs: "getSearch" }, on: { click: open } }, say.cases.openSearch) : null,
      item.kind === "search" ? h("button", { type: "button", class: "quiet", data: { needs: "reviewMarks" }, on: { click: () => store.set({ review: item.subject_id }) } }, say.cases.marks) : null,
      h("button", { type: "button", class: "quiet", on: { click: take } }, say.cases.takeOut),
    );
  });
  return rows.length ? h("ul", { class: "case-items", "aria-label": say.cases.items }, rows) : null;
}
