// What an answer covers, in words: what was compared, what was not and why, and how to read the numbers.

import { isForeign } from "./api.js";
import { LIKELY_FROM, decimal, duration, number, secondsBetween } from "./format.js";
import { h, icon } from "./dom.js";
import { notSearched } from "./notsearched.js";
import { say } from "./strings.js";
import { momentOf, stretchOf } from "./when.js";

function compared({ coverage, filters }, zone) {
  const searched = coverage.cameras.filter((camera) => camera.seconds > 0);
  const seconds = searched.reduce((sum, camera) => sum + camera.seconds, 0);
  return h(
    "p",
    {},
    say.coverage.searched,
    h("strong", {}, say.coverage.sightings(coverage.tracklets_compared)),
    say.coverage.from(searched.map(({ camera }) => camera), duration(seconds)),
    within(filters, zone),
    ".",
  );
}

/** The time asked for, on the clock that it was asked in. */
function within({ start, end }, zone) {
  if (start && end) return [", ", stretchOf(start, end, zone)];
  if (start) return [say.coverage.fromTime, momentOf(start, zone)];
  return end ? [say.coverage.untilTime, momentOf(end, zone)] : [];
}

function table({ coverage }) {
  const head = say.coverage.columns.map((text) => h("th", { scope: "col" }, text));
  const rows = coverage.cameras.map((camera) =>
    h(
      "tr",
      {},
      h("td", {}, camera.camera),
      h("td", {}, camera.site ?? "–"),
      h("td", { class: "number" }, number(camera.tracklets)),
      h("td", { class: "number" }, duration(camera.seconds)),
    ),
  );
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

/** Each stretch of a camera's time in order: searched or not, and why. */
function stretches(camera) {
  const { intervals, missing, time_zone: zone, more_intervals: more = 0, more_missing: moreMissing = 0 } = camera;
  const all = [...(intervals ?? []).map((one) => ({ ...one, reason: "searched" })), ...missing];
  if (!all.length) return null;
  all.sort((one, other) => new Date(one.start) - new Date(other.start));
  const rows = all.map(({ start, end, reason, at_most: atMost }) =>
    h(
      "tr",
      { class: reason },
      h("td", {}, stretchOf(start, end, zone)),
      h("td", { class: "number" }, duration(secondsBetween(start, end))),
      h("td", {}, say.coverage.states[reason], atMost ? say.coverage.atMost : ""),
    ),
  );
  const head = say.coverage.stretch.map((text) => h("th", { scope: "col" }, text));
  const body = h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
  const rest = more + moreMissing;
  return h(
    "details",
    { class: "stretches" },
    h("summary", {}, say.coverage.stretches(camera.camera, all.length + rest)),
    h("div", { class: "scroll" }, body),
    rest ? h("p", {}, say.coverage.notListed(rest)) : null,
  );
}

function howExact({ coverage }) {
  if (coverage.exact) return say.coverage.exact;
  return say.coverage.approximate(decimal(coverage.recall * 100, 1));
}

function reading({ model, calibration, ranked_by: rankedBy }) {
  const score = rankedBy === "standard_score" ? say.coverage.standardScore : say.coverage.cosine;
  return [
    h("p", {}, calibration.calibrated ? `${say.coverage.calibrated(calibration.learnt_from)} ${say.coverage.likely(LIKELY_FROM)}` : score),
    h("p", {}, say.coverage.always),
    h("p", {}, say.coverage.clothes),
    h("p", {}, say.coverage.model, h("code", {}, model.name), say.coverage.weights, h("code", {}, model.id.slice(0, 12)), "."),
  ];
}

/** How many hits are credible, and how many of these will be wrong; nothing where no probability is known. */
function credible({ calibration, hits, refined }) {
  if (refined && hits.length) return h("p", { class: "credible" }, say.marks.refined);
  if (!calibration.calibrated || !hits.length) return null;
  const text = calibration.credible
    ? say.coverage.credible(calibration.credible, decimal(calibration.wrong_expected, 1), calibration.line, calibration.learnt_from)
    : say.coverage.noneCredible;
  return h("p", { class: "credible" }, text);
}

/** A warning of an answer: in the page's words where a notice of the answer says the same with a code. */
function warning({ notices, probes }, text) {
  const notice = [...notices, ...probes.flatMap((one) => one.notices)].find((one) => one.text === text);
  const words = notice ? say.told.notice(notice.code, text) : text;
  return h("p", { class: "caution" }, icon("warning"), h("span", { lang: isForeign(words, text) ? "en" : null }, words));
}

/** The statement above the hits of `answer`: times in `zone`, without warnings `said` beside the photo already. */
export function coverageOf(answer, zone, said) {
  const warnings = [answer.model.warning, ...answer.warnings].filter((text) => text && !said.includes(text));
  return h(
    "div",
    { class: "coverage" },
    credible(answer),
    compared(answer, zone),
    notSearched(answer),
    [...new Set(warnings)].map((text) => warning(answer, text)),
    h("details", {}, h("summary", {}, say.coverage.more), table(answer), answer.coverage.cameras.map(stretches), h("p", {}, howExact(answer)), reading(answer)),
  );
}
