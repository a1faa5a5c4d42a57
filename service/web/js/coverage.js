// What an answer covers, in words: what was compared, what was not and why, and how to read the scores.

import { count, duration } from "./format.js";
import { h, icon } from "./dom.js";
import { momentOf, spanOf } from "./when.js";

function joined(words) {
  if (words.length < 3) return words.join(" and ");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function compared({ coverage, filters }, zone) {
  const searched = coverage.cameras.filter((camera) => camera.seconds > 0);
  const names = searched.length <= 4 ? ` (${joined(searched.map((camera) => camera.camera))})` : "";
  const seconds = searched.reduce((sum, camera) => sum + camera.seconds, 0);
  return h(
    "p",
    {},
    "Searched ",
    h("strong", {}, count(coverage.tracklets_compared, "tracklet")),
    ` from ${count(searched.length, "camera")}${names}: ${duration(seconds)} of recordings`,
    within(filters, zone),
    ".",
  );
}

/** The time asked for, on the clock that it was asked in. */
function within({ start, end }, zone) {
  if (start && end) return [", ", spanOf({ iso: start, zone }, { iso: end, zone })].flat();
  if (start) return [", from ", momentOf(start, zone)];
  return end ? [", until ", momentOf(end, zone)] : [];
}

function notSearched({ coverage }) {
  if (!coverage.not_searched?.length) return null;
  const gaps = coverage.not_searched.map(({ what, reason }) => `${what} (${reason})`);
  const shown = gaps.slice(0, 4).join("; ");
  return h("p", { class: "gap" }, `Not searched: ${shown}${gaps.length > 4 ? `; and ${gaps.length - 4} more` : ""}.`);
}

function table({ coverage }) {
  const head = ["Camera", "Site", "Tracklets", "Recorded"].map((text) => h("th", { scope: "col" }, text));
  const rows = coverage.cameras.map((camera) =>
    h(
      "tr",
      {},
      h("td", {}, camera.camera),
      h("td", {}, camera.site ?? "–"),
      h("td", { class: "number" }, camera.tracklets.toLocaleString("en-GB")),
      h("td", { class: "number" }, duration(camera.seconds)),
    ),
  );
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

function howExact({ coverage }) {
  if (coverage.exact) return "Every tracklet that passes the filters was compared: nothing is missed by an approximate index.";
  return `The index is approximate: it finds ${(coverage.recall * 100).toFixed(1)} % of what an exact comparison would (measured).`;
}

function reading({ model, hits }) {
  const calibrated = hits.some((hit) => typeof hit.probability === "number");
  const meaning = calibrated
    ? "The percentage is a calibrated probability of a match."
    : "The score is the cosine similarity of two embeddings, 1 at most. It orders the list; it is not a probability.";
  return [
    h("p", {}, `${meaning} The list always shows the nearest tracklets, even when the person is in no recording.`),
    h("p", {}, "Persons are compared by clothing, build and what they carry: after a change of clothes they may not be found."),
    h("p", {}, "Model ", h("code", {}, model.name), ", weights ", h("code", {}, model.id.slice(0, 12)), "."),
  ];
}

/** The statement above the hits of `answer`: times in `zone`, without warnings `said` beside the photo already. */
export function coverageOf(answer, zone, said) {
  const warnings = [answer.model.warning, ...answer.warnings].filter((text) => text && !said.includes(text));
  return h(
    "div",
    { class: "coverage" },
    compared(answer, zone),
    notSearched(answer),
    [...new Set(warnings)].map((text) => h("p", { class: "caution" }, icon("warning"), h("span", {}, text))),
    h("details", {}, h("summary", {}, "What was searched, and how to read the scores"), table(answer), h("p", {}, howExact(answer)), reading(answer)),
  );
}
