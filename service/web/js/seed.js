// Searching from a hit instead of the photo: the person as one camera saw them, to find them on the others.

import { $, fill, h, icon } from "./dom.js";
import { MediaScope } from "./media.js";
import { stagedTracklet } from "./photos.js";
import { search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

let scope = new MediaScope();

/** Search for the person of `hit`; the photo stays ready to go back to. */
export function searchFrom(hit) {
  store.set({ seed: hit });
  scrollTo({ top: 0 });
  search();
}

function back() {
  store.set({ seed: null });
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
  scope.url(tracklet.thumbnail_url).then((url) => (image.src = url), () => undefined);
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
