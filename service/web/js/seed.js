// Searching from a hit instead of the photo: the person as one camera saw them, to find them on the others.

import { getJson } from "./api.js";
import { $, fill, h, icon } from "./dom.js";
import { number } from "./format.js";
import { MediaScope } from "./media.js";
import { stagedTracklet } from "./photos.js";
import { search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

const MINUTES = [15, 30, 60, 180]; // in which somebody is looked for on the next camera
const SPEEDS = [2, 4, 15]; // metres a second at most: walking, running, in a vehicle

let scope = new MediaScope();
let filtersBefore = null; // those that were set before a person was followed

/** Search for the person of `hit`; the photo stays ready to go back to. `follow`: how they are followed, if they are. */
export function searchFrom(hit, follow = null) {
  store.set({ seed: hit, follow });
  scrollTo({ top: 0 });
  search();
}

/**
 * Search for the person of `hit` on the other cameras, in the time after it (1) or before it (-1): on those that can be
 * reached within `minutes` at `speed` metres a second, where positions are known; the nearest are named first.
 */
export async function followFrom(hit, by, { minutes = MINUTES[0], speed = SPEEDS[0] } = {}) {
  const { cameras, filters } = store.get();
  filtersBefore ??= filters;
  const others = cameras.map(({ name }) => name).filter((name) => name !== hit.camera.name);
  const query = new URLSearchParams({ camera: hit.camera.name, speed, seconds: minutes * 60 });
  const found = await getJson(`/v1/onwards?${query}`).catch(() => null); // then nothing is left out
  const near = found?.items.filter(({ within }) => within).map(({ camera }) => camera) ?? [];
  // Views overlap: who is still seen here may be seen there already. Times of filters are whole seconds.
  const window = minutes * 60_000;
  const from = Math.floor(Date.parse(hit.start) / 1000) * 1000 - (by < 0 ? window : 0);
  const until = Math.ceil(Date.parse(hit.end) / 1000) * 1000 + (by > 0 ? window : 0);
  const wanted = { ...filters, sites: [], cameras: near.length ? near : others, start: new Date(from).toISOString(), end: new Date(until).toISOString() };
  store.set({ filters: wanted });
  searchFrom(hit, { hit, by, minutes, speed, found, filters: wanted });
}

/** How far somebody is followed: what limits it, in words, and ways to widen it. */
function travel({ hit, by, minutes, speed, found }) {
  const known = found?.items.filter(({ metres }) => metres !== null) ?? [];
  const [near, far] = [known.filter(({ within }) => within), known.filter(({ within }) => !within)];
  const name = ({ camera, metres }) => say.seed.camera(camera, number(Math.round(metres)));
  const choose = (label, values, value, text, change) => {
    const select = h("select", { "aria-label": label, title: label, on: { change: ({ target }) => followFrom(hit, by, change(Number(target.value))) } }, values.map((one) => h("option", { value: String(one) }, text(one))));
    select.value = String(value);
    return select;
  };
  return [
    h("p", { class: "note" }, known.length ? say.seed.within(near.map(name), far.map(name), found.items.length - known.length, minutes, speed) : say.seed.anywhere(minutes, by)),
    h("div", { class: "tools" }, choose(say.seed.minutes, MINUTES, minutes, say.seed.minutesOf, (value) => ({ minutes: value, speed })), known.length ? choose(say.seed.speed, SPEEDS, speed, say.seed.speedOf, (value) => ({ minutes, speed: value })) : null),
  ];
}

function back() {
  store.set({ seed: null, follow: null, filters: filtersBefore ?? store.get().filters });
  filtersBefore = null;
  search();
}

/** Show the tracklet that is searched with, alone or as one of several. */
function show(state) {
  const { seed, photos, follow, filters } = state;
  scope.close();
  scope = new MediaScope();
  const panel = $("#seed");
  const tracklet = stagedTracklet(state);
  panel.hidden = !tracklet;
  if (!tracklet) return;
  const image = h("img", { alt: say.seed.strip });
  scope.strip(tracklet.thumbnail_url).then((url) => (image.src = url), () => undefined);
  const { camera, start } = tracklet;
  fill(
    panel,
    h("div", { class: "seed-strip sight" }, image),
    h("p", { class: "pick-line" }, h("span", { class: "words" }, say.seed.searching(camera.name), h("span", { class: "hint" }, momentOf(start, camera.time_zone)))),
    follow?.hit === seed && follow.filters === filters ? h("div", { class: "travel" }, travel(follow)) : null,
    seed && photos.length ? h("div", { class: "tools" }, h("button", { type: "button", on: { click: back } }, icon("previous"), say.seed.back)) : null,
  );
}

export function startSeed() {
  store.subscribe((state, before) => {
    if (stagedTracklet(state) !== stagedTracklet(before) || state.follow !== before.follow || (state.follow && state.filters !== before.filters)) show(state);
  });
}
