// The person searched for and the tracklet of a hit, side by side at one size, over the clip.

import { isAbort } from "./api.js";
import { probeCrop } from "./crop.js";
import { fill, h } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const HEIGHT = 640; // pixels of the crop, enough for a large screen

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

/** Fill `place` with what was searched for, a photo or a tracklet, and with `hit`. */
export function compareWith(hit, place, scope) {
  const { seed } = store.get();
  const crop = seed ? null : probeCrop(HEIGHT);
  fill(
    place,
    seed ? figure(strip(seed, scope, say.seed.strip), say.player.searchedFor) : null,
    crop ? figure(crop, say.player.yourPhoto) : null,
    figure(strip(hit, scope, say.player.strip), say.player.thisTracklet),
  );
}
