// What is known about a hit, as a list of facts beside its clip.

import { getJson, isAbort } from "./api.js";
import { mayDo } from "./caller.js";
import { comparison } from "./compare.js";
import { $, fill, h } from "./dom.js";
import { day, duration, likely, probability, score, secondsBetween, timecode, zoned } from "./format.js";
import { say } from "./strings.js";
import { clockOf, clocksOf, inUtc } from "./when.js";

function fact(name, value, more) {
  return [h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, more) : null)];
}

const intoView = (seconds) => (seconds < 0.05 ? say.player.atStart : say.player.afterStart(duration(seconds)));

/** All that the answer itself says about a hit. */
export function factsOf(hit, scope) {
  const { camera, start, end, best_moment: best } = hit;
  const zone = camera.time_zone;
  const facts = [
    typeof hit.probability === "number" ? fact(say.player.probability, `${probability(hit.probability)}, ${likely(hit.probability)}`, say.player.calibrated) : null,
    fact(say.player.similarity, score(hit.score), say.player.cosine),
    typeof hit.standard_score === "number" ? fact(say.player.standsOut, score(hit.standard_score), say.player.deviations) : null,
    fact(say.player.localTime, clocksOf(start, end, zone), `${day(start, zone)}, ${zoned(start, zone)}`),
    fact(say.player.utc, inUtc(start)),
    fact(say.player.best, clockOf(best.start, zone), intoView(secondsBetween(start, best.start))),
    fact(say.player.inView, duration(secondsBetween(start, end))),
    fact(say.player.recording, h("span", { id: "fact-video" }, "…"), h("span", { id: "fact-offset" })),
    fact(say.player.sighting, h("code", {}, hit.tracklet_id)),
  ];
  return h("div", { class: "about-facts" }, comparison(hit, scope), h("dl", {}, facts.flat()));
}

/** The video's file name and the place in it, which the answer does not carry. Resolves to the video, or null. */
export async function fillVideo(hit, scope) {
  if (!mayDo("getVideo")) return fill($("#fact-video"), say.player.unknown) ?? null;
  try {
    const video = await getJson(`/v1/videos/${encodeURIComponent(hit.video_id)}`, { signal: scope.signal });
    fill($("#fact-video"), video.file_name);
    const { best_moment: best, start } = hit;
    fill($("#fact-offset"), say.player.at(timecode(best.offset_seconds - secondsBetween(start, best.start))));
    return video;
  } catch (error) {
    if (!isAbort(error)) fill($("#fact-video"), error.title ?? say.player.unknown);
    return null;
  }
}
