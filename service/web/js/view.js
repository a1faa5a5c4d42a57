// Which of the hits that are loaded are shown, and in which order: a choice of the reader, not a part of the answer.

import { store } from "./state.js";

export const SORTS = ["rank", "probability", "newest", "oldest"];

/** Whether the hits of an answer have probabilities. */
export const isCalibrated = (answer) => Boolean(answer?.calibration.calibrated);

/** The orders that an answer can be shown in. */
export const sortsOf = (answer) => SORTS.filter((name) => name !== "probability" || isCalibrated(answer));

/**
 * The order in use. Probabilities depend on the score and on how far it stands out, ranks on one of both: where there
 * are probabilities they come first, as a reader expects of the numbers on the cards. Re-ranking was asked for.
 */
export function sortOf({ view, search: { answer } }) {
  if (sortsOf(answer).includes(view.sort)) return view.sort;
  return isCalibrated(answer) && !answer.reranked ? "probability" : "rank";
}

/** The least probability in use, 0 to 1, or null. */
export const leastOf = ({ view, search: { answer } }) => (isCalibrated(answer) ? view.least : null);

const by = {
  rank: (a, b) => a.rank - b.rank,
  probability: (a, b) => b.probability - a.probability || a.rank - b.rank,
  newest: (a, b) => Date.parse(b.start) - Date.parse(a.start) || a.rank - b.rank,
  oldest: (a, b) => Date.parse(a.start) - Date.parse(b.start) || a.rank - b.rank,
};

function arrange(state) {
  const least = leastOf(state);
  const hits = state.search.hits.filter((hit) => least === null || hit.probability >= least);
  if (sortOf(state) !== "rank") hits.sort(by[sortOf(state)]);
  if (!state.view.group) return hits;
  const groups = new Map();
  for (const hit of hits) groups.get(hit.camera.name)?.push(hit) ?? groups.set(hit.camera.name, [hit]);
  return [...groups.values()].flat();
}

let last = { hits: null, view: null, arranged: [] };

/** The hits as they stand on the page, those of one camera together where they are grouped. */
export function arranged(state) {
  const { search, view } = state;
  if (last.hits !== search.hits || last.view !== view) last = { hits: search.hits, view, arranged: arrange(state) };
  return last.arranged;
}

export const setView = (patch) => store.set({ view: { ...store.get().view, ...patch } });
