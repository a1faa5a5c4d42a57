// The person that is searched for, cut out of the photo on the stage, to hold beside a hit.

import { $, h } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const SMALL = 192; // pixels: twice what is shown beside the words, for dense screens

/** A canvas of that height with the picked person, or null when there is no photo. */
export function probeCrop(height = SMALL) {
  const { probe, pick } = store.get();
  const image = $("#stage img");
  if (!probe || !pick || !image?.naturalWidth) return null;
  const [x, y, w, h_] = boxOf(probe, pick);
  const scale = image.naturalWidth / probe.width;
  const canvas = h("canvas", { height, width: Math.max(1, Math.round((height * w) / h_)), role: "img", "aria-label": say.photo.crop });
  canvas.getContext("2d").drawImage(image, x * scale, y * scale, w * scale, h_ * scale, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The box [x, y, w, h] that a pick means on its photo. */
export function boxOf(probe, pick) {
  if (pick.box) return pick.box;
  return probe.persons.find((one) => one.index === pick.person)?.box ?? [0, 0, probe.width, probe.height];
}
