// The journey of a case: where the person was when, drawn and as a list, with what is impossible.

import { call } from "./api.js";
import { clipButton } from "./clip.js";
import { fill, h, icon } from "./dom.js";
import { clock, day, dayMonth, decimal, duration, moment, number, offset, probability, zoned } from "./format.js";
import { stripOf } from "./media.js";
import { secondWord } from "./secondword.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clockFirst, stretchOf } from "./when.js";

/** One confirmed hit, and the way from the one before it. */
function sighting(one, way, { media, pictures }) {
  const screen = h("div", { class: "slot" });
  return h(
    "li",
    {},
    way ? h("p", { class: way.flag ? "caution" : "note" }, way.flag ? icon("warning") : null, h("span", {}, wayOf(way))) : null,
    h("p", {}, h("b", {}, `${one.number}`), " ", h("span", { class: "camera" }, one.camera.name), " ", clockFirst(one.start, one.camera.time_zone), one.probability === null ? null : ` ${probability(one.probability)}`),
    h("div", { class: "seen-here" }, stripOf(one, pictures, say.results.noPicture), clipButton(one.thumbnail_url.replace("/thumbnail?", "/clip?"), screen, () => media)),
    screen,
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

/** What a text of a drawing tells of its instant, by its form. */
const DATES = {
  day: (at, zone) => `${day(at, zone)}, ${zoned(at, zone)}`,
  date: day,
  tick: (at, zone) => `${dayMonth(at, zone)}, ${clock(at, zone).slice(0, 5)}`,
  moment: (at, zone) => `${moment(at, zone)} ${offset(at, zone)}`,
  span: (at, zone, until) => `${moment(at, zone)} – ${moment(until, zone)} (${zoned(at, zone)})\n${say.time.utc(`${moment(at, "UTC")} – ${moment(until, "UTC")}`)}`,
};
const BETWEEN = 28; // units between the parts of a legend

/** A drawing of the API as part of the page, which gives it colours, dates and, by the codes in it, words. */
async function drawn(path, label, signal) {
  const response = await call(path, { signal });
  const svg = document.importNode(new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement, true);
  for (const element of svg.querySelectorAll("[data-word]")) {
    const code = element.dataset.word;
    element.textContent = say.cases.drawn[code] ?? say.coverage.states[code] ?? element.textContent;
  }
  for (const element of svg.querySelectorAll("[data-form]")) {
    const { at, until, zone, form, word } = element.dataset;
    element.textContent = [word && element.textContent, DATES[form](at, zone, until)].filter(Boolean).join(": ");
  }
  svg.classList.add("drawing");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

/** Set the parts of a legend beside each other, as long as their words are. */
function spread(svg) {
  const parts = [...svg.querySelectorAll(".legend")];
  let left = parts[0]?.getBBox().x;
  for (const part of parts) {
    const { x, width } = part.getBBox();
    part.setAttribute("transform", `translate(${left - x} 0)`);
    left += width + BETWEEN;
  }
}

/** Show `journey` in `place`; `media` fetches the drawings under `url` and clips, `pictures` the strips. */
export async function showJourney(place, journey, url, media, pictures) {
  if (!journey.sightings.length) {
    fill(place, h("p", { class: "note" }, say.cases.noneConfirmed));
    return;
  }
  const list = journey.sightings.map((one, index) => sighting(one, journey.transitions[index - 1], { media, pictures }));
  const [line, map] = [h("div", { class: "scroll" }), h("div", { class: "scroll" })];
  fill(place, line, h("ol", { class: "sightings" }, list), conflicts(journey), gaps(journey), map);
  const timeline = await drawn(`${url}/journey/timeline`, say.cases.timeline, media.signal);
  fill(line, timeline);
  spread(timeline);
  fill(map, await drawn(`${url}/journey/map`, say.cases.map, media.signal));
}
