// The panel of videos: add some, see what is being indexed and why something was skipped or failed, cancel, try again.

import { addingForm } from "./adding.js";
import { getJson } from "./api.js";
import { showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { $, fill, h, icon } from "./dom.js";
import { duration, percent } from "./format.js";
import { camerasKnown, refreshHoldings } from "./holdings.js";
import { retryButton, retryNote } from "./retrying.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

const ACTIVE = 1500; // milliseconds between looks while something runs
const IDLE = 8000;
const PATIENCE = 20000; // milliseconds in the queue before that is remarked on
const ALMOST = 0.995; // of the work: what is left is not counted
export const RUNNING = new Set(["queued", "running"]);

let timer = 0;
let unfinished = new Set(); // jobs that ran when last seen

/** The zone of a camera; one that was added elsewhere a moment ago may not be known here yet. */
const zoneOf = (name) => store.get().cameras.find((camera) => camera.name === name)?.time_zone ?? "UTC";

let known = new Map(); // what is told of recordings that the gallery had already, by their ids

/** Which recording it had already, in words; resolves to elements. */
async function tellOriginal({ video_id: id, camera }) {
  const [video] = await Promise.all([getJson(`/v1/videos/${encodeURIComponent(id)}`), camerasKnown()]);
  const words = [say.jobs.had(video.file_name, video.camera), momentOf(video.start, zoneOf(video.camera)), "."];
  if (video.camera === camera || !store.get().cameras.some(({ name }) => name === camera)) return words;
  const { items } = await getJson(`/v1/videos?${new URLSearchParams({ camera, limit: 1 })}`);
  return items.length ? words : [...words, " ", say.jobs.emptyCamera(camera)];
}

/** Why a recording was skipped, in the page's words as soon as the recording that it equals is known. */
function original(one) {
  const line = h("span", { class: "reason" }, h("span", { lang: "en" }, one.reason));
  if (!one.video_id || !mayDo("getVideo")) return line;
  const key = `${one.id} ${one.video_id}`;
  if (!known.has(key)) known.set(key, tellOriginal(one));
  known.get(key).then((words) => fill(line, words), () => undefined); // erased since, perhaps: the server's words stay
  return line;
}

function recording(one, jobId) {
  const { id, file_name: file, camera, start, state, stage, progress, reason, retry, counters } = one;
  const found = state === "succeeded" && typeof counters?.tracklets === "number" ? `, ${say.library.sightings(counters.tracklets)}` : "";
  const now = state === "running" ? running(say.jobs.stages[stage] ?? stage, progress, null) : `${say.jobs.states[state]}${found}`;
  return h(
    "li",
    { class: "recording" },
    h("span", { class: "file" }, file, h("span", { class: "of" }, say.jobs.from(camera), momentOf(start, zoneOf(camera)))),
    h("span", { class: `state ${state}` }, now),
    state === "skipped" ? original(one) : reason ? h("span", { class: "reason", lang: "en" }, reason) : null,
    retry?.possible ? again(jobId, [id], { name: say.jobs.againOf(file), data: { job: `again-${id}` } }) : null,
    retry ? retryNote({ retry }, zoneOf(camera)) : null,
    state === "running" ? h("progress", { max: 1, value: progress, "aria-label": say.jobs.progressOf(file) }) : null,
  );
}

/** A button that tries recordings of a job again, and then leads to the job that does. */
function again(jobId, ids, options) {
  const onFiled = async ({ id }) => {
    await refresh();
    $(`#job-list [data-job="${id}"]`)?.focus();
  };
  return retryButton(jobId, ids, { ...options, onFiled, onError: (error) => showError($("#jobs-error"), error) });
}

/** How far work is: at the end of its count it is finishing, for as long as that takes. */
export function running(doing, share, left) {
  if (share >= ALMOST) return `${doing}, ${say.jobs.finishing}`;
  const parts = [doing, percent(share), left !== null && left >= 1 ? say.jobs.left(duration(left)) : null];
  return parts.filter(Boolean).join(", ");
}

function job(one) {
  const nothingNew = one.recordings.every((each) => each.state === "skipped");
  const ended = nothingNew ? say.jobs.nothingNew : say.jobs.states[one.state];
  const state = one.state === "running" ? running(say.jobs.states.running, one.progress, one.eta_seconds) : ended;
  const stuck = one.state === "queued" && Date.now() - new Date(one.created_at) > PATIENCE;
  const failed = one.recordings.filter(({ retry }) => retry?.possible).length;
  const all = failed > 1 ? again(one.id, null, { label: say.jobs.allAgain(failed), data: { job: `again-${one.id}` } }) : null;
  const cancel = h("button", { type: "button", disabled: one.cancel_requested, data: { job: one.id, needs: "cancelIndexJob" }, on: { click: () => cancelJob(one.id) } }, one.cancel_requested ? say.jobs.cancelling : say.jobs.cancel);
  return h(
    "li",
    { class: "job" },
    h(
      "div",
      { class: "job-head" },
      h("span", { class: `state ${nothingNew ? "skipped" : one.state}` }, state),
      h("span", { class: "note" }, say.jobs.filed(one.recordings.length), momentOf(one.created_at, zoneOf(one.recordings[0]?.camera))),
      RUNNING.has(one.state) ? cancel : all,
    ),
    stuck ? h("p", { class: "note" }, say.jobs.waiting) : null,
    h("ul", {}, one.recordings.map((each) => recording(each, one.id))),
  );
}

async function cancelJob(id) {
  try {
    await getJson(`/v1/index-jobs/${encodeURIComponent(id)}/cancel`, { method: "POST" });
  } catch (error) {
    showError($("#jobs-error"), error);
    return;
  }
  refresh();
}

/** Look at the jobs, and again later while the panel is open or some of them will add to what can be searched. */
async function refresh() {
  clearTimeout(timer);
  if (!$("#jobs").open && !unfinished.size) return;
  let pause = IDLE;
  try {
    const { items } = await getJson("/v1/index-jobs");
    show(items);
    if (unfinished.size && $("#jobs").open) pause = ACTIVE;
    showError($("#jobs-error"), null);
  } catch (error) {
    showError($("#jobs-error"), error);
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

function show(items) {
  const empty = h("li", { class: "note" }, say.jobs.none);
  const focused = document.activeElement?.dataset.job;
  fill($("#job-list"), items.length ? items.map(job) : empty);
  // The redrawn button keeps the focus, or the keyboard would start again at the top of the panel.
  if (focused) $(`#job-list [data-job="${focused}"]`)?.focus();
  const running = new Set(items.filter((one) => RUNNING.has(one.state)).map((one) => one.id));
  // Something has ended since the last look: there is more to search.
  if ([...unfinished].some((id) => !running.has(id))) refreshHoldings();
  unfinished = running;
}

export function startJobs() {
  const dialog = $("#jobs");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  fill(
    dialog,
    h("header", { class: "panel-head" }, h("h2", { id: "jobs-title" }, say.page.add), close),
    h(
      "div",
      { class: "panel-body" },
      h("section", { "aria-label": say.adding.title }, addingForm(refresh)),
      h("section", { class: "add", "aria-labelledby": "job-title" }, h("h3", { id: "job-title" }, say.jobs.title), h("div", { id: "jobs-error", class: "slot" }), h("ol", { id: "job-list", class: "job-list" })),
    ),
  );
  $("#open-jobs").addEventListener("click", () => {
    dialog.showModal();
    known = new Map();
    refresh();
  });
  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, IDLE);
  });
}
