// A point in time on the page: on the camera's clock, and in UTC on hovering.

import { h } from "./dom.js";
import { clock, day, moment, offset, zoned } from "./format.js";
import { say } from "./strings.js";

function time(iso, zone, ...children) {
  return h("time", { dateTime: iso, title: `${zoned(iso, zone)}\n${say.time.utc(moment(iso, "UTC"))}` }, ...children);
}

/** "14:20:01 Thu, 12 Mar 2026 UTC+1", the clock first and set off: for lists. */
export function clockFirst(iso, zone) {
  return time(iso, zone, h("b", {}, clock(iso, zone)), ` ${day(iso, zone)} ${offset(iso, zone)}`);
}

/** "Thu, 12 Mar 2026, 14:20:01 UTC+1": for sentences. */
export function momentOf(iso, zone) {
  return time(iso, zone, `${moment(iso, zone)} ${offset(iso, zone)}`);
}

/** "14:20:01" alone, where day and zone stand nearby. */
export const clockOf = (iso, zone) => time(iso, zone, clock(iso, zone));

/** From one clock time to another, as when a person was in view. */
export function clocksOf(start, end, zone) {
  return time(start, zone, `${clock(start, zone)} – ${clock(end, zone)}`);
}

/** From when to when on one clock, to the second; the shift of the clock at both ends where it changes between them. */
export function stretchOf(start, end, zone) {
  const [from, to] = [offset(start, zone), offset(end, zone)];
  const until = day(start, zone) === day(end, zone) ? clock(end, zone) : moment(end, zone);
  return time(start, zone, from === to ? `${moment(start, zone)} – ${until} ${from}` : `${moment(start, zone)} ${from} – ${until} ${to}`);
}

/**
 * From the first to the last instant, each on the clock of its own camera. The day is said once when both share it,
 * and so is the zone.
 */
export function spanOf(first, last) {
  const [from, to] = [first, last].map(({ iso, zone }) => ({ iso, zone, day: day(iso, zone), shift: offset(iso, zone), at: clock(iso, zone).slice(0, 5) }));
  const oneZone = from.zone === to.zone;
  const start = time(from.iso, from.zone, `${from.day}, ${from.at}${oneZone ? "" : ` ${from.shift}`}`);
  const end = time(to.iso, to.zone, from.day === to.day && oneZone ? to.at : `${to.day}, ${to.at}${oneZone ? "" : ` ${to.shift}`}`);
  return [start, " – ", end, oneZone ? ` (${from.zone})` : ""];
}
