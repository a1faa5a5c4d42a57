// Videos by the calendar day of their camera's zone, for the bars of the library.

import { instantsOf, shownZone, wallOf } from "./zones.js";

const HOUR = 3_600_000;

/** The instant, in milliseconds, at which a day (YYYY-MM-DD) begins; where clocks skip midnight, the first hour that they show. */
export function beginning(day, zone) {
  for (const clock of ["00:00:00", "01:00:00", "02:00:00"]) {
    const [instant] = instantsOf(`${day}T${clock}`, zone);
    if (instant) return Date.parse(instant);
  }
  return Date.parse(`${day}T00:00:00Z`);
}

export const dayOf = (milliseconds, zone) => wallOf(milliseconds, zone).slice(0, 10);
export const dayAfter = (day) => new Date(Date.parse(`${day}T00:00:00Z`) + 24 * HOUR).toISOString().slice(0, 10);

/** Where something lies within a day, as shares of it: 23 or 25 hours when clocks change. */
export function shares({ from, to }, day) {
  return [(from - day.start) / (day.end - day.start), (to - from) / (day.end - day.start)];
}

/** The length of the union of stretches {from, to}, which may overlap, in seconds. */
export function covered(stretches) {
  let [total, reached] = [0, -Infinity];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return total / 1000;
}

/**
 * The days that have videos, the newest first: {day, start, end, parts: [{video, from, to}]}, times in milliseconds.
 * A video that goes on after midnight has a part on each of its days.
 */
export function byDay(videos, cameraZone) {
  const zone = shownZone(cameraZone);
  const days = new Map();
  for (const video of videos) {
    const [start, end] = [Date.parse(video.start), Date.parse(video.end)];
    for (let day = dayOf(start, zone); ; day = dayAfter(day)) {
      if (!days.has(day)) days.set(day, { day, start: beginning(day, zone), end: beginning(dayAfter(day), zone), parts: [] });
      const known = days.get(day);
      known.parts.push({ video, from: Math.max(start, known.start), to: Math.min(end, known.end) });
      if (end <= known.end) break;
    }
  }
  for (const { parts } of days.values()) parts.sort((a, b) => a.from - b.from);
  return [...days.values()].sort((a, b) => b.day.localeCompare(a.day));
}
