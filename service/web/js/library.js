// The library: every camera with its videos, day by day, what of each day was recorded, and what could not be indexed.

import { getAll, getJson, isAbort } from "./api.js";
import { showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { cameraForm, newCameraForm } from "./cameraform.js";
import { byDay, covered, shares } from "./days.js";
import { $, fill, h, icon } from "./dom.js";
import { bytes, day as dayName, duration } from "./format.js";
import { behindButton } from "./forms.js";
import { eraseButton, eraseFootage } from "./footage.js";
import { refreshHoldings } from "./holdings.js";
import { retryButton, retryNote } from "./retrying.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { videoForm } from "./videoform.js";
import { clockOf, clocksOf } from "./when.js";
import { shownZone } from "./zones.js";

const LONGEST = 7 * 24 * 3600; // seconds that a damaged header is believed
let opened = new AbortController(); // ends with the panel

/** A day as a bar from midnight to midnight on the camera's clock, dark where something was recorded, red where that failed. */
function bar(one) {
  const parts = one.parts.map((part) => {
    const [left, width] = shares(part, one);
    const piece = h("span", { class: part.video.failed ? "failed" : "" });
    piece.style.insetInlineStart = `${100 * left}%`;
    piece.style.inlineSize = `max(2px, ${100 * width}%)`;
    return piece;
  });
  return h("span", { class: "day-bar", "aria-hidden": true }, parts);
}

/** One video: when, which file, and ways to correct and to erase it; `shown` is called with the camera it is of then. */
function videoRow({ video }, zone, shown) {
  const small = (text, name, needs) => h("button", { type: "button", class: "quiet", data: { needs }, "aria-label": name }, text);
  return h(
    "li",
    { class: "video" },
    h("span", { class: "clocks" }, clocksOf(video.start, video.end, zone)),
    h("span", { class: "file" }, video.file_name, h("span", { class: "note" }, say.library.about(video.tracklets, bytes(video.size_bytes)))),
    behindButton(small(say.library.correct, say.library.correctOf(video.file_name), "correctVideo"), (onCancel) => videoForm(video, { onSaved: shown, onCancel })),
    eraseButton({ recordings: [video.id] }, { label: say.library.erase, name: say.library.eraseOf(video.file_name), onErased: () => shown(video.camera) }),
    video.frames_bad ? h("p", { class: "caution" }, icon("warning"), h("span", {}, say.library.badFrames(video.frames_bad))) : null,
  );
}

/** A recording that could not be indexed: when, which file, why, and a way to try it again. */
function failedRow({ video: failed }, zone) {
  const place = h("div", { class: "slot" });
  const onFiled = () => {
    const told = h("p", { class: "note", role: "status", tabIndex: -1 }, say.library.filedAgain(failed.file_name));
    fill(row, told);
    told.focus();
  };
  const row = h(
    "li",
    { class: "video failed" },
    h("span", { class: "clocks" }, failed.end > failed.start ? clocksOf(failed.start, failed.end, zone) : clockOf(failed.start, zone)),
    h("span", { class: "file" }, failed.file_name, h("span", { class: "note state failed" }, say.jobs.states.failed)),
    failed.retry.possible ? retryButton(failed.job_id, [failed.id], { name: say.jobs.againOf(failed.file_name), onFiled, onError: (error) => showError(place, error) }) : null,
    h("p", { class: "reason", lang: "en" }, failed.reason),
    retryNote(failed, zone),
    place,
  );
  return row;
}

/** When a recording that failed ended, as its header says; its start where that says nothing, or more than can be. */
function endOf({ start, counters: { expected_seconds: seconds } }) {
  return seconds > 0 && seconds <= LONGEST ? new Date(Date.parse(start) + 1000 * seconds).toISOString() : start;
}

/** Recordings that failed, to stand among videos: as long as the file says, or a moment where it could not be asked. */
async function failedOf(camera) {
  if (!mayDo("listFailedRecordings", false)) return [];
  const all = await getAll(`/v1/failed-recordings?camera=${encodeURIComponent(camera.name)}`, { signal: opened.signal });
  return all.map((one) => ({ ...one, failed: true, end: endOf(one) }));
}

function dayItem(one, zone, shown) {
  const name = dayName(new Date((one.start + one.end) / 2).toISOString(), zone);
  const seen = one.parts.filter(({ video }) => !video.failed);
  const about = [seen.length ? say.library.day(seen.length, duration(covered(seen))) : null, say.library.failed(one.parts.length - seen.length)];
  return h(
    "details",
    { class: "day" },
    h("summary", {}, h("span", { class: "day-name" }, name), bar(one), h("span", { class: "note" }, about.filter(Boolean).join(", "))),
    h("ul", {}, one.parts.map((part) => (part.video.failed ? failedRow(part, zone) : videoRow(part, zone, shown)))),
  );
}

async function showVideos(camera, place) {
  if (!mayDo("listVideos")) return fill(place, h("p", { class: "note" }, say.library.notListed));
  const reload = () => showVideos(camera, place);
  const open = new Set([...place.querySelectorAll("details[open] .day-name")].map((name) => name.textContent));
  try {
    const videos = getAll(`/v1/videos?limit=500&camera=${encodeURIComponent(camera.name)}`, { signal: opened.signal });
    const days = byDay((await Promise.all([videos, failedOf(camera)])).flat(), camera.time_zone).map((one) => dayItem(one, camera.time_zone, showAgain));
    for (const one of days) one.open = days.length === 1 || open.has(one.querySelector(".day-name").textContent);
    fill(place, days.length ? [h("p", { class: "note" }, say.library.zone(shownZone(camera.time_zone))), days] : h("p", { class: "note" }, say.library.noRecordings));
  } catch (error) {
    if (!isAbort(error)) showError(place, error, reload);
  }
  return undefined;
}

/** Read the cameras again and show them, the one of this name opened. */
async function showAgain(name) {
  await refreshHoldings();
  show(store.get(), name);
  ($(`.camera-item[data-name="${CSS.escape(name ?? "")}"] > summary`) ?? $("#library button")).focus();
}

function editing(camera) {
  return behindButton(h("button", { type: "button", data: { needs: "changeCamera" } }, say.camera.edit), (onCancel) => cameraForm(camera, { onSaved: showAgain, onDeleted: () => showAgain(), onCancel }));
}

function cameraItem(camera) {
  const place = h("div", { class: "days" }, h("p", { class: "note waiting" }, say.results.loading));
  const item = h(
    "details",
    { class: "camera-item", data: { name: camera.name } },
    h("summary", {}, h("span", { class: "name" }, camera.name), h("span", { class: "note" }, [camera.site, camera.time_zone].filter(Boolean).join(", "))),
    h("div", { class: "edit" }, editing(camera)),
    place,
    eraseFootage(camera, () => showAgain(camera.name)),
  );
  item.addEventListener("toggle", () => item.open && showVideos(camera, place));
  return h("li", {}, item);
}

/** Redraw the list of cameras; those that were open stay so. */
function show({ cameras }, opening) {
  const open = new Set([...document.querySelectorAll(".camera-item[open]")].map((item) => item.dataset.name).concat(opening ?? []));
  const items = [...cameras].sort((a, b) => a.name.localeCompare(b.name)).map(cameraItem);
  fill($("#library-list"), items.length ? items : h("li", { class: "note" }, say.filters.noCameras));
  for (const item of document.querySelectorAll(".camera-item")) item.open = open.has(item.dataset.name) || items.length === 1;
}

export function startLibrary() {
  const dialog = $("#library");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  const adding = behindButton(h("button", { type: "button", data: { needs: "createCamera" } }, say.camera.add), (onCancel) => newCameraForm(store.get().zone, { onSaved: (name) => (onCancel(), showAgain(name)), onCancel }));
  fill(
    dialog,
    h("header", { class: "panel-head" }, h("h2", { id: "library-title" }, say.library.title), close),
    h("div", { class: "panel-body" }, h("ul", { id: "library-list", class: "library-list" }), adding, h("div", { id: "library-erase" })),
  );
  $("#open-library").addEventListener("click", () => {
    opened = new AbortController();
    fill($("#library-erase"), eraseFootage(null, () => showAgain()));
    dialog.showModal();
    show(store.get());
    refreshHoldings();
  });
  store.subscribe((state, before) => {
    if (dialog.open && JSON.stringify(state.cameras) !== JSON.stringify(before.cameras)) show(state);
  });
  dialog.addEventListener("close", () => opened.abort());
}
