// What there is to search: the cameras for the filters, and one line in the header.

import { getAll, getJson } from "./api.js";
import { $ } from "./dom.js";
import { count, duration, localZone, span } from "./format.js";
import { store } from "./state.js";

const MOST = 500; // recordings counted for the line; a larger gallery says "more than"

/** Read cameras and recordings again. A failure shows in the line only: a search will say more. */
export async function refreshHoldings() {
  try {
    const [cameras, page] = await Promise.all([getAll("/v1/cameras"), getJson(`/v1/videos?limit=${MOST}`)]);
    const times = page.items.flatMap((video) => [video.start, video.end]).sort();
    store.set({
      cameras,
      holdings: {
        videos: page.items.length,
        more: Boolean(page.next_cursor),
        seconds: page.items.reduce((sum, video) => sum + video.seconds, 0),
        first: times[0] ?? null,
        last: times.at(-1) ?? null,
      },
    });
  } catch (error) {
    $("#holdings").textContent = `Recordings unknown: ${error.title ?? error.message}`;
  }
}

function line({ cameras, holdings: { videos, more, seconds, first, last } }) {
  if (videos === 0) return "Nothing is indexed yet. Add recordings to search them.";
  const many = more ? `More than ${count(videos, "recording")}` : count(videos, "recording");
  const of = `${many} of ${count(cameras.length, "camera")}`;
  return more ? of : `${of}, ${duration(seconds)}: ${span(first, last, localZone())}`;
}

export function startHoldings() {
  store.subscribe((state, before) => {
    if (state.holdings !== before.holdings) $("#holdings").textContent = line(state);
  });
}
