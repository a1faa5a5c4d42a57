// The photo with the persons found on it: each a radio button laid over the picture, so arrow keys pick the next.

import { startDrawing } from "./drawing.js";
import { boxOf, probeCrop } from "./crop.js";
import { $, fill, h, place } from "./dom.js";
import { pick } from "./probe.js";
import { searchSoon } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";

function person({ index, box, quality }, number, { width, height }) {
  const name = say.photo.person(number, Math.round(quality.height_px));
  const radio = h("input", { type: "radio", name: "person", class: "unseen", value: String(index), "aria-label": name });
  radio.addEventListener("change", () => choose({ person: index }));
  const high = box[1] < 0.09 * height ? " high" : "";
  const label = h("label", { class: `person sight${high}`, title: name }, radio, h("span", { class: "number" }, String(number)));
  place(label, box, width, height);
  // A small person before a larger one stays within reach.
  label.style.zIndex = String(3 + Math.round(90 * (1 - (box[2] * box[3]) / (width * height))));
  return label;
}

/** A new choice: shown at once, searched when the choosing pauses. */
export function choose(choice) {
  pick(choice);
  searchSoon();
}

function showPersons({ probe }) {
  const stage = $("#stage");
  for (const old of stage.querySelectorAll(".person")) old.remove();
  if (probe) stage.append(...probe.persons.map((one, i) => person(one, i + 1, probe)));
}

function showPick({ probe, pick: chosen, uploading, photo, seed, search }) {
  for (const radio of document.querySelectorAll("#stage input[name=person]")) {
    radio.checked = String(chosen?.person) === radio.value;
    radio.parentElement.classList.toggle("picked", radio.checked);
  }
  const shade = $("#stage .shade");
  shade.hidden = chosen?.person === undefined;
  if (!shade.hidden) place(shade, boxOf(probe, chosen), probe.width, probe.height);
  $("#own-box").setAttribute("aria-pressed", String(Boolean(chosen?.box)));
  $("#whole").setAttribute("aria-pressed", String(Boolean(probe && chosen && !chosen.box && chosen.person === undefined)));
  // A search that is opened again keeps the photo's place until that has come.
  const coming = !photo && search.phase === "loading";
  $("#stage-holder").hidden = !(photo || coming) || Boolean(seed);
  $("#drop").hidden = Boolean(photo) || coming;
  $("#photo-tools").hidden = !photo && !coming;
  $("#own-box").hidden = $("#whole").hidden = Boolean(seed);
  $("#own-box").disabled = $("#whole").disabled = !probe;
  $("#stage").classList.toggle("waiting-persons", uploading);
  const words = seed ? [] : pickLine(probe, chosen, uploading);
  fill($("#pick-line"), words.length ? [uploading ? null : probeCrop(), h("span", { class: "words" }, words)] : null);
}

/** What is searched for, in words. */
function pickLine(probe, chosen, uploading) {
  if (uploading) return [h("span", { class: "waiting" }, say.photo.looking)];
  if (!probe || !chosen) return [];
  const found = probe.persons.length;
  const hint = (text) => h("span", { class: "hint" }, text);
  if (chosen.box) return [say.photo.withBox, hint(say.photo.boxKeys)];
  if (chosen.person === undefined) {
    return [found ? say.photo.withWhole : say.photo.nobody, hint(say.photo.drawHint)];
  }
  const at = probe.persons.findIndex((one) => one.index === chosen.person);
  const height = Math.round(probe.persons[at].quality.height_px);
  return [found > 1 ? say.photo.personOf(at + 1, found, height) : say.photo.onlyPerson(height)];
}

/** Keep the stage as the state says. */
export function startStage() {
  const stage = $("#stage");
  const image = h("img", { alt: "", draggable: false });
  image.addEventListener("load", () => showPick(store.get()));
  stage.append(image, h("div", { class: "shade", hidden: true }));
  startDrawing(stage, choose);
  $("#whole").addEventListener("click", () => choose({}));
  store.subscribe((state, before) => {
    if (state.photo !== before.photo) {
      $("#photo-title").textContent = state.photo ? say.photo.title : say.photo.first;
      image.alt = state.photo ? say.photo.alt(state.photo.name) : "";
      if (state.photo) image.src = state.photo.url;
    }
    if (state.probe !== before.probe) showPersons(state);
    const changed = ["photo", "probe", "pick", "seed", "uploading"].some((name) => state[name] !== before[name]);
    if (changed || state.search.phase !== before.search.phase) showPick(state);
  });
}
