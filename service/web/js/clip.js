// A clip in the place of the button that asks for it.

import { showError } from "./alerts.js";
import { isAbort } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { say } from "./strings.js";

async function play(path, button, place, scope) {
  button.disabled = true;
  try {
    const video = h("video", { controls: true, muted: true, loop: true, playsInline: true, src: await scope.url(path), "aria-label": say.player.screen });
    fill(place, video);
    video.play().catch(() => undefined);
  } catch (error) {
    if (!isAbort(error)) showError(place, error);
  } finally {
    button.disabled = false;
  }
}

/** A button that plays the clip at `path` in `place`; `scope()` keeps it. */
export function clipButton(path, place, scope) {
  const button = h("button", { type: "button", class: "play", data: { needs: "getClip" }, on: { click: () => play(path, button, place, scope()) } }, icon("play"), say.review.play);
  return button;
}
