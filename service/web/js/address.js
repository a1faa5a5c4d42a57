// The address says what the page shows: a recorded search, or the filters of one that is still to come. So reload,
// back and a link passed on show the same. The key is taken out of it at once.

import { changeFilters } from "./filters.js";
import { camerasKnown } from "./holdings.js";
import { placesOf } from "./places.js";
import { reopen } from "./reopen.js";
import { MOST_KEPT } from "./search.js";
import { store } from "./state.js";
import { SORTS } from "./view.js";


const whole = (text, most) => Math.min(Math.max(Math.trunc(Number(text)) || 0, 0), most) || null;

/** How the hits are to be shown, as the address says: what it does not know it leaves out. */
function viewIn(asked) {
  const least = whole(asked.get("least"), 100);
  return { sort: SORTS.includes(asked.get("sort")) ? asked.get("sort") : null, group: asked.get("group") === "camera", least: least && least / 100 };
}

/**
 * What the address asks for: {search, hits, opened, view} or {filters, sites, view}, any may be missing; hits: how many, if
 * not one page; sites: whose cameras are wanted, too; opened: the rank of the hit that is played; review: the search whose marks are to be confirmed.
 */
function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const cameras = asked.has("camera") ? asked.getAll("camera") : null;
  const time = (name) => (Number.isNaN(Date.parse(asked.get(name))) ? null : new Date(asked.get(name)).toISOString());
  const filters = { cameras, start: time("from"), end: time("to"), rerank: asked.has("rerank") };
  return { search: asked.get("search"), review: asked.get("review"), hits: whole(asked.get("hits"), MOST_KEPT), opened: whole(asked.get("hit"), MOST_KEPT), view: viewIn(asked), filters, sites: asked.getAll("site") };
}

/** Take a key out of the address that brings it, so that it is in no history entry or shared link; null if none. */
export function takeKey() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const key = asked.get("key");
  if (key === null) return null;
  asked.delete("key");
  history.replaceState(null, "", here(asked));
  return key.trim() || null;
}

function here(asked) {
  const text = asked.toString();
  return location.pathname + location.search + (text ? `#${text}` : "");
}

/** The address of what `state` holds. */
function addressOf({ search: { answer, shown }, filters, cameras, view, opened, review }) {
  const asked = new URLSearchParams();
  if (answer) {
    asked.set("search", answer.id);
    if (shown) asked.set("hits", shown);
  } else {
    for (const { name, site } of placesOf(filters.cameras ?? [], cameras)) asked.append(site === null ? "camera" : "site", name);
    for (const site of filters.sites) asked.append("site", site);
    if (filters.start) asked.set("from", filters.start);
    if (filters.end) asked.set("to", filters.end);
    if (filters.rerank) asked.set("rerank", "yes");
  }
  if (view.sort) asked.set("sort", view.sort);
  if (view.group) asked.set("group", "camera");
  if (view.least !== null) asked.set("least", Math.round(100 * view.least));
  if (answer && opened !== null) asked.set("hit", opened);
  if (review !== null) asked.set("review", review);
  return here(asked);
}

/** A link to what the page shows. */
export const linkTo = (state) => new URL(addressOf(state), location.origin).href;

const PLAYER = { player: true }; // an entry of the history that the player was opened by

/** A new answer is a step to go back from, and so is the player; filters that wait for a photo are none. */
function write(state, before) {
  const [answer, was] = [state.search.answer, before.search.answer];
  const next = addressOf(state);
  if (next === here(new URLSearchParams(location.hash.slice(1)))) return;
  if (answer && answer.id !== was?.id) history.pushState(null, "", next);
  else if (answer && state.opened !== null && before.opened === null) history.pushState(PLAYER, "", next);
  else if (answer && state.opened === null && before.opened !== null && history.state?.player) history.back();
  else if (answer || (state.search.phase === "idle" && !state.photos.length)) history.replaceState(history.state, "", next);
}

/** Forget what the address says, when the visitor leaves. */
export function clearAddress() {
  history.replaceState(null, "", location.pathname + location.search);
}

/** Show what the address says of the answer that is on the page. */
function turnTo({ view, opened, review }) {
  store.set({ view, opened, review });
}

/**
 * Choose the cameras of the sites in the address, as soon as it is known which these are. What was renamed, or is out of
 * the caller's sight, stays among the filters: without it everything would be searched, which nobody asked for.
 */
async function chooseSites() {
  await camerasKnown();
  const { cameras, filters } = store.get();
  const found = cameras.filter(({ site }) => filters.sites.includes(site));
  const unknown = filters.sites.filter((one) => !found.some(({ site }) => site === one));
  if (found.length) changeFilters({ cameras: [...new Set([...filters.cameras, ...found.map(({ name }) => name)])], sites: unknown });
}

/** Show what the address says, and keep it true from now on. */
export function startAddress() {
  const { search, hits, view, opened, review, filters, sites } = read();
  const wanted = sites.length ? { ...filters, cameras: filters.cameras ?? [], sites } : filters;
  store.set({ filters: { ...store.get().filters, ...wanted }, view, review });
  if (search) reopen(search, { hits, opened, view });
  else if (sites.length) chooseSites();
  store.subscribe((state, before) => {
    const changed = state.search.answer !== before.search.answer || ["filters", "view", "opened", "review"].some((name) => state[name] !== before[name]);
    if (changed) write(state, before);
  });
  addEventListener("popstate", () => {
    const asked = read();
    // A link with another key, pasted into a tab that already shows the page.
    if (location.hash.includes("key=")) location.reload();
    else if (asked.search === (store.get().search.answer?.id ?? null)) turnTo(asked);
    else {
      store.set({ review: asked.review });
      reopen(asked.search, asked);
    }
  });
}
