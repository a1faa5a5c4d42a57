// Open a recorded search again, as a link with #search=... and the way back ask.

import { ApiError, getAll, getJson, isAbort, objectUrl } from "./api.js";
import { removePhoto, showPhoto, showStart, stopUploading } from "./probe.js";
import { beginSearch } from "./search.js";
import { setSearch, store } from "./state.js";
import { say } from "./strings.js";

const id = encodeURIComponent;

/** What was picked, in the page's terms. */
function pickOf({ person, box, selected_by: by }) {
  if (by === "whole") return { auto: true };
  if (by === "default") return { person, auto: true };
  return person === null ? { box } : { person };
}

/** A further photo or tracklet of a recorded search, as a new search takes it. */
function choiceOf({ id: probeId, person, box, tracklet_id: trackletId, taken_at: takenAt }) {
  if (trackletId) return { tracklet_id: trackletId };
  const when = takenAt ? { taken_at: takenAt } : {};
  return person === null ? { probe_id: probeId, box, ...when } : { probe_id: probeId, person, ...when };
}

/** As much of a hit as showing and searching from a tracklet takes. */
async function hitOf(trackletId, signal) {
  const tracklet = await getJson(`/v1/tracklets/${id(trackletId)}`, { signal });
  return { ...tracklet, tracklet_id: tracklet.id };
}

/** The page ticks cameras; a search made elsewhere may have named sites. */
async function filtersOf({ cameras, sites, start, end }, signal) {
  if (!sites) return { cameras, start, end };
  const all = await getAll("/v1/cameras", { signal });
  const meant = all.filter(({ name, site }) => sites.includes(site) && (!cameras || cameras.includes(name)));
  return { cameras: meant.map(({ name }) => name), start, end };
}

/** Show the photo of the search, unless it is the one on the page already. */
async function showProbe(probe, signal) {
  if (probe.id !== store.get().probe?.id) {
    const found = await getJson(`/v1/probes/${id(probe.id)}`, { signal });
    showPhoto(await objectUrl(found.image_url, { signal }), say.photo.recorded);
    store.set({ probe: found });
  }
  store.set({ pick: pickOf(probe), takenAt: probe.taken_at, seed: null });
}

/** Show whom the search looked for. Photos expire and recordings are erased; the answer stays. */
async function showWhom({ probe }, signal) {
  try {
    // The tracklet's id may be another person's by now: whom it shows is not whom the search looked for.
    if (probe.gone) throw new ApiError(404, probe.gone);
    if (probe.id) await showProbe(probe, signal);
    if (probe.tracklet_id) store.set({ seed: await hitOf(probe.tracklet_id, signal) });
  } catch (error) {
    if (error.status !== 404) throw error;
    removePhoto();
    store.set({ probe: null, pick: null, seed: null, photoError: { error: new ApiError(404, say.photo.gone, say.photo.goneMore) } });
  }
}

/** Show the recorded search, `count` hits of it or a page; with null the page as it is before the first one. */
export async function reopen(searchId, count = null) {
  const { signal } = beginSearch();
  stopUploading();
  if (!searchId) {
    showStart();
    return;
  }
  store.set({ photoError: null });
  setSearch({ phase: "loading", error: null });
  try {
    const answer = await getJson(`/v1/searches/${id(searchId)}${count ? `?limit=${count}` : ""}`, { signal });
    const filters = await filtersOf(answer.filters, signal);
    await showWhom(answer, signal);
    store.set({ extra: answer.probes.slice(1).filter(({ gone }) => !gone).map(choiceOf) });
    store.set({ filters: { ...store.get().filters, ...filters, rerank: answer.reranked > 0 } });
    setSearch({ phase: "done", answer, hits: answer.hits, error: null, more: false, shown: count });
  } catch (error) {
    if (isAbort(error)) return;
    setSearch({ phase: "idle", answer: null, hits: [] });
    store.set({ photoError: { error, again: () => reopen(searchId, count) } });
  }
}
