// Earlier searches of this key, the newest first, each to open, and to ask again.

import { getJson, isAbort } from "./api.js";
import { showError } from "./alerts.js";
import { $, fill, h, icon } from "./dom.js";
import { LazyPictures, photoOf, stripOf } from "./media.js";
import { reopen } from "./reopen.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clockFirst } from "./when.js";

const id = encodeURIComponent;
const SHOWN = 4; // photos and tracklets of a search that are shown

let opened = new AbortController(); // ends with the panel, as do the pictures
let pictures = new LazyPictures();

/** Ask a recorded search again, "snapshot" or "now", and show the answer, which is a search of its own. */
export async function askAgain(searchId, on) {
  const answer = await getJson(`/v1/searches/${id(searchId)}/again`, { json: { on } });
  await reopen(answer.id);
}

/** Whom a search looked for, to know it again. */
function faces({ probes, probes_kept: kept }) {
  if (!kept) return null;
  const strip = (id_) => stripOf({ thumbnail_url: `/v1/tracklets/${id(id_)}/thumbnail` }, pictures, say.results.noPicture);
  return h("div", { class: "whom" }, probes.slice(0, SHOWN).map((probe) => (probe.id ? photoOf(probe.id, pictures, say.results.noPicture) : strip(probe.tracklet_id))));
}

function whom(probes) {
  const photos = probes.filter((probe) => probe.id).length;
  return say.history.whom(photos, probes.length - photos);
}

/** What a search found, in one line; that it asks an earlier one again is said too. */
function about({ filters, hits, credible, tracklets_compared: compared, repeats, refines }) {
  const where = filters.cameras ?? filters.sites;
  const found = credible === null ? say.history.hits(hits, compared) : say.history.credible(credible, compared);
  const kind = repeats ? say.history.again : refines ? say.history.refined : null;
  return [where ? where.join(", ") : say.history.everywhere, found, kind].filter(Boolean).join(" · ");
}

function row(search, place) {
  const leave = async (action) => {
    try {
      await action();
      $("#history").close();
    } catch (error) {
      showError(place, error);
    }
  };
  const button = (text, action) => h("button", { type: "button", class: "quiet", on: { click: () => leave(action) } }, text);
  return h(
    "li",
    { class: "asked" },
    faces(search),
    h("div", { class: "what" }, h("span", { class: "when" }, clockFirst(search.created_at, store.get().zone ?? "UTC")), h("span", {}, whom(search.probes)), h("span", { class: "note site" }, about(search))),
    button(say.history.open, () => reopen(search.id)),
    search.probes_kept ? [button(say.history.news, () => askAgain(search.id, "now")), button(say.history.same, () => askAgain(search.id, "snapshot"))] : h("span", { class: "note" }, say.history.gone),
  );
}

/** Read a page, and show it below those before. */
async function more(list, place, end, cursor = null) {
  fill(end, h("p", { class: "note waiting" }, say.results.loading));
  try {
    const page = await getJson(`/v1/searches?limit=20${cursor ? `&cursor=${id(cursor)}` : ""}`, { signal: opened.signal });
    list.append(...page.items.map((search) => row(search, place)));
    const next = h("button", { type: "button", on: { click: () => more(list, place, end, page.next_cursor) } }, say.history.more);
    fill(end, page.next_cursor ? next : list.children.length ? null : h("p", { class: "note" }, say.history.none));
  } catch (error) {
    if (isAbort(error)) return;
    fill(end);
    showError(place, error, () => (fill(place), more(list, place, end, cursor)));
  }
}

export function startHistory() {
  const dialog = $("#history");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  const [list, place, end] = [h("ol", { class: "asked-list" }), h("div", { class: "slot" }), h("div", {})];
  fill(dialog, h("header", { class: "panel-head" }, h("h2", { id: "history-title" }, say.history.title), close), h("div", { class: "panel-body" }, place, list, end));
  $("#open-history").addEventListener("click", () => {
    opened = new AbortController();
    pictures = new LazyPictures();
    fill(list);
    fill(place);
    dialog.showModal();
    more(list, place, end);
  });
  dialog.addEventListener("close", () => {
    opened.abort();
    pictures.close();
  });
}
