// The photos and tracklets that are searched for together, in a row: which one is on the stage, which go.

import { cropOf } from "./crop.js";
import { $, fill, h, icon } from "./dom.js";
import { MediaScope } from "./media.js";
import { takeOut } from "./probe.js";
import { store } from "./state.js";
import { say } from "./strings.js";

let scope = new MediaScope();

/** What somebody looks like on it: the picked person, the whole photo while nobody is picked, a tracklet's crops. */
function faceOf(one) {
  if (one.tracklet) {
    const image = h("img", { alt: "" });
    scope.strip(one.tracklet.thumbnail_url).then((url) => (image.src = url), () => undefined);
    return h("span", { class: "crop of-strip" }, image);
  }
  return cropOf(one) ?? h("img", { class: one.uploading ? "waiting" : "failed", alt: "", src: one.url });
}

/** How much it counts among the others, once the answer has said so. */
function weightOf({ probe, tracklet }, answer) {
  const found = answer?.probes.find((one) => (probe ? one.id === probe.id : one.tracklet_id === tracklet?.tracklet_id));
  return found?.weight;
}

function item(one, index, { at, search }) {
  const weight = weightOf(one, search.answer);
  const name = one.tracklet ? say.photo.sightingNumber(index + 1) : say.photo.number(index + 1);
  const label = weight === undefined ? name : say.photo.counts(name, Math.round(100 * weight));
  const show = h(
    "button",
    { type: "button", class: "sight", title: label, "aria-label": label, "aria-pressed": String(index === at), on: { click: () => store.set({ at: index }) } },
    faceOf(one),
    h("span", { class: "number", "aria-hidden": true }, String(index + 1)),
  );
  const out = h("button", { type: "button", class: "quiet out", "aria-label": say.photo.takeOut(name), title: say.photo.takeOut(name), on: { click: () => leave(one.key, index) } }, icon("close"));
  return h("li", {}, show, out);
}

/** After one has gone the focus goes on to the next: it would otherwise be lost. */
function leave(key, index) {
  takeOut(key);
  const buttons = document.querySelectorAll("#photos .sight");
  (buttons[Math.min(index, buttons.length - 1)] ?? $("#another")).focus();
}

function show(state) {
  const { photos, seed } = state;
  const row = $("#photos");
  row.hidden = photos.length < 2 || Boolean(seed);
  scope.close();
  scope = new MediaScope();
  const before = [...row.querySelectorAll("button")].indexOf(document.activeElement);
  fill(row, row.hidden ? [] : photos.map((one, index) => item(one, index, state)));
  if (before !== -1) row.querySelectorAll("button")[before]?.focus();
}

/** Keep the row as the state says. */
export function startPhotoRow() {
  store.subscribe((state, before) => {
    const same = state.photos === before.photos && state.at === before.at && state.seed === before.seed;
    if (!same || state.search.answer?.id !== before.search.answer?.id) show(state);
  });
}
