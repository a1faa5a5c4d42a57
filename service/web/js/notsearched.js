// What an answer did not search and why, a line for each: from its data, in the page's words and on the cameras' clocks.

import { isForeign } from "./api.js";
import { h } from "./dom.js";
import { duration, secondsBetween } from "./format.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf, stretchOf } from "./when.js";

const SHOWN = 3; // stretches of a line whose times are said: all of them are in the table of each camera
const NAMED = 20; // recordings named one by one
const GAPS = ["damaged", "other_model", "no_pictures", "not_recorded"]; // filed recordings explain the others

/** What `camera` misses: {reason, stretches} of each reason, with null for the stretches where all of it is missing. */
function missedBy({ intervals, missing }) {
  const reasons = new Set(missing.map(({ reason }) => reason));
  if (!intervals.length && [...reasons].every((reason) => reason === "not_recorded")) return [{ reason: "nothing", stretches: null }];
  const whole = !intervals.length && reasons.size === 1;
  return GAPS.filter((reason) => reasons.has(reason)).map((reason) => ({ reason, stretches: whole ? null : missing.filter((gap) => gap.reason === reason) }));
}

/** How long the stretches are together, and when, where they are few. */
function times(stretches, zone) {
  const together = duration(stretches.reduce((sum, { start, end }) => sum + secondsBetween(start, end), 0));
  if (stretches.length > SHOWN) return [", ", say.coverage.inParts(together, stretches.length)];
  return [`, ${together}: `, stretches.flatMap(({ start, end }, index) => [index ? "; " : "", stretchOf(start, end, zone)])];
}

/** A line for each stretch of time that some cameras miss for the same reason. */
function gapLines(cameras) {
  const lines = new Map();
  for (const { camera, time_zone: zone, ...covered } of cameras) {
    for (const { reason, stretches } of missedBy(covered)) {
      const key = JSON.stringify([reason, stretches && [zone, stretches.map(({ start, end }) => [start, end])]]);
      const line = lines.get(key) ?? { reason, stretches, zone, names: [] };
      line.names.push(camera);
      lines.set(key, line);
    }
  }
  const cut = cameras.filter(({ more_missing: more }) => more).map(({ camera, more_missing: more }) => h("li", {}, say.coverage.moreGaps(camera, more)));
  return [...[...lines.values()].map(({ reason, stretches, zone, names }) => h("li", {}, say.coverage.gap(say.coverage.reasons[reason], names), stretches ? times(stretches, zone) : null)), ...cut];
}

function filedLine({ camera, zone, file_name: name, start, end, exact, state, reason }) {
  const when = end ? [stretchOf(start, end, zone), exact ? "" : say.coverage.atMost] : [say.coverage.fromTime.slice(2), momentOf(start, zone)];
  const why = state === "failed" && reason ? [": ", h("span", { lang: isForeign(reason, reason) ? "en" : null }, reason)] : null;
  return h("li", {}, h("span", { class: "file" }, name), ` (${camera}), `, when, ": ", say.coverage.filed[state], why);
}

/** Recordings that wait, are being indexed or failed. */
function filedLines(cameras) {
  const filed = cameras.flatMap(({ camera, time_zone: zone, unindexed }) => unindexed.map((one) => ({ ...one, camera, zone })));
  const more = filed.slice(NAMED).length + cameras.reduce((sum, { more_unindexed: left }) => sum + left, 0);
  return [...filed.slice(0, NAMED).map(filedLine), ...(more ? [h("li", {}, say.coverage.moreFiled(more))] : [])];
}

/** Cameras outside the filter, by name or, where they are many, how many. */
function filteredLines(entries) {
  if (!entries.length) return [];
  const names = entries.map(({ what }) => what);
  const many = names.length === 1 && !store.get().cameras.some(({ name }) => name === names[0]) && /^(\d+) cameras$/.exec(names[0]);
  return [h("li", {}, say.coverage.gap(say.coverage.reasons.filter, many ? [say.coverage.cameras(Number(many[1]))] : names))];
}

/** As the server said it, each reason once: of searches that were recorded before the data were. */
function toldLines(entries) {
  const reasons = new Map();
  for (const { what, reason, cause } of entries) {
    const words = say.told.cause(cause, reason);
    reasons.set(words, [...(reasons.get(words) ?? []), what]);
  }
  return [...reasons].map(([reason, what]) => h("li", { class: "told", lang: say.lang === "en" ? null : "en" }, say.coverage.gap(reason, what)));
}

/** Everything that was left out, each reason once: a reason that is not shown might be the true one. */
export function notSearched({ coverage: { cameras, not_searched: entries } }) {
  if (!entries.length) return null;
  const known = cameras.every(({ intervals }) => intervals);
  const filtered = entries.filter(({ cause }) => cause === "filter");
  const told = entries.filter(({ cause }) => !cause || (!known && cause !== "filter"));
  const lines = [...(known ? [...gapLines(cameras), ...filedLines(cameras)] : []), ...toldLines(told), ...filteredLines(filtered)];
  // On a small screen the first hits come before the list; what it would say is counted.
  const open = matchMedia("(min-width: 861px)").matches;
  return h("details", { class: "gap", open }, h("summary", {}, say.coverage.notSearched(entries.length)), h("ul", {}, lines));
}
