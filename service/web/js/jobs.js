// The panel of recordings: add some, see what is being indexed and why something was skipped, cancel.

import { addingForm } from "./adding.js";
import { getJson } from "./api.js";
import { showError } from "./alerts.js";
import { $, fill, h, icon } from "./dom.js";
import { count, duration } from "./format.js";
import { refreshHoldings } from "./holdings.js";
import { store } from "./state.js";
import { momentOf } from "./when.js";

const ACTIVE = 1500; // milliseconds between looks while something runs
const IDLE = 8000;
const PATIENCE = 20000; // milliseconds in the queue before that is remarked on
const RUNNING = new Set(["queued", "running"]);

let timer = 0;
let unfinished = new Set(); // jobs that ran when last seen

const percent = (share) => `${Math.round(share * 100)} %`;

/** The zone of a camera; one that was added elsewhere a moment ago may not be known here yet. */
const zoneOf = (name) => store.get().cameras.find((camera) => camera.name === name)?.time_zone ?? "UTC";

function recording({ file_name: file, camera, start, state, stage, progress, reason }) {
  const now = state === "running" ? `${stage ?? "running"}, ${percent(progress)}` : state;
  return h(
    "li",
    { class: "recording" },
    h("span", { class: "file" }, file, h("span", { class: "of" }, `  ${camera}, from `, momentOf(start, zoneOf(camera)))),
    h("span", { class: `state ${state}` }, now),
    reason ? h("span", { class: "reason" }, reason) : null,
    state === "running" ? h("progress", { max: 1, value: progress, "aria-label": `Progress of ${file}` }) : null,
  );
}

function job(one) {
  const left = one.eta_seconds === null ? "" : `, about ${duration(one.eta_seconds)} left`;
  const state = one.state === "running" ? `running, ${percent(one.progress)}${left}` : one.state;
  const stuck = one.state === "queued" && Date.now() - new Date(one.created_at) > PATIENCE;
  const cancel = h("button", { type: "button", disabled: one.cancel_requested, data: { job: one.id }, on: { click: () => cancelJob(one.id) } }, one.cancel_requested ? "Cancelling…" : "Cancel");
  return h(
    "li",
    { class: "job" },
    h(
      "div",
      { class: "job-head" },
      h("span", { class: `state ${one.state}` }, state),
      h("span", { class: "note" }, `${count(one.recordings.length, "recording")}, filed `, momentOf(one.created_at, zoneOf(one.recordings[0]?.camera))),
      RUNNING.has(one.state) ? cancel : null,
    ),
    stuck ? h("p", { class: "note" }, "No worker has taken it yet: they are busy, or none is running.") : null,
    h("ul", {}, one.recordings.map(recording)),
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

/** Look at the jobs, and again later while the panel is open. */
async function refresh() {
  clearTimeout(timer);
  if (!$("#jobs").open) return;
  let pause = IDLE;
  try {
    const { items } = await getJson("/v1/index-jobs");
    show(items);
    if (unfinished.size) pause = ACTIVE;
    showError($("#jobs-error"), null);
  } catch (error) {
    showError($("#jobs-error"), error);
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

function show(items) {
  const empty = h("li", { class: "note" }, "No jobs so far.");
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
  const close = h("button", { type: "button", class: "quiet", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close"));
  fill(
    dialog,
    h("header", { class: "jobs-head" }, h("h2", { id: "jobs-title" }, "Recordings"), close),
    h(
      "div",
      { class: "jobs-body" },
      h("section", { "aria-label": "Add recordings" }, addingForm(refresh)),
      h("section", { class: "add", "aria-labelledby": "job-title" }, h("h3", { id: "job-title" }, "Indexing"), h("div", { id: "jobs-error", class: "slot" }), h("ol", { id: "job-list", class: "job-list" })),
    ),
  );
  $("#open-jobs").addEventListener("click", () => {
    dialog.showModal();
    refresh();
  });
  dialog.addEventListener("close", () => clearTimeout(timer));
}
