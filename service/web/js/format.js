// Times, durations, counts and scores as words. Times are unambiguous: day, month name, 24-hour clock, zone.

import { say } from "./strings.js";
import { shownZone } from "./zones.js";

const formatters = new Map(); // making one costs more than using it, and the player's clock asks for each frame

function formatter(zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(say.locale, { ...options, timeZone: shownZone(zone) }));
  return formatters.get(key);
}

const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

export const day = (iso, zone) => formatter(zone, DAY).format(new Date(iso));
/** Day and month alone, where the year stands nearby. */
export const dayMonth = (iso, zone) => formatter(zone, { day: "numeric", month: "short" }).format(new Date(iso));
export const clock = (iso, zone) => formatter(zone, CLOCK).format(new Date(iso));
export const moment = (iso, zone) => `${day(iso, zone)}, ${clock(iso, zone)}`;

/** "UTC+1" of `zone` at that instant. */
export function offset(iso, zone) {
  const parts = formatter(zone, { timeZoneName: "shortOffset" }).formatToParts(new Date(iso));
  return parts.find((part) => part.type === "timeZoneName")?.value.replace("GMT", "UTC") ?? "UTC";
}

/** "Europe/Berlin (UTC+1)" at that instant; UTC needs no telling how far it is from itself. */
export const zoned = (iso, zone) => (shownZone(zone) === "UTC" ? "UTC" : `${shownZone(zone)} (${offset(iso, zone)})`);

export function duration(seconds) {
  if (seconds < 10) return `${decimal(seconds, 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (seconds < 600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60 ? `${minutes % 60} min` : ""}`.trim();
}

/** h:mm:ss from the beginning of a file. */
export function timecode(seconds) {
  const whole = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

export const secondsBetween = (start, end) => (new Date(end) - new Date(start)) / 1000;

export const number = (n) => n.toLocaleString(say.locale);

/** With so many digits after the point, or what stands for it in the page's language. */
export const decimal = (value, digits) => value.toLocaleString(say.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** The score as the API gives it; a probability only where the API has a calibrated one. */
export const score = (value) => decimal(value, 3).replace("-", "\u2212");
export const signed = (value) => `${value < 0 ? "" : "+"}${decimal(value, 2)}`.replace("-", "\u2212");
export const probability = (value) => `${Math.round(value * 100)} %`;

/** Per cent from which the next of `say.results.likely` holds; docs/answers.md has the table. */
export const LIKELY_FROM = [20, 45, 55, 80];

/** The same in a word, which holds for the number that is shown. */
export const likely = (value) => say.results.likely[LIKELY_FROM.filter((least) => Math.round(value * 100) >= least).length];

/** A share that was chosen, such as the least probability. */
export const shareText = (share) => say.jobs.percent(Math.round(100 * share));

/** How much of some work is done: never 100 % before it is. */
export const percent = (share) => say.jobs.percent(Math.min(99, Math.floor(share * 100)));

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  const power = n < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(n) / 3));
  return `${decimal(n / 1000 ** power, power > 1 ? 1 : 0)} ${units[power]}`;
}
