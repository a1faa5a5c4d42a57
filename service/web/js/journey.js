// The journey of a case: where the person was when, drawn and as a list, with what is impossible.

import { fill, h, icon } from "./dom.js";
import { decimal, duration, number, probability } from "./format.js";
import { secondWord } from "./secondword.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clockFirst, stretchOf } from "./when.js";

/** One confirmed hit, and the way from the one before it. */
function sighting(one, way) {
  return h(
    "li",
    {},
    way ? h("p", { class: way.flag ? "caution" : "note" }, way.flag ? icon("warning") : null, h("span", {}, wayOf(way))) : null,
    h("p", {}, h("b", {}, `${one.number}`), " ", h("span", { class: "camera" }, one.camera.name), " ", clockFirst(one.start, one.camera.time_zone), one.probability === null ? null : ` ${probability(one.probability)}`),
    one.confirmations.map((said) => h("p", { class: "second" }, secondWord(said, one.camera.time_zone))),
    one.doubted.length ? h("p", { class: "caution" }, icon("warning"), h("span", {}, say.cases.doubted)) : null,
  );
}

/** How long, how far and how fast; and why not. */
function wayOf({ seconds, metres, speed, flag, reason }) {
  const after = seconds < 0 ? say.cases.overlap(duration(-seconds)) : say.cases.after(duration(seconds));
  const far = metres === null ? say.cases.farUnknown : say.cases.far(number(Math.round(metres)));
  const fast = speed === null ? null : say.cases.fast(decimal(speed, 1));
  return [after, far, fast, reason && say.told.flag(flag, reason)].filter(Boolean).join(", ");
}

function conflicts({ conflicts: all, transitions }) {
  const shown = new Set(transitions.map(({ before, after }) => `${before} ${after}`));
  const others = all.filter(({ before, after }) => !shown.has(`${before} ${after}`));
  return others.map((one) => h("p", { class: "caution" }, icon("warning"), h("span", {}, say.cases.impossible(one.before, one.after, say.told.flag(one.flag, one.reason)))));
}

function gaps({ gaps: all, gaps_found: found, sightings }) {
  if (!all.length) return null;
  const zones = new Map([...store.get().cameras.map(({ name, time_zone: zone }) => [name, zone]), ...sightings.map(({ camera }) => [camera.name, camera.time_zone])]);
  const lines = all.map((gap) => h("li", { class: "gap" }, h("span", { class: "camera" }, gap.camera), " ", stretchOf(gap.start, gap.end, zones.get(gap.camera)), ` (${say.coverage.states[gap.reason]})`));
  return h("details", {}, h("summary", {}, say.cases.gaps(found)), h("ul", {}, lines));
}

/** Show `journey` in `place`; `media` fetches the pictures under `url`. */
export async function showJourney(place, journey, url, media) {
  if (!journey.sightings.length) {
    fill(place, h("p", { class: "note" }, say.cases.noneConfirmed));
    return;
  }
  const pictures = ["timeline", "map"].map((name) => [name, h("img", { class: "drawing", alt: say.cases[name] })]);
  const list = journey.sightings.map((one, index) => sighting(one, journey.transitions[index - 1]));
  fill(place, pictures.map(([, image]) => image), h("ol", { class: "sightings" }, list), conflicts(journey), gaps(journey));
  for (const [name, image] of pictures) image.src = await media.url(`${url}/journey/${name}`);
}
