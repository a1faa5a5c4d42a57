// The photo with the persons found on it: each a radio button laid over the picture, so arrow keys pick the next.

import { startDrawing } from "./drawing.js";
import { boxOf, cropOf } from "./crop.js";
import { $, fill, h, place } from "./dom.js";
import { staged, stagedTracklet } from "./photos.js";
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

let said = "";

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

function showPick(state) {
  const { photos, search } = state;
  const { probe, pick: chosen, uploading, url: photo } = staged(state);
  const tracklet = stagedTracklet(state);
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
  const coming = !photos.length && search.phase === "loading";
  $("#stage-holder").hidden = !(photo || coming) || Boolean(tracklet);
  $("#drop").hidden = photos.length > 0 || coming;
  $("#photo-tools").hidden = !photos.length && !coming;
  $("#own-box").hidden = $("#whole").hidden = Boolean(tracklet);
  $("#own-box").disabled = $("#whole").disabled = !probe;
  $("#stage").classList.toggle("waiting-persons", uploading);
  const words = tracklet ? [] : pickLine(probe, chosen, uploading);
  // Said once: what is announced and pictured does not come anew with every answer.
  const meant = JSON.stringify([photo, chosen, uploading, words.map((one) => one.textContent ?? one)]);
  if (meant === said) return;
  said = meant;
  fill($("#pick-line"), words.length ? [uploading ? null : cropOf(staged(state)), h("span", { class: "words" }, words)] : null);
}

/** Pick the person of that number, from 1, as it stands on the photo; false where there is none. */
export function chooseNumber(number) {
  const radio = document.querySelectorAll("#stage input[name=person]")[number - 1];
  if (!radio || $("#stage-holder").hidden) return false;
  if (!radio.checked) radio.click();
  return true;
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
  stage.append(image, h("div", { class: "shade", hidden: true }));
  startDrawing(stage, choose);
  $("#whole").addEventListener("click", () => choose({}));
  store.subscribe((state, before) => {
    const [here, there] = [staged(state), staged(before)];
    if (here.url !== there.url) {
      image.alt = here.url ? say.photo.alt(here.name) : "";
      if (here.url) image.src = here.url;
    }
    $("#photo-title").textContent = state.photos.length ? say.photo.title(state.photos.length) : say.photo.first;
    if (here.probe !== there.probe) showPersons(here);
    if (here !== there || state.seed !== before.seed || state.search.phase !== before.search.phase) showPick(state);
  });
}
