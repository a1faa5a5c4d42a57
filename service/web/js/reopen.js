// Open a recorded search again, as a link with #search=... and the way back ask.

import { ApiError, getAll, getJson, isAbort, objectUrl } from "./api.js";
import { entryOf, setPhotos, staged } from "./photos.js";
import { refreshHoldings } from "./holdings.js";
import { meantBy } from "./places.js";
import { showStart, stopUploading } from "./probe.js";
import { beginSearch } from "./search.js";
import { setSearch, store } from "./state.js";
import { say } from "./strings.js";

let stale = false; // something that the answer may show was erased or corrected

const LONGEST_PAGE = 1000; // hits on a page that the API gives
const id = encodeURIComponent;

/** What was picked, in the page's terms. */
function pickOf({ person, box, selected_by: by }) {
  if (by === "whole") return { auto: true };
  if (by === "default") return { person, auto: true };
  return person === null ? { box } : { person };
}

/** As much of a hit as showing and searching from a tracklet takes. */
async function hitOf(trackletId, signal) {
  const tracklet = await getJson(`/v1/tracklets/${id(trackletId)}`, { signal });
  return { ...tracklet, tracklet_id: tracklet.id };
}

/** The page ticks cameras; a search may have named sites. */
async function filtersOf({ cameras, sites, start, end }, signal) {
  const all = sites ? await getAll("/v1/cameras", { signal }) : [];
  return { cameras: meantBy({ cameras, sites }, all), sites: [], start, end };
}

/** A photo or tracklet of the search as the page has it, with what is known of it already. */
async function entryFor(probe, signal) {
  // The tracklet's id may be another person's by now: whom it shows is not whom the search looked for.
  if (probe.gone) throw new ApiError(404, probe.gone);
  if (probe.tracklet_id) return entryOf({ tracklet: await hitOf(probe.tracklet_id, signal) });
  const known = store.get().photos.find((one) => one.probe?.id === probe.id);
  const chosen = { pick: pickOf(probe), takenAt: probe.taken_at };
  if (known) return { ...known, ...chosen };
  const found = await getJson(`/v1/probes/${id(probe.id)}`, { signal });
  const url = await objectUrl(found.image_url, { signal });
  return entryOf({ url, name: say.photo.recorded, probe: found, ...chosen });
}

/** Show whom the search looked for. Photos expire and recordings are erased; the answer stays. */
async function showWhom({ probes }, signal) {
  const several = probes.length > 1;
  const asked = await Promise.allSettled(probes.map((probe) => entryFor(probe, signal)));
  const found = asked.flatMap(({ value }) => value ?? []);
  const failed = asked.find(({ reason }) => reason && reason.status !== 404);
  if (failed) {
    for (const { url } of found) if (!store.get().photos.some((one) => one.url === url)) URL.revokeObjectURL(url);
    throw failed.reason;
  }
  const missing = asked.flatMap(({ reason }, index) => (reason ? { error: new ApiError(404, say.photo.gone, say.photo.goneMore), name: several ? say.photo.number(index + 1) : null } : []));
  store.set({ photoErrors: missing });
  // Alone it stands in the place of the photos, which stay ready to go back to.
  if (!several && found[0]?.tracklet) {
    store.set({ seed: found[0].tracklet });
    return;
  }
  const here = staged(store.get()).key;
  setPhotos(found, found.findIndex(({ key }) => key === here));
  store.set({ seed: null });
}

/** A recorded answer with its first `most` hits, or as many as a page of it has. */
async function answerOf(searchId, most, signal) {
  const path = `/v1/searches/${id(searchId)}`;
  const answer = await getJson(`${path}${most ? `?limit=${Math.min(most, LONGEST_PAGE)}` : ""}`, { signal });
  while (answer.hits.length < most && answer.next_cursor) {
    const limit = Math.min(most - answer.hits.length, LONGEST_PAGE);
    const page = await getJson(`${path}?${new URLSearchParams({ cursor: answer.next_cursor, limit })}`, { signal });
    answer.hits.push(...page.hits);
    answer.next_cursor = page.next_cursor;
  }
  return answer;
}

/**
 * Show the recorded search, `hits` of it or a page, as `view` says, and the hit of rank `opened` in the player; with null
 * the page as it is before the first one. All of it is put into the state at once: what is written down of a part of it
 * would be the address of no page that ever was.
 */
export async function reopen(searchId, { hits: count = null, opened = null, view = store.get().view } = {}) {
  const { signal } = beginSearch();
  stopUploading();
  if (!searchId) {
    showStart();
    store.set({ opened: null });
    return;
  }
  store.set({ photoErrors: [] });
  setSearch({ phase: "loading", error: null });
  try {
    const most = Math.max(count ?? 0, opened && opened > store.get().filters.limit ? opened : 0);
    const answer = await answerOf(searchId, most, signal);
    const filters = await filtersOf(answer.filters, signal);
    await showWhom(answer, signal);
    store.set({
      filters: { ...store.get().filters, ...filters, rerank: answer.reranked > 0 },
      view,
      opened,
      search: { ...store.get().search, phase: "done", answer, hits: answer.hits, error: null, more: false, shown: most || null },
    });
  } catch (error) {
    if (isAbort(error)) return;
    setSearch({ phase: "idle", answer: null, hits: [] });
    store.set({ photoErrors: [{ error, again: () => reopen(searchId, { hits: count, opened, view }) }] });
  }
}

/** What is recorded was erased or corrected: the answer is read again as soon as no panel covers it, the header now. */
export function recordChanged() {
  stale = true;
  refreshHoldings();
}

/** Read a stale answer again, when the last panel is closed. */
export function startReopening() {
  document.addEventListener(
    "close",
    () => {
      const { answer, shown } = store.get().search;
      if (!stale || document.querySelector("dialog[open]")) return;
      stale = false;
      if (answer) reopen(answer.id, { hits: shown });
    },
    { capture: true },
  );
}
