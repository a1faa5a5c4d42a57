// Open a recorded search again, as a link with #search=... asks.

import { getJson, objectUrl } from "./api.js";
import { showError } from "./alerts.js";
import { $ } from "./dom.js";
import { showPhoto } from "./probe.js";
import { setSearch, store } from "./state.js";
import { say } from "./strings.js";

const id = encodeURIComponent;

/** What was picked, in the page's terms. */
function pickOf({ person, box }) {
  return person === null ? { box } : { person };
}

/** As much of a hit as showing and searching from a tracklet takes. */
async function hitOf(trackletId) {
  const tracklet = await getJson(`/v1/tracklets/${id(trackletId)}`);
  return { ...tracklet, tracklet_id: tracklet.id };
}

export async function reopen(searchId) {
  try {
    const answer = await getJson(`/v1/searches/${id(searchId)}`);
    const { cameras, start, end } = answer.filters;
    store.set({ filters: { ...store.get().filters, cameras, start, end } });
    if (answer.probe.id) {
      const probe = await getJson(`/v1/probes/${id(answer.probe.id)}`);
      showPhoto(await objectUrl(probe.image_url), say.photo.recorded);
      store.set({ probe, pick: pickOf(answer.probe) });
    }
    if (answer.probe.tracklet_id) store.set({ seed: await hitOf(answer.probe.tracklet_id) });
    setSearch({ phase: "done", answer, hits: answer.hits });
  } catch (error) {
    showError($("#photo-error"), error, () => reopen(searchId));
  }
}
