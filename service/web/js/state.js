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
  photo: null, // {url, name}: object URL of the picture being shown
  probe: null, // the answer of POST /v1/probes
  uploading: false,
  photoError: null, // {error, again}: why the photo was not taken
  pick: null, // {person: index} | {box: [x, y, w, h]} | {} = the whole picture; auto: true where nobody has chosen
  takenAt: null, // when the photo was taken, RFC 3339, if the user has said so
  seed: null, // a hit that is searched for instead of the photo
  extra: [], // further photos of the person: what a search takes as `probes` besides the first
  marks: {}, // verdicts on the hits of the answer, by tracklet: "match" or "not"
  cameras: [], // as the API lists them
  holdings: null, // {videos, seconds, first, last} over all videos, times as {iso, zone}; null until counted
  zone: null, // the zone whose clocks the times of the filters are read on; null until cameras are known
  filters: { cameras: null, start: null, end: null, limit: 50, rerank: false }, // cameras: null = all, else array of names
  search: { phase: "idle", answer: null, hits: [], error: null, more: false, shown: null }, // shown: hits, if more than a page; idle, loading, done, failed
});

/** Change the search state only. */
export function setSearch(patch) {
  store.set({ search: { ...store.get().search, ...patch } });
}
