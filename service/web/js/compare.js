// The person searched for and the tracklet of a hit, side by side at one size.

import { isAbort } from "./api.js";
import { probeCrop } from "./crop.js";
import { h } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";

/** The strip of crops of a tracklet, loaded within `scope`. */
function strip(tracklet, scope, alt) {
  const image = h("img", { alt });
  scope.url(tracklet.thumbnail_url).then(
    (url) => (image.src = url),
    (error) => isAbort(error) || image.replaceWith(say.results.noPicture),
  );
  return image;
}

const figure = (picture, caption) => h("figure", {}, picture, h("figcaption", {}, caption));

/** What was searched for, a photo or a tracklet, beside `hit`; crops of the photo are `height` pixels high. */
export function comparison(hit, scope, height) {
  const { seed } = store.get();
  const crop = seed ? null : probeCrop(height);
  return h(
    "div",
    { class: seed ? "comparison of-tracklets" : "comparison" },
    seed ? figure(strip(seed, scope, say.seed.strip), say.player.searchedFor) : null,
    crop ? figure(crop, say.player.yourPhoto) : null,
    figure(strip(hit, scope, say.player.strip), say.player.thisTracklet),
  );
}
