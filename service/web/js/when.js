// A point in time on the page: on the camera's clock, and in UTC on hovering. Nothing else makes a <time>.

import { h } from "./dom.js";
import { clock, day, moment, offset, zoned } from "./format.js";
import { say } from "./strings.js";

/** What hovering tells of an instant, or of a stretch up to `end`. */
function hint(iso, zone, end) {
  const until = end ? ` – ${moment(end, "UTC")}` : "";
  return `${zoned(iso, zone)}\n${say.time.utc(moment(iso, "UTC") + until)}`;
}

function time(iso, zone, text, end = null) {
  return h("time", { dateTime: iso, title: hint(iso, zone, end) }, text);
}

/** Let a <time> that stays tell another instant, to the tenth of a second. */
export function showInstant(element, iso, zone) {
  element.dateTime = iso;
  element.title = hint(iso, zone);
  element.textContent = `${day(iso, zone)}, ${clock(iso, zone)}.${iso.slice(20, 21)} (${offset(iso, zone)})`;
}

/** In UTC itself, where it stands beside the camera's. */
export const inUtc = (iso) => time(iso, "UTC", moment(iso, "UTC"));

/** "14:20:01 Thu, 12 Mar 2026 UTC+1", the clock first and set off: for lists. */
export function clockFirst(iso, zone) {
  return time(iso, zone, [h("b", {}, clock(iso, zone)), ` ${day(iso, zone)} ${offset(iso, zone)}`]);
}

/** "Thu, 12 Mar 2026, 14:20:01 UTC+1": for sentences. */
export function momentOf(iso, zone) {
  return time(iso, zone, `${moment(iso, zone)} ${offset(iso, zone)}`);
}

/** "14:20:01" alone, where day and zone stand nearby. */
export const clockOf = (iso, zone) => time(iso, zone, clock(iso, zone));

/** From one clock time to another, as when a person was in view. */
export function clocksOf(start, end, zone) {
  return time(start, zone, `${clock(start, zone)} – ${clock(end, zone)}`, end);
}

/** From when to when on one clock, to the second; the shift of the clock at both ends where it changes between them. */
export function stretchOf(start, end, zone) {
  const [from, to] = [offset(start, zone), offset(end, zone)];
  const until = day(start, zone) === day(end, zone) ? clock(end, zone) : moment(end, zone);
  return time(start, zone, from === to ? `${moment(start, zone)} – ${until} ${from}` : `${moment(start, zone)} ${from} – ${until} ${to}`, end);
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
