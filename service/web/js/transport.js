// How a clip is played: its speed, single frames, and the camera's clock at the picture on the screen.

import { $, h, icon } from "./dom.js";
import { say } from "./strings.js";
import { showInstant } from "./when.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];

let speed = 1;
let frame = 1 / 25; // seconds that a frame lasts
let shown = 0; // media time of the frame on the screen
let began = null; // {start, zone}: when the clip's first frame was recorded

const screen = () => $("#player video");

/** A clip was loaded: `start` is when its first frame was recorded, `zone` its camera's. */
export function clipLoaded(start, zone) {
  began = start ? { start: new Date(start).getTime(), zone } : null;
  shown = 0;
  screen().playbackRate = speed;
  showClock(0);
}

/** What time the camera's clock showed at `second` of the clip. */
function showClock(second) {
  const place = $("#player-clock");
  if (!began || !Number.isFinite(second)) return place.replaceChildren();
  const now = new Date(began.start + 1000 * second).toISOString();
  showInstant(place, now, began.zone);
}

/** Of the recording, on average: how long a frame lasts. */
export function framesLast(seconds) {
  if (seconds > 0 && seconds < 10) frame = seconds;
}

/** Go by one frame; `by` is -1 or 1. The clip stops. */
export function stepFrame(by) {
  const video = screen();
  if (!Number.isFinite(video.duration)) return; // the clip is being cut still
  video.pause();
  // To the middle of the frame: a time on its edge may show either neighbour.
  video.currentTime = Math.min(Math.max(0, shown + (by + 0.5) * frame), video.duration);
}

function setSpeed(value) {
  speed = value;
  screen().playbackRate = value;
  $("#player-speed").value = String(value);
}

/** Play slower (-1) or faster (1). */
export function changeSpeed(by) {
  const index = SPEEDS.indexOf(speed) + by;
  if (index in SPEEDS) setSpeed(SPEEDS[index]);
}

/** Frames tell their times as they are shown; the clock follows them. */
function followFrames(video) {
  const show = (_, { mediaTime }) => {
    shown = mediaTime;
    showClock(mediaTime);
    video.requestVideoFrameCallback(show);
  };
  video.requestVideoFrameCallback(show);
}

/** The controls; `video` is the screen that they are for. */
export function transport(video) {
  followFrames(video);
  const step = (id, name, symbol, by) => h("button", { id, type: "button", "aria-label": name, title: name, on: { click: () => stepFrame(by) } }, icon(symbol));
  const choice = h("select", { id: "player-speed", "aria-label": say.player.speed, on: { change: (event) => setSpeed(Number(event.target.value)) } }, SPEEDS.map((value) => h("option", { value: String(value), selected: value === speed }, say.player.times(value))));
  return [step("player-frame-back", say.player.frameBack, "step-back", -1), step("player-frame-on", say.player.frameOn, "step-on", 1), choice];
}
