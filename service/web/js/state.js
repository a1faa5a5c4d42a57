// What the page knows, in one place. Modules read it, change it by `set`, and redraw when told.

/** A store of one plain object: `set` merges, listeners get (state, before). */
export function createStore(initial) {
  let state = initial;
  const listeners = new Set();
  return {
    get: () => state,
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      for (const listener of listeners) listener(state, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const store = createStore({
  photos: [], // what is searched for together, see photos.js
  at: 0, // which of them is on the stage
  photoErrors: [], // {error, name, again}: which photos were not taken, and why
  seed: null, // a hit that is searched for instead of the photos
  follow: null, // {hit, by, minutes, speed, found}: how the person of a hit is followed to other cameras, see seed.js
  marks: {}, // verdicts on the hits of the answer, by tracklet: "match" or "not"
  seconds: {}, // what second persons said of these marks, by tracklet, as the API says it
  review: null, // the search whose marks are shown to be confirmed, which may be somebody else's
  cameras: [], // as the API lists them
  holdings: null, // {videos, seconds, first, last} over all videos, times as {iso, zone}; null until counted
  caller: null, // who is signed in, as GET /v1/session says; null until that is known
  zone: null, // the zone whose clocks the times of the filters are read on; null until cameras are known
  keep: 200, // how many hits a search is to find, see deeper() in search.js
  filters: { cameras: null, sites: [], start: null, end: null, limit: 50, rerank: false }, // cameras: null = all, else array of names; sites: those of the address whose cameras are not known, searched by name
  view: { sort: null, group: false, least: null }, // how the hits are shown, see view.js
  opened: null, // the rank of the hit in the player
  search: { phase: "idle", answer: null, hits: [], error: null, more: false, shown: null }, // shown: hits, if more than a page; idle, loading, done, failed
});

/** Change the search state only. */
export function setSearch(patch) {
  store.set({ search: { ...store.get().search, ...patch } });
}
