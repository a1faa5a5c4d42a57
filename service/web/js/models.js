// The part of the administration for models: which there are and which is in use; embed with another, adapt one, follow
// the work.

import { showError } from "./alerts.js";
import { getAll, getJson, isAbort, objectUrl } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { decimal } from "./format.js";
import { behindButton, formOf } from "./forms.js";
import { RUNNING, running } from "./jobs.js";
import { shadowOf } from "./shadow.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

const ACTIVE = 1500; // milliseconds between looks while something runs
const JOBS = "/v1/model-jobs";
const urlOf = (model) => `/v1/models/${encodeURIComponent(model)}`;

const share = (value) => say.jobs.percent(decimal(100 * value, 1));

let at = null; // the elements that are shown, and the signal that ends with them
let unfinished = null; // ids of jobs that ran when last seen; null before the first look
let seen = null; // the models as last drawn

/** Send, and look again; a refusal is shown above the list, in the server's words. */
async function order(path, json = {}) {
  try {
    await getJson(path, { json });
    showError(at.error, null);
  } catch (error) {
    showError(at.error, error);
  }
  try {
    await Promise.all([showModels(), refresh()]);
  } catch (error) {
    if (!isAbort(error)) showError(at.error, error);
  }
}

/** A button that asks once more before it changes what everybody searches with. */
function asking(label, question, act) {
  return behindButton(h("button", { type: "button" }, label), (close) =>
    h(
      "div",
      { class: "fields", role: "group", "aria-label": label },
      h("p", { class: "wide" }, question),
      h("div", { class: "actions" }, h("button", { type: "button", class: "primary", on: { click: act } }, label), h("button", { type: "button", data: { first: "" }, on: { click: close } }, say.form.cancel)),
    ),
  );
}

/** Whether it can be searched with and begun with: one that comes with the program is copied here when it is put into use. */
const usable = (one) => one.kept || one.shipped;

