// What there is to search: the cameras for the filters, and one line in the header.

import { getAll, getJson } from "./api.js";
import { callerKnown, mayDo } from "./caller.js";
import { $, fill } from "./dom.js";
import { duration } from "./format.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { spanOf } from "./when.js";

const MOST = 500; // videos counted for the line; a larger gallery says "more than"

let first = null; // the first reading

/** Read cameras and videos again. A failure shows in the line only: a search will say more. */
export function refreshHoldings() {
  const reading = read();
  first ??= reading;
  return reading;
}

/** Resolves once the cameras have been read, or cannot be: what a form suggests depends on them. */
export const camerasKnown = async () => first;

async function read() {
  try {
    await callerKnown();
    const videos = mayDo("listVideos") ? getJson(`/v1/videos?limit=${MOST}`) : null;
    const [cameras, page] = await Promise.all([getAll("/v1/cameras"), videos]);
    if (!page) return store.set({ cameras, holdings: null });
    const zones = new Map(cameras.map(({ name, time_zone: zone }) => [name, zone]));
    const ends = (name) => page.items.map((video) => ({ iso: video[name], zone: zones.get(video.camera) })).sort((a, b) => Date.parse(a.iso) - Date.parse(b.iso));
    store.set({
      cameras,
      holdings: {
        videos: page.items.length,
        more: Boolean(page.next_cursor),
        seconds: page.items.reduce((sum, video) => sum + video.seconds, 0),
        first: ends("start")[0] ?? null,
        last: ends("end").at(-1) ?? null,
      },
    });
  } catch (error) {
    $("#holdings").textContent = say.holdings.unknown(error.title ?? error.message);
  }
  return undefined;
}

/** What the gallery holds; the first and the last time are each on their own camera's clock. */
function line({ cameras, holdings }) {
  if (!holdings) return [say.holdings.cameras(cameras.length)]; // the key may not list videos
  const { videos, more, seconds, first, last } = holdings;
  if (videos === 0) return [say.holdings.empty];
  if (more) return [say.holdings.moreThan(videos, cameras.length)];
  return [`${say.holdings.of(videos, cameras.length)}, ${duration(seconds)}: `, ...spanOf(first, last)];
}

export function startHoldings() {
  store.subscribe((state, before) => {
    if (state.holdings !== before.holdings || state.cameras !== before.cameras) fill($("#holdings"), line(state));
  });
}
