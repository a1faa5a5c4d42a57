// Stretches of time that are asked for often, on the clocks of the zone that the times of the filters are read on.

import { getAll } from "./api.js";
import { beginning, dayAfter, dayOf } from "./days.js";
import { $, fill, h } from "./dom.js";
import { changeFilters } from "./filters.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const HOUR = 3_600_000;
const SECOND = 1000;

const iso = (milliseconds) => new Date(milliseconds).toISOString();

/** `count` days from `day` (YYYY-MM-DD) on, of the clocks of `zone`: 23 or 25 hours each where these change. */
function days(day, count, zone) {
  let end = day;
  for (let n = 0; n < count; n += 1) end = dayAfter(end);
  return { start: beginning(day, zone), end: beginning(end, zone) };
}

const dayBefore = (day, count) => new Date(Date.parse(`${day}T00:00:00Z`) - 24 * HOUR * count).toISOString().slice(0, 10);

const PRESETS = {
  today: (zone) => days(dayOf(Date.now(), zone), 1, zone),
  yesterday: (zone) => days(dayBefore(dayOf(Date.now(), zone), 1), 1, zone),
  week: (zone) => days(dayBefore(dayOf(Date.now(), zone), 6), 7, zone),
  lastHour: (zone, last) => ({ start: last - HOUR, end: last }),
  lastDay: (zone, last) => days(dayOf(last - 1, zone), 1, zone),
};
const OF_RECORDINGS = new Set(["lastHour", "lastDay"]);

/** When the last recording ends, in milliseconds; null without any. In a large gallery all of them are looked at. */
async function lastRecorded() {
  const { holdings } = store.get();
  if (holdings && !holdings.more) return holdings.last ? Date.parse(holdings.last.iso) : null;
  const videos = await getAll("/v1/videos?limit=500");
  return videos.reduce((last, { end }) => Math.max(last, Date.parse(end)), 0) || null;
}

async function choose(name) {
  const last = OF_RECORDINGS.has(name) ? await lastRecorded() : null;
  if (OF_RECORDINGS.has(name) && last === null) return;
  const { start, end } = PRESETS[name](store.get().zone ?? "UTC", last);
  changeFilters({ start: iso(Math.floor(start / SECOND) * SECOND), end: iso(Math.ceil(end / SECOND) * SECOND) });
}

/** Whether it is known that nothing was recorded then. */
function isEmpty(name, { holdings, zone }) {
  if (!holdings || holdings.more) return false;
  if (!holdings.last) return true;
  const { start, end } = PRESETS[name](zone ?? "UTC", Date.parse(holdings.last.iso));
  return end <= Date.parse(holdings.first.iso) || start >= Date.parse(holdings.last.iso);
}

function show(state) {
  const button = (name) => {
    const empty = isEmpty(name, state);
    return h("button", { type: "button", class: "preset", disabled: empty, title: empty ? say.presets.empty : "", on: { click: () => choose(name) } }, say.presets[name]);
  };
  fill($("#presets"), Object.keys(PRESETS).map(button));
}

/** Offer them above the fields for times. */
export function startPresets() {
  show(store.get());
  store.subscribe((state, before) => {
    if (state.holdings !== before.holdings || state.zone !== before.zone) show(state);
  });
}