/** What a model's card says: what it is for, what it does badly, how many people it finds. Cards are in English. */
function cardOf({ intended_use: use, limits, figures }) {
  if (!use && !limits.length && !figures.length) return null;
  const percent = (part) => decimal(100 * part, 1);
  const row = (one) => h("tr", {}, h("td", {}, one.dataset), h("td", {}, one.protocol.toUpperCase()), h("td", {}, say.models.ranked[one.ranked_by] ?? one.ranked_by), h("td", {}, String(one.queries)), h("td", {}, percent(one.rank_1)), h("td", {}, percent(one.map)));
  return h(
    "details",
    { class: "card-of" },
    h("summary", {}, say.models.card),
    use ? h("p", { class: "name", lang: "en" }, use) : null,
    limits.length ? [h("p", { class: "note" }, say.models.limits), h("ul", { lang: "en" }, limits.map((one) => h("li", { class: "name" }, one)))] : null,
    figures.length ? h("table", {}, h("caption", { class: "note" }, say.models.figures), h("thead", {}, h("tr", {}, say.models.columns.map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, figures.map(row))) : null,
  );
}

function model(one, _, all) {
  // With none put into use, the one that comes with the program answers already.
  const already = one.in_use && one.shipped && !all.some((other) => other.promoted);
  const state = [one.promoted || already ? say.models.used : null, usable(one) ? null : say.models.elsewhere].filter(Boolean).join(", ");
  const missing = one.missing_videos;
  return h(
    "li",
    { class: "job model" },
    h("div", { class: "job-head" }, h("b", { class: "name" }, one.name), h("span", { class: "state" }, state), h("span", { class: "note" }, say.models.holds(one.videos, one.tracklets, missing))),
    one.warning ? h("p", { class: "note name" }, one.warning) : null,
    cardOf(one.card),
    one.in_use || !usable(one) || !one.tracklets ? null : shadowOf(one),
    one.promoted || !usable(one) || already
      ? null
      : missing
        ? h("button", { type: "button", on: { click: () => order(JOBS, { kind: "reindex", model: one.name }) } }, say.models.reindex(missing))
        : asking(say.models.promote, say.models.willAnswer(one.name), () => order(`${urlOf(one.id)}/promote`)),
  );
}

/** Draw the models where they changed: a question that somebody is about to answer stays open otherwise. */
async function showModels() {
  const items = await getAll("/v1/models", { signal: at.signal });
  const found = JSON.stringify(items);
  if (found === seen) return;
  seen = found;
  const back = items.some((one) => one.promoted) ? asking(say.models.rollback, say.models.willRollBack, () => order(urlOf("rollback"))) : null;
  fill(at.list, items.length ? items.map(model) : h("li", { class: "note" }, say.models.none));
  fill(at.tools, behindButton(h("button", { type: "button" }, say.models.adapt), (close) => adapting(items, close)), back);
}

function adapting(items, close) {
  const choices = items.filter((one) => usable(one) && !one.promoted).map((one) => h("option", { value: one.name }, one.name));
  const field = (label, attributes) => h("label", {}, label, h("input", attributes));
  const form = formOf(
    say.models.adapt,
    [
      h("p", { class: "wide note" }, say.models.about),
      field(say.models.name, { name: "name", required: true, pattern: "[a-z0-9][a-z0-9._\\-]{0,63}", title: say.models.nameRule }),
      h("label", {}, say.models.parent, h("select", { name: "parent" }, h("option", { value: "" }, say.models.inUse), choices)),
      field(say.models.rounds, { name: "rounds", type: "number", min: 1, max: 1000, value: 6, required: true }),
      field(say.models.hours, { name: "hours", type: "number", min: 0.1, max: 8784, step: "any" }),
    ],
    async () => {
      const { name, parent, rounds, hours } = Object.fromEntries(new FormData(form));
      await getJson(JOBS, { json: { kind: "adapt", name, parent: parent || null, rounds: Number(rounds), hours: hours ? Number(hours) : null } });
      close();
      refresh();
    },
    close,
  );
  return form;
}

function job(one) {
  const active = RUNNING.has(one.state);
  const state = one.state === "running" ? running(say.models.stage(one.stage), one.progress, one.eta_seconds) : say.jobs.states[one.state];
  const cancel = h("button", { type: "button", disabled: one.cancel_requested, data: { job: one.id }, on: { click: () => order(`${JOBS}/${encodeURIComponent(one.id)}/cancel`) } }, one.cancel_requested ? say.jobs.cancelling : say.jobs.cancel);
  return h(
    "li",
    { class: "job" },
    h(
      "div",
      { class: "job-head" },
      h("span", { class: `state ${one.state}` }, say.models.kinds[one.kind] ?? one.kind),
      h("b", { class: "name" }, one.options.name ?? one.options.model),
      h("span", { class: "note" }, state, say.models.filed, momentOf(one.created_at, "UTC")),
      active ? cancel : null,
    ),
    one.state === "running" ? h("progress", { max: 1, value: one.progress, "aria-label": say.models.progress }) : null,
    one.reason ? h("p", { class: "note name" }, one.reason) : null,
    one.recordings.filter((recording) => recording.reason).map((recording) => h("p", { class: "note name" }, `${recording.file_name}: ${recording.reason}`)),
    one.outcome ? outcome(one) : null,
  );
}

/** How an adaptation was judged, and its report to take away: opened in a tab it could not bring the key along. */
function outcome({ id, outcome: { figures, report_url: report } }) {
  const rows = figures.map((one) => h("tr", {}, h("td", {}, one.name), h("td", {}, share(one.before)), h("td", {}, share(one.after))));
  const place = h("div", { class: "slot" });
  const take = async () => {
    try {
      const url = await objectUrl(report);
      h("a", { href: url, download: `sightline-adaptation-${id.slice(0, 12)}.html` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be writing it
    } catch (error) {
      showError(place, error);
    }
  };
  return [
    rows.length ? h("table", { class: "figures" }, h("thead", {}, h("tr", {}, h("th", {}, say.models.figure), h("th", {}, say.models.before), h("th", {}, say.models.after))), h("tbody", {}, rows)) : null,
    report ? h("button", { type: "button", on: { click: take } }, icon("download"), say.models.report) : null,
    place,
  ];
}

/** Look at the jobs, and again while some run and are shown. */
async function refresh() {
  const mine = at;
  clearTimeout(mine.timer);
  try {
    const { items } = await getJson(JOBS, { signal: mine.signal });
    const focused = document.activeElement?.dataset.job;
    fill(mine.jobs, items.length ? items.map(job) : h("li", { class: "note" }, say.models.noJobs));
    if (focused) mine.jobs.querySelector(`[data-job="${focused}"]`)?.focus();
    const now = new Set(items.filter((one) => RUNNING.has(one.state)).map((one) => one.id));
    const ended = unfinished && [...unfinished].some((id) => !now.has(id));
    unfinished = now;
    if (ended) await showModels(); // a new model, or one that more is embedded with
  } catch (error) {
    if (isAbort(error)) return;
    showError(mine.error, error);
  }
  clearTimeout(mine.timer);
  if (unfinished?.size && !mine.signal.aborted) mine.timer = setTimeout(refresh, ACTIVE);
}

/** The part of the panel. */
export async function models({ signal }) {
  at = {
    signal,
    timer: 0,
    error: h("div", { class: "slot" }),
    list: h("ul", { id: "model-list", class: "job-list" }),
    tools: h("div", { class: "model-tools" }),
    jobs: h("ol", { id: "model-jobs", class: "job-list" }),
  };
  unfinished = seen = null;
  await Promise.all([showModels(), refresh()]);
  const { error, list, tools, jobs } = at;
  return [error, list, tools, h("section", { "aria-labelledby": "model-jobs-title" }, h("h3", { id: "model-jobs-title" }, say.models.jobs), jobs)];
}
