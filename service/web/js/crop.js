// The person that is searched for, cut out of a photo, to hold beside a hit.

import { h } from "./dom.js";
import { say } from "./strings.js";

/** The picked person of one of the photos; null while there is none. As high and wide as its style makes it. */
export function cropOf({ url, probe, pick }) {
  if (!url || !probe || !pick) return null;
  const [x, y, w, h_] = boxOf(probe, pick);
  const image = h("img", { alt: "", src: url, draggable: false });
  // The whole picture behind a window of the box's shape: however large it is shown, at the resolution of the photo.
  Object.assign(image.style, {
    inlineSize: `${(100 * probe.width) / w}%`,
    blockSize: `${(100 * probe.height) / h_}%`,
    insetInlineStart: `${(-100 * x) / w}%`,
    insetBlockStart: `${(-100 * y) / h_}%`,
  });
  const crop = h("span", { class: "crop", role: "img", "aria-label": say.photo.crop }, image);
  crop.style.aspectRatio = `${w} / ${h_}`;
  return crop;
}

/** The box [x, y, w, h] that a pick means on its photo. */
export function boxOf(probe, pick) {
  if (pick.box) return pick.box;
  return probe.persons.find((one) => one.index === pick.person)?.box ?? [0, 0, probe.width, probe.height];
}
