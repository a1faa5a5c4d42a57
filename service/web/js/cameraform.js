// The form of a camera: to add one, to change what is known of it, to delete it.

import { getJson } from "./api.js";
import { showError } from "./alerts.js";
import { fill, h } from "./dom.js";
import { changed, formOf } from "./forms.js";
import { say } from "./strings.js";
import { allZones, browserZone, isZone } from "./zones.js";

const INPUTS = [320, 416, 640]; // long sides that the detector offers
const path = (name) => `/v1/cameras/${encodeURIComponent(name)}`;
let made = 0;

const numberIn = (input) => (input.value.trim() === "" ? null : Number(input.value));
const textIn = (input) => input.value.trim() || null;

/** The fields of a camera, filled with what is known: {elements, values()}. */
function fieldsOf(camera, zone) {
  const id = `camera-zones-${(made += 1)}`;
  const degrees = (limit) => ({ type: "number", step: "any", min: String(-limit), max: String(limit) });
  const inputs = {
    name: h("input", { required: true, maxLength: 100, autocomplete: "off", value: camera?.name ?? "" }),
    site: h("input", { maxLength: 100, autocomplete: "off", value: camera?.site ?? "" }),
    time_zone: h("input", { required: true, autocomplete: "off", spellcheck: false, value: camera?.time_zone ?? zone }),
    latitude: h("input", { ...degrees(90), value: camera?.latitude ?? "" }),
    longitude: h("input", { ...degrees(180), value: camera?.longitude ?? "" }),
    detector_input: h("select", {}, h("option", { value: "" }, say.camera.standard), INPUTS.map((side) => h("option", { value: String(side) }, say.camera.input(side)))),
    pixel_aspect: h("input", { type: "number", step: "any", min: "0.25", max: "4", placeholder: "1", value: camera?.pixel_aspect ?? "" }),
  };
  inputs.detector_input.value = String(camera?.detector_input ?? "");
  inputs.time_zone.setAttribute("list", id);
  inputs.time_zone.addEventListener("input", () => inputs.time_zone.setCustomValidity(isZone(inputs.time_zone.value.trim()) ? "" : say.adding.unknownZone));
  const labelled = Object.entries(inputs).map(([name, input]) => h("label", {}, h("span", {}, say.camera.fields[name]), input, say.camera.notes[name] ? h("span", { class: "note" }, say.camera.notes[name]) : null));
  const zones = h("datalist", { id }, allZones().map((name) => h("option", { value: name })));
  const values = () => ({
    name: inputs.name.value.trim(),
    site: textIn(inputs.site),
    time_zone: inputs.time_zone.value.trim(),
    latitude: numberIn(inputs.latitude),
    longitude: numberIn(inputs.longitude),
    detector_input: numberIn(inputs.detector_input),
    pixel_aspect: numberIn(inputs.pixel_aspect),
  });
  return { elements: [labelled, zones], values };
}

/** To add a camera; `onSaved(name)` gets its name. */
export function newCameraForm(zone, { onSaved, onCancel }) {
  const { elements, values } = fieldsOf(null, zone ?? browserZone());
  const save = async () => {
    const camera = values();
    await getJson("/v1/cameras", { json: camera });
    await onSaved(camera.name);
  };
  return formOf(say.camera.add, elements, save, onCancel);
}

/** To change a camera, or to delete it. */
export function cameraForm(camera, { onSaved, onDeleted, onCancel }) {
  const { elements, values } = fieldsOf(camera);
  const save = async () => {
    const changes = changed(values(), camera);
    if (Object.keys(changes).length) await getJson(path(camera.name), { method: "PATCH", json: changes });
    await onSaved(values().name);
  };
  return formOf(say.camera.editOf(camera.name), elements, save, onCancel, deleteButton(camera, onDeleted));
}

/** Two presses delete: the first turns the button into a question. */
function deleteButton(camera, onDeleted) {
  const holder = h("span", { class: "delete" });
  const place = h("div", { class: "slot" });
  const remove = async () => {
    try {
      await getJson(path(camera.name), { method: "DELETE" });
      await onDeleted();
    } catch (error) {
      fill(holder, first);
      showError(place, error);
    }
  };
  const second = h("button", { type: "button", class: "danger", on: { click: remove } }, say.camera.deleteNow(camera.name));
  const first = h("button", { type: "button", on: { click: () => (fill(holder, second), second.focus()) } }, say.camera.remove);
  fill(holder, first);
  return [holder, place];
}
