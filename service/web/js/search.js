// Asking: the newest question wins, older ones are aborted.

import { getJson, isAbort } from "./api.js";
import { later } from "./dom.js";
import { setSearch, store } from "./state.js";

let running = null;

/** What was asked before is no longer wanted; the controller aborts what is asked now. */
export function beginSearch() {
  stopSearching();
  return (running = new AbortController());
}

/** What to look for. */
function wanted({ seed, probe, pick, takenAt }) {
  if (seed) return { tracklet_id: seed.tracklet_id };
  return takenAt ? { ...wantedOf(probe, pick), taken_at: takenAt } : wantedOf(probe, pick);
}

/** What is picked on a photo. Without a person or a box the API would take the first, so the whole photo is a box. */
export function wantedOf(probe, pick) {
  if (pick.auto) return { probe_id: probe.id }; // the answer then says why it was this person
  if (pick.person !== undefined) return { probe_id: probe.id, person: pick.person };
  return { probe_id: probe.id, box: pick.box ?? [0, 0, probe.width, probe.height] };
}

function question(state) {
  const { filters } = state;
  return {
    probes: [wanted(state), ...state.extra],
    cameras: filters.cameras,
    start: filters.start,
    end: filters.end,
    limit: filters.limit,
    rerank: filters.rerank,
  };
}

/** Search for the picked person with the filters as they are; does nothing before a photo is there. */
export async function search() {
  const state = store.get();
  if (!state.seed && !(state.probe && state.pick)) return;
  const mine = beginSearch();
  setSearch({ phase: "loading", error: null });
  try {
    const answer = await getJson("/v1/searches", { json: question(state), signal: mine.signal });
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
  const { answer, hits, more } = store.get().search;
  if (!answer?.next_cursor || more) return;
  setSearch({ more: true, error: null });
  try {
    const path = `/v1/searches/${encodeURIComponent(answer.id)}?cursor=${encodeURIComponent(answer.next_cursor)}`;
    const page = await getJson(`${path}&limit=${store.get().filters.limit}`);
    if (store.get().search.answer !== answer) return;
    const all = [...hits, ...page.hits];
    setSearch({ more: false, answer: { ...answer, next_cursor: page.next_cursor }, hits: all, shown: all.length });
  } catch (error) {
    if (store.get().search.answer === answer) setSearch({ more: false, error });
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
