// What is known about a hit, as a list of facts beside its clip.

import { getJson, isAbort } from "./api.js";
import { probeCrop } from "./crop.js";
import { $, fill, h } from "./dom.js";
import { day, duration, moment, probability, score, secondsBetween, timecode, zoned } from "./format.js";
import { clockOf, clocksOf } from "./when.js";

function fact(name, value, more) {
  return [h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, more) : null)];
}

/** The person on the photo beside the strip of the hit. */
function compare(hit, scope) {
  const crop = probeCrop();
  const strip = h("img", { alt: "Four pictures of the tracklet" });
  scope.url(hit.thumbnail_url).then(
    (url) => (strip.src = url),
    (error) => isAbort(error) || strip.replaceWith("No picture"),
  );
  const figure = (still, caption) => h("figure", {}, h("div", { class: "still" }, still), h("figcaption", {}, caption));
  return h("div", { class: "compare" }, crop ? figure(crop, "Your photo") : null, figure(strip, "This tracklet"));
}

/** All that the answer itself says about a hit. */
export function factsOf(hit, scope) {
  const { camera, start, end, best_moment: best } = hit;
  const zone = camera.time_zone;
  const facts = [
    typeof hit.probability === "number" ? fact("Probability", probability(hit.probability), "calibrated: that this is the person") : null,
    fact("Similarity", score(hit.score), "cosine of two embeddings, not a probability"),
    fact("Local time", clocksOf(start, end, zone), `${day(start, zone)}, ${zoned(start, zone)}`),
    fact("UTC", moment(start, "UTC")),
    fact("Best moment", clockOf(best.start, zone), `${duration(secondsBetween(start, best.start))} after the person comes into view`),
    fact("In view", duration(secondsBetween(start, end))),
    fact("Recording", h("span", { id: "fact-recording" }, "…"), h("span", { id: "fact-offset" })),
    fact("Tracklet", h("code", {}, hit.tracklet_id)),
  ];
  return h("div", { class: "about-facts" }, compare(hit, scope), h("dl", {}, facts.flat()));
}

/** The recording's file name and the place in it, which the answer does not carry. */
export async function fillRecording(hit, scope) {
  try {
    const video = await getJson(`/v1/videos/${encodeURIComponent(hit.video_id)}`, { signal: scope.signal });
    fill($("#fact-recording"), video.file_name);
    const { best_moment: best, start } = hit;
    fill($("#fact-offset"), `from ${timecode(best.offset_seconds - secondsBetween(start, best.start))} in the file`);
  } catch (error) {
    if (!isAbort(error)) fill($("#fact-recording"), error.title ?? "unknown");
  }
}
