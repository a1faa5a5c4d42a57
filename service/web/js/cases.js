// Cases: searches and photos that belong together, notes on them, the journey, and the evidence to take away.

import { showError } from "./alerts.js";
import { getAll, getJson, isAbort } from "./api.js";
import { caseForm, editing, items, urlOf } from "./casefile.js";
import { $, fill, h, icon } from "./dom.js";
import { evidenceButton } from "./evidence.js";
import { eraseButton } from "./footage.js";
import { behindButton, formOf } from "./forms.js";
import { showJourney } from "./journey.js";
import { LazyPictures, MediaScope } from "./media.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

let media = new MediaScope(); // ends with what is shown, as do the pictures
let pictures = new LazyPictures();
const zone = () => store.get().zone ?? "UTC";

function close() {
  media.close();
  pictures.close();
}

/** Read and show; a failure is shown where the rest would stand. */
async function show(make) {
  close();
  [media, pictures] = [new MediaScope(), new LazyPictures()];
  const place = $("#cases-body");
  fill(place, h("p", { class: "note waiting" }, say.results.loading));
  try {
    fill(place, await make());
  } catch (error) {
    if (!isAbort(error)) showError(place, error, () => show(make));
  }
}

async function list() {
  const cases = await getAll("/v1/cases", { signal: media.signal });
  const rows = cases.map((one) => h("li", {}, h("button", { type: "button", class: "case name", on: { click: () => show(() => opened(one.id)) } }, [one.number, one.title].filter(Boolean).join(" · "))));
  return [rows.length ? h("ul", { class: "library-list" }, rows) : h("p", { class: "note" }, say.cases.none), behindButton(h("button", { type: "button" }, say.cases.add), newCase)];
}

const newCase = (onCancel) =>
  caseForm(
    say.cases.add,
    null,
    async (values) => {
      const made = await getJson("/v1/cases", { json: { ...values, title: values.title ?? "" } });
      await show(() => opened(made.id));
    },
    onCancel,
  );

/** One case: what is in it, what can be done with it, and its journey. */
async function opened(id) {
  const url = urlOf(id);
  const [found, journey] = await Promise.all([getJson(url, { signal: media.signal }), getJson(`${url}/journey`, { signal: media.signal })]);
  const place = h("section", { class: "journey", "aria-label": say.cases.journey });
  const again = () => show(() => opened(id));
  const taken = (take) => show(() => take().then(() => opened(id)));
  if (!found.items.some((item) => item.kind === "search")) fill(place, h("p", { class: "note" }, say.cases.noSearch));
  else showJourney(place, journey, url, media, pictures).catch((error) => isAbort(error) || showError(place, error));
  return [
    h("button", { type: "button", class: "quiet", on: { click: () => show(list) } }, icon("previous"), say.cases.all),
    h("h3", { class: "name" }, [found.number, found.title].filter(Boolean).join(" · ")),
    found.purpose ? h("p", { class: "name" }, found.purpose) : null,
    editing(found, again),
    h("p", { class: "note" }, say.cases.holds(found.items.filter((item) => item.kind === "search").length, found.items.filter((item) => item.kind === "photo" && !item.erased_at).length)),
    items(found, pictures, { taken, left: () => $("#cases").close() }),
    h("div", { class: "actions" }, addSearch(found), evidenceButton(`${url}/evidence`, `sightline-case-${id.slice(0, 12)}.zip`, "getCaseEvidence", "case")),
    h("h3", {}, say.cases.journey),
    place,
    h("h3", {}, say.cases.notes),
    h("ul", { class: "notes" }, found.notes.map((note) => h("li", {}, h("p", { class: "name" }, note.text), h("p", { class: "note" }, momentOf(note.at, zone()))))),
    behindButton(h("button", { type: "button" }, say.cases.addNote), (onCancel) => newNote(id, onCancel)),
    eraseButton({ cases: [id] }, { label: say.erasure.ofCase, onErased: () => show(list) }),
    behindButton(h("button", { type: "button", class: "quiet" }, say.cases.remove), (onCancel) => removing(id, onCancel)),
  ];
}

/** Put the search that is on the page into the case, unless it is there. */
function addSearch({ id, items }) {
  const search = store.get().search.answer?.id;
  if (!search || items.some((item) => item.subject_id === search)) return null;
  const add = async () => {
    await getJson(`${urlOf(id)}/items`, { json: { search_id: search } });
    return opened(id);
  };
  return h("button", { type: "button", class: "primary", on: { click: () => show(add) } }, say.cases.addSearch);
}

function newNote(id, onCancel) {
  const form = formOf(
    say.cases.addNote,
    h("label", { class: "wide" }, say.cases.noteText, h("input", { name: "text" })),
    async () => {
      await getJson(`${urlOf(id)}/notes`, { json: { text: form.elements.text.value } });
      await show(() => opened(id));
    },
    onCancel,
  );
  return form;
}

function removing(id, onCancel) {
  const remove = async () => {
    await getJson(urlOf(id), { method: "DELETE" });
    return list();
  };
  const yes = h("button", { type: "button", class: "danger", on: { click: () => show(remove) } }, say.cases.removeNow);
  const no = h("button", { type: "button", data: { first: "" }, on: { click: onCancel } }, say.library.keep);
  return h("div", { class: "fields", role: "group", "aria-label": say.cases.remove }, h("p", { class: "wide" }, say.cases.willGo), h("div", { class: "actions" }, yes, no));
}

export function startCases() {
  const dialog = $("#cases");
  const leave = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  fill(dialog, h("header", { class: "panel-head" }, h("h2", { id: "cases-title" }, say.cases.heading), leave), h("div", { id: "cases-body", class: "panel-body", data: { needs: "listCases" } }));
  $("#open-cases").addEventListener("click", () => {
    dialog.showModal();
    show(list);
  });
  dialog.addEventListener("close", close);
}
