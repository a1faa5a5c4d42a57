// Searching from a hit instead of the photo: the person as one camera saw them, to find them on the others.

import { $, fill, h, icon } from "./dom.js";
import { MediaScope } from "./media.js";
import { stagedTracklet } from "./photos.js";
import { search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

const WINDOW = 15 * 60_000; // milliseconds in which somebody is looked for on the next camera

let scope = new MediaScope();
let filtersBefore = null; // those that were set before a person was followed

/** Search for the person of `hit`; the photo stays ready to go back to. */
export function searchFrom(hit) {
  store.set({ seed: hit });
  scrollTo({ top: 0 });
  search();
}

/** Search for the person of `hit` on the other cameras, in the time after it (1) or before it (-1). */
export function followFrom(hit, by) {
  const { cameras, filters } = store.get();
  filtersBefore ??= filters;
  const others = cameras.map(({ name }) => name).filter((name) => name !== hit.camera.name);
  // Views overlap: who is still seen here may be seen there already. Times of filters are whole seconds.
  const from = Math.floor(Date.parse(hit.start) / 1000) * 1000 - (by < 0 ? WINDOW : 0);
  const until = Math.ceil(Date.parse(hit.end) / 1000) * 1000 + (by > 0 ? WINDOW : 0);
  store.set({ filters: { ...filters, cameras: others, start: new Date(from).toISOString(), end: new Date(until).toISOString() } });
  searchFrom(hit);
}

function back() {
  store.set({ seed: null, filters: filtersBefore ?? store.get().filters });
  filtersBefore = null;
  search();
}

/** Show the tracklet that is searched with, alone or as one of several. */
function show(state) {
  const { seed, photos } = state;
  scope.close();
  scope = new MediaScope();
  const panel = $("#seed");
  const tracklet = stagedTracklet(state);
  panel.hidden = !tracklet;
  if (!tracklet) return;
  const image = h("img", { alt: say.seed.strip });
  scope.strip(tracklet.thumbnail_url).then((url) => (image.src = url), () => undefined);
  const { camera, start } = tracklet;
  fill(
    panel,
    h("div", { class: "seed-strip sight" }, image),
    h("p", { class: "pick-line" }, h("span", { class: "words" }, say.seed.searching(camera.name), h("span", { class: "hint" }, momentOf(start, camera.time_zone)))),
    seed && photos.length ? h("div", { class: "tools" }, h("button", { type: "button", on: { click: back } }, icon("previous"), say.seed.back)) : null,
  );
}

export function startSeed() {
  store.subscribe((state, before) => {
    if (stagedTracklet(state) !== stagedTracklet(before)) show(state);
  });
}
