// Asking: the newest question wins, older ones are aborted.

import { getJson, isAbort } from "./api.js";
import { later } from "./dom.js";
import { camerasKnown } from "./holdings.js";
import { isReady } from "./photos.js";
import { askedFor } from "./places.js";
import { setSearch, store } from "./state.js";

export const KEPT = 200; // hits that a search finds unless it is to go deeper
export const MOST_KEPT = 5000; // that the API finds at most
const MOST_AT_ONCE = 200; // hits on a page where all are wanted

let running = null;

/** What was asked before is no longer wanted; the controller aborts what is asked now. */
export function beginSearch() {
  stopSearching();
  return (running = new AbortController());
}

/** What is picked on a photo. Without a person or a box the API would take the first, so the whole photo is a box. */
function picked({ probe, pick }) {
  if (pick.auto) return {}; // the answer then says why it was this person
  if (pick.person !== undefined) return { person: pick.person };
  return { box: pick.box ?? [0, 0, probe.width, probe.height] };
}

/** One of the photos or tracklets to look for. */
function wanted(one) {
  if (one.tracklet) return { tracklet_id: one.tracklet.tracklet_id };
  const taken = one.takenAt ? { taken_at: one.takenAt } : {};
  return { probe_id: one.probe.id, ...picked(one), ...taken };
}

function question({ seed, photos, filters, keep, cameras }) {
  return {
    probes: seed ? [wanted({ tracklet: seed })] : photos.filter(isReady).map(wanted),
    ...askedFor(filters.cameras, filters.sites, cameras),
    start: filters.start,
    end: filters.end,
    limit: filters.limit,
    keep,
    rerank: filters.rerank,
  };
}

/** Search for the picked persons with the filters as they are; does nothing before a photo is there. */
export async function search() {
  const { seed, photos, filters } = store.get();
  if (!seed && !photos.some(isReady)) return;
  const mine = beginSearch();
  setSearch({ phase: "loading", error: null });
  try {
    if (filters.sites.length) await camerasKnown(); // an address names sites before it is known whose cameras these are
    const answer = await getJson("/v1/searches", { json: question(store.get()), signal: mine.signal });
    setSearch({ phase: "done", answer, hits: answer.hits, shown: null });
  } catch (error) {
    if (isAbort(error) || running !== mine) return;
    setSearch({ phase: "failed", error, answer: null, hits: [] });
  }
}

/** For bursts of changes: one search when they pause. */
export const searchSoon = later(search, 350);

/** The next page of the same recorded search, so ranks never shift. */
export async function loadMore() {
  if (store.get().search.more) return;
  await nextPage(store.get().filters.limit, false);
}

/** Ask the same for a list that is as long as it can be; it is loaded while one scrolls. */
export async function deeper() {
  store.set({ keep: MOST_KEPT });
  await search();
}

/** A page more of a long list, when its end comes near. */
export async function scrollOn() {
  const { search: now } = store.get();
  if (now.phase === "done" && !now.more && !now.error && now.answer?.next_cursor && now.hits.length >= KEPT) await nextPage(MOST_AT_ONCE, false);
}

/** All pages that are left, one after the other; each is shown when it comes. */
export async function loadAll() {
  if (store.get().search.more) return;
  while (await nextPage(MOST_AT_ONCE, true));
}

/** Append a page; true if there is another one. `goOn`: that is wanted at once. */
async function nextPage(limit, goOn) {
  const { answer, hits } = store.get().search;
  if (!answer?.next_cursor) return false;
  setSearch({ more: true, error: null });
  try {
    const path = `/v1/searches/${encodeURIComponent(answer.id)}?cursor=${encodeURIComponent(answer.next_cursor)}`;
    const page = await getJson(`${path}&limit=${limit}`);
    if (store.get().search.answer !== answer) return false;
    const all = [...hits, ...page.hits];
    const next = page.next_cursor;
    setSearch({ more: goOn && Boolean(next), answer: { ...answer, next_cursor: next }, hits: all, shown: all.length });
    return Boolean(next);
  } catch (error) {
    if (store.get().search.answer === answer) setSearch({ more: false, error });
    return false;
  }
}

/** Want no answer any more to what is being asked. */
export function stopSearching() {
  searchSoon.cancel();
  running?.abort();
}

/** Forget the answer, when the photo goes. */
export function clearSearch() {
  stopSearching();
  setSearch({ phase: "idle", answer: null, hits: [], error: null, more: false, shown: null });
}
