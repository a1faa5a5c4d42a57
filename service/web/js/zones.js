// Clock times of a time zone and the instants they mean, also in the nights when its clocks change.

const CLOCK = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY = 86_400_000; // milliseconds; clocks change once within a day at most
const formatters = new Map();

function formatter(zone) {
  if (!formatters.has(zone)) formatters.set(zone, new Intl.DateTimeFormat("en-GB", { ...CLOCK, timeZone: zone }));
  return formatters.get(zone);
}

/** Whether this browser knows the zone: the server's list may be newer. */
export function isZone(zone) {
  try {
    formatter(zone);
    return true;
  } catch {
    return false;
  }
}

/** The zone to show times of a camera in: its own, or UTC where the browser does not know it. */
export const shownZone = (zone) => (zone && isZone(zone) ? zone : "UTC");

/** The zone of this browser: only ever a suggestion, cameras have their own. */
export const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** All zones that this browser knows, by name. */
export const allZones = () => [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];

/** YYYY-MM-DDTHH:MM:SS as the clocks of `zone` show it at an instant. */
export function wallOf(iso, zone) {
  const parts = Object.fromEntries(formatter(zone).formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${parts.year.padStart(4, "0")}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}`;
}

/** Milliseconds by which the clocks of `zone` are ahead of UTC. */
function ahead(milliseconds, zone) {
  const whole = Math.floor(milliseconds / 1000) * 1000;
  return Date.parse(`${wallOf(whole, zone)}Z`) - whole;
}

/** Whether the text is a day and time of the calendar: 30 February is none. */
export function isWall(wall) {
  const read = Date.parse(`${wall}Z`);
  return !Number.isNaN(read) && new Date(read).toISOString().startsWith(wall);
}

/**
 * The instants, as RFC 3339 in UTC, at which the clocks of `zone` show `wall` (YYYY-MM-DDTHH:MM:SS): one as a rule,
 * two in the hour that comes twice, none in the hour that is skipped.
 */
export function instantsOf(wall, zone) {
  const read = Date.parse(`${wall}Z`);
  const shifts = new Set([ahead(read - DAY, zone), ahead(read + DAY, zone)]);
  const instants = [...shifts].map((shift) => read - shift).filter((instant) => read - ahead(instant, zone) === instant);
  return instants.sort((a, b) => a - b).map((instant) => new Date(instant).toISOString());
}
