// The person searched for and the tracklet of a hit, side by side at one size.

import { isAbort } from "./api.js";
import { cropOf } from "./crop.js";
import { h } from "./dom.js";
import { staged } from "./photos.js";
import { store } from "./state.js";
import { say } from "./strings.js";

/** The strip of crops of a tracklet, loaded within `scope`. */
function strip(tracklet, scope, alt) {
  const image = h("img", { alt });
  scope.strip(tracklet.thumbnail_url).then(
    (url) => (image.src = url),
    (error) => isAbort(error) || image.replaceWith(say.results.noPicture),
  );
  return image;
}

const figure = (picture, caption) => h("figure", {}, picture, h("figcaption", {}, caption));

/** What `hit` is to be compared with: of several photos the one that it resembles most, else the one on the stage. */
export function lookedFor(hit) {
  const state = store.get();
  const pulling = state.search.answer?.probes[hit.pulled_by];
  const isThat = ({ probe, tracklet }) => (probe ? probe.id === pulling.id : tracklet?.tracklet_id === pulling.tracklet_id);
  if (state.seed) return { tracklet: state.seed };
  return (pulling && state.photos.find(isThat)) || staged(state);
}

/** What was searched for, a photo or a tracklet, beside `hit`; the style says how high. */
export function comparison(hit, scope) {
  const one = lookedFor(hit);
  const { photos, seed } = store.get();
  const crop = one.tracklet ? null : cropOf(one);
  const number = photos.length > 1 && !seed ? photos.indexOf(one) + 1 : null;
  return h(
    "div",
    { class: one.tracklet ? "comparison of-tracklets" : "comparison" },
    one.tracklet ? figure(strip(one.tracklet, scope, say.seed.strip), say.player.searchedFor) : null,
    crop ? figure(crop, say.player.yourPhoto(number)) : null,
    figure(strip(hit, scope, say.player.strip), say.player.thisHit),
  );
}
