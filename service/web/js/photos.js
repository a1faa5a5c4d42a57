// What is searched for together: photos of one person, and tracklets. One of them is on the stage.

import { store } from "./state.js";

export const MOST = 20; // that the API takes in one search

const NOTHING = Object.freeze({ url: null, name: "", file: null, uploading: false, probe: null, pick: null, takenAt: null, tracklet: null });
let made = 0;

/**
 * One of `photos` of the state: `url` and `name` of the picture being shown, `file` while it may have to be sent again,
 * `probe` as POST /v1/probes answered, `pick`: {person: index} | {box: [x, y, w, h]} | {} = the whole picture, with
 * auto: true where nobody has chosen; `takenAt`: when it was taken, RFC 3339, if the user has said so. Or a `tracklet`
 * in the place of all these.
 */
export const entryOf = (parts) => ({ ...NOTHING, ...parts, key: (made += 1) });

/** What is on the stage; without anything its parts are null. */
export const staged = ({ photos, at }) => photos[at] ?? NOTHING;

/** The tracklet that is shown in the place of a photo, or null. */
export const stagedTracklet = (state) => state.seed ?? staged(state).tracklet;

/** Whether it can be searched for already. */
export const isReady = ({ probe, pick, tracklet }) => Boolean(tracklet || (probe && pick));

/** Change what is known of one photo; nothing where it was taken out meanwhile. */
export function changePhoto(key, patch) {
  store.set({ photos: store.get().photos.map((one) => (one.key === key ? { ...one, ...patch } : one)) });
}

export const changeStaged = (patch) => changePhoto(staged(store.get()).key, patch);

/** Show these and no others, number `at` on the stage; pictures that are not among them are let go. */
export function setPhotos(photos, at = 0) {
  const kept = new Set(photos.map(({ url }) => url));
  for (const { url } of store.get().photos) if (url && !kept.has(url)) URL.revokeObjectURL(url);
  store.set({ photos, at: Math.max(0, Math.min(at, photos.length - 1)) });
}

/** Take one out; the one after it comes on the stage if it was there. */
export function dropPhoto(key) {
  const { photos, at } = store.get();
  const gone = photos.findIndex((one) => one.key === key);
  if (gone === -1) return;
  setPhotos(photos.filter((one) => one.key !== key), gone < at ? at - 1 : at);
}
