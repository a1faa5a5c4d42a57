// A hit at full size: its clip with the box drawn on it, from the best moment on, the recording around it, and what is known.

import { isAbort } from "./api.js";
import { showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { comparison } from "./compare.js";
import { factsOf, fillVideo } from "./facts.js";
import { $, fill, h, icon } from "./dom.js";
import { eraseTracklet } from "./footage.js";
import { secondsBetween } from "./format.js";
import { markButtons } from "./marks.js";
import { MediaScope } from "./media.js";
import { followFrom, searchFrom } from "./seed.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { changeSpeed, clipLoaded, framesLast, stepFrame, transport } from "./transport.js";
import { arranged } from "./view.js";

const PADDING = 1; // seconds shown before and after
const SHORT = 12; // seconds of a tracklet that is played whole at once
const STRETCH = 30; // seconds of the recording that are played at once
const BEFORE = 10; // of these, seconds before the best moment

let scope = new MediaScope();
let shown = null; // {hit, list, index}: the hit, in the list as it stood when it was opened
let boxed = true;
let comparing = false;
let whole = false; // all of a long tracklet was asked for
let around = null; // where in the recording, in seconds, when that is played instead of the tracklet
let loads = 0; // counts loads, so that a slow clip cannot replace a newer one

/** Whether all of a tracklet is played. Of a long one the best moment comes first: it is cut much sooner. */
const isShort = ({ start, end }) => secondsBetween(start, end) <= SHORT;
const playsAll = (hit) => whole || isShort(hit);

/** Where the best moment lies in the clip, which starts PADDING before what is shown or at the video's start. */
function bestSecond(hit) {
  const { start, best_moment: best } = hit;
  if (around !== null) return best.offset_seconds - around;
  const before = playsAll(hit) ? secondsBetween(start, best.start) : 0;
  return before + Math.min(PADDING, best.offset_seconds - before);
}

/** The stretch of the recording that is played, with everybody on it. */
function stretchPath(hit) {
  const query = new URLSearchParams({ offset: String(around), seconds: String(STRETCH) });
  if (boxed) query.set("tracklet", hit.tracklet_id);
  return `/v1/videos/${encodeURIComponent(hit.video_id)}/clip?${query}`;
}

function clipPath(hit) {
  if (around !== null) return stretchPath(hit);
  const url = new URL(hit.clip_url, location.origin);
  if (playsAll(hit)) url.searchParams.delete("moment");
  url.searchParams.set("padding", String(PADDING));
  url.searchParams.set("box", boxed ? "drawn" : "none");
  return url.pathname + url.search;
}

function fileName({ camera, start, rank }) {
  const time = start.slice(0, 19).replaceAll(":", "-");
  const what = around === null ? "" : `_at${around}s`;
  return `${camera.name}_${time}Z_rank${rank}${what}${boxed ? "_box" : ""}.mp4`.replaceAll(/[^\w.-]+/g, "-");
}

/** Fetch and show the clip of the hit, at `second`. */
async function load(second) {
  const { hit } = shown;
  const mine = ++loads;
  const video = $("#player video");
  const download = $("#player-download");
  download.removeAttribute("href");
  showError($("#player-error"), null);
  if (!mayDo("getClip")) return ($("#player-note").textContent = say.player.noClips);
  $("#player-note").textContent = say.player.cutting;
  try {
    const { url, headers } = await scope.file(clipPath(hit));
    if (mine !== loads) return;
    video.src = url;
    clipLoaded(headers.get("Sightline-Clip-Start"), hit.camera.time_zone);
    download.href = url;
    download.download = fileName(hit);
    video.addEventListener("loadedmetadata", () => (video.currentTime = Math.min(second, Math.max(0, video.duration - 0.1))), { once: true });
    if (!comparing) await video.play();
  } catch (error) {
    if (mine !== loads || isAbort(error)) return;
    // A browser may refuse to start by itself; the controls remain.
    if (error.name !== "NotAllowedError") showError($("#player-error"), error, () => load(second));
  } finally {
    if (mine === loads) $("#player-note").textContent = "";
  }
  return undefined;
}

/** Play a hit; the address tells which. */
export const openPlayer = (hit) => store.set({ opened: hit.rank });

/** Show the hit of that rank; before and after it come those beside it on the page. */
function show(rank) {
  const state = store.get();
  const isThat = (hit) => hit.rank === rank;
  const placed = arranged(state);
  const list = placed.some(isThat) ? placed : state.search.hits;
  const index = list.findIndex(isThat);
  if (index === -1) {
    store.set({ opened: null });
    return;
  }
  const hit = list[index];
  shown = { hit, list, index, seconds: Infinity };
  whole = false;
  around = null;
  scope.close();
  scope = new MediaScope();
  const video = $("#player video");
  video.removeAttribute("src");
  video.load();
  const site = hit.camera.site ? h("span", { class: "place" }, ` ${hit.camera.site}`) : null;
  fill($("#player-title"), h("span", { class: "rank" }, String(hit.rank)), hit.camera.name, site);
  fill($("#player-about"), factsOf(hit, scope));
  fill($("#player-marks"), markButtons(hit));
  fill($("#player-erase"), eraseTracklet(hit));
  learnLength(shown);
  for (const id of ["#player-before", "#player-after"]) $(id).hidden = state.cameras.length < 2;
  $("#player-whole").setAttribute("aria-pressed", "false");
  showAround();
  $("#player-previous").disabled = index === 0;
  $("#player-next").disabled = index === list.length - 1;
  if (!$("#player").open) {
    $("#player").showModal();
    // Not the button that closes: Space is to stop and play.
    video.focus();
  }
  // What had the focus may be gone, such as a pressed mark: the keys are the player's all the same.
  if (!$("#player").contains(document.activeElement)) video.focus();
  clipLoaded(null); // no clock without a picture
  load(bestSecond(hit));
  showComparison();
}

/** How long the recording is tells whether there is anything later to play; how many frames it has, how long one lasts. */
async function learnLength(one) {
  const video = await fillVideo(one.hit, scope);
  if (!video || shown !== one) return;
  one.seconds = video.seconds;
  framesLast(video.seconds / video.frames_decoded);
  showAround();
}

function showAround() {
  $("#player-around").setAttribute("aria-pressed", String(around !== null));
  // Disabled and not gone: no button moves as another is pressed, or from hit to hit.
  $("#player-whole").disabled = around !== null || isShort(shown.hit);
  $("#player-earlier").disabled = !around;
  $("#player-later").disabled = around === null || around + STRETCH >= shown.seconds;
}

/** Play the recording around the best moment, or the tracklet again. */
function toggleAround() {
  around = around === null ? Math.max(0, Math.floor(shown.hit.best_moment.offset_seconds) - BEFORE) : null;
  showAround();
  load(bestSecond(shown.hit));
}

/** The stretch of the recording before (-1) or after (1). */
function goAlong(by) {
  if (around === null || $(by < 0 ? "#player-earlier" : "#player-later").disabled) return;
  around = Math.max(0, around + by * STRETCH);
  showAround();
  load(0);
}

function step(by) {
  const next = shown.list[shown.index + by];
  if (next) openPlayer(next);
}

/** Mark the hit that is played, where the key may mark. */
function pressMark(verdict) {
  const button = $(`#player-marks [data-verdict=${verdict}]`);
  if (button.checkVisibility()) button.click();
}

function toggleBox() {
  boxed = !boxed;
  $("#player-box").setAttribute("aria-pressed", String(boxed));
  load($("#player video").currentTime);
}

function toggleWhole() {
  whole = !whole;
  $("#player-whole").setAttribute("aria-pressed", String(whole));
  load(bestSecond(shown.hit));
}

function toBest() {
  const video = $("#player video");
  video.currentTime = bestSecond(shown.hit);
  video.play().catch(() => undefined);
}

/** Hold photo and hit side by side; the clip waits. */
function toggleCompare() {
  comparing = !comparing;
  showComparison();
}

function showComparison() {
  const video = $("#player video");
  $("#player-compare").setAttribute("aria-pressed", String(comparing));
  $("#comparison").hidden = !comparing;
  if (!comparing) return;
  video.pause();
  fill($("#comparison"), comparison(shown.hit, scope));
}

function togglePlay() {
  if (comparing) toggleCompare();
  const video = $("#player video");
  if (video.paused) video.play().catch(() => undefined);
  else video.pause();
}

/** Arrow keys go through the list, whatever has the focus: the video's own use of them would surprise here. */
function onKey(event) {
  const onControl = event.target.closest("button, a, summary, select");
  if (event.target.matches("select") && event.key.startsWith("Arrow")) return;
  const actions = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    PageUp: () => goAlong(-1),
    PageDown: () => goAlong(1),
    ",": () => stepFrame(-1),
    ".": () => stepFrame(1),
    "<": () => changeSpeed(-1),
    ">": () => changeSpeed(1),
    a: toggleAround,
    b: toggleBox,
    c: toggleCompare,
    m: () => pressMark("match"),
    n: () => pressMark("not"),
    u: () => $("#undo").click(),
  };
  if (!onControl) actions[" "] = togglePlay;
  const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function button(id, name, symbol, run, extra = {}) {
  return h("button", { id, type: "button", on: { click: run }, ...extra }, icon(symbol), h("span", {}, name));
}

function build() {
  const dialog = $("#player");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  // No caption track: videos are played without sound.
  const video = h("video", { controls: true, muted: true, loop: true, playsInline: true, "aria-label": say.player.screen });
  const frame = h("div", { class: "screen-frame" }, video, h("time", { id: "player-clock", class: "player-clock" }), h("p", { id: "player-note", class: "note waiting", role: "status" }), h("div", { id: "player-error", class: "slot" }), h("div", { id: "comparison", hidden: true }));
  const controls = h(
    "div",
    { class: "transport" },
    h(
      "div",
      { class: "controls" },
      button("player-previous", say.player.previous, "previous", () => step(-1), { "aria-label": say.player.previous }),
      button("player-next", say.player.next, "next", () => step(1), { "aria-label": say.player.next }),
      transport(video),
      h("span", { class: "push" }),
      button("player-earlier", say.player.earlier(STRETCH), "previous", () => goAlong(-1), { data: { needs: "getVideoClip" } }),
      button("player-later", say.player.later(STRETCH), "next", () => goAlong(1), { data: { needs: "getVideoClip" } }),
    ),
    h(
      "div",
      { class: "controls" },
      button("player-best", say.player.best, "moment", toBest),
      button("player-whole", say.player.whole, "whole", toggleWhole, { "aria-pressed": "false" }),
      button("player-around", say.player.around, "videos", toggleAround, { "aria-pressed": "false", data: { needs: "getVideoClip" } }),
      button("player-box", say.player.box, "box", toggleBox, { "aria-pressed": "true" }),
      button("player-compare", say.player.compare, "compare", toggleCompare, { "aria-pressed": "false" }),
      h("span", { class: "push" }),
      h("a", { id: "player-download", class: "button", data: { needs: "getClip" } }, icon("download"), say.player.save),
    ),
    h("p", { class: "note keys" }, say.player.keys),
  );
  const leave = (search) => () => {
    const { hit } = shown;
    dialog.close();
    search(hit);
  };
  const again = [
    button("player-seed", say.player.again, "search", leave(searchFrom)),
    button("player-before", say.player.whereBefore, "previous", leave((hit) => followFrom(hit, -1)), { title: say.player.beforeNote }),
    button("player-after", say.player.whereNext, "next", leave((hit) => followFrom(hit, 1)), { title: say.player.nextNote }),
  ];
  // Marks come first, and where to go from here: they are pressed at every hit, and must not move with the facts.
  const about = h("div", { class: "about" }, h("div", { id: "player-marks" }), h("div", { class: "onwards", data: { needs: "createSearch" } }, again), h("div", { id: "player-about" }));
  fill(
    dialog,
    h("header", { class: "player-head" }, h("h2", { id: "player-title" }), close),
    h("div", { class: "player-body" }, h("div", { class: "screen" }, frame, controls), about),
    h("div", { id: "player-erase", class: "player-foot" }),
  );
}

export function startPlayer() {
  build();
  const dialog = $("#player");
  dialog.addEventListener("keydown", onKey, { capture: true });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    comparing = false;
    loads += 1;
    const video = $("#player video");
    video.removeAttribute("src");
    video.load();
    scope.close();
    store.set({ opened: null });
    // Back in the list, at the hit that was looked at last.
    document.querySelector(`#hits .hit[data-rank="${shown.hit.rank}"]`)?.focus();
  });
  store.subscribe(({ opened }, { opened: before }) => {
    if (opened === before) return;
    if (opened !== null) show(opened);
    else if (dialog.open) dialog.close();
  });
}
