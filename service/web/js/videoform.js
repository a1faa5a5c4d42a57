// Correcting what was recorded of a video: its camera, the time of its first frame. Nothing is embedded again.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { changed, formOf } from "./forms.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";

/** To correct `video`; `onSaved(cameraName)` is called once that has succeeded. */
export function videoForm(video, { onSaved, onCancel }) {
  const { cameras } = store.get();
  const camera = h("select", {}, cameras.map(({ name }) => h("option", { value: name }, name)));
  camera.value = video.camera;
  const zone = () => cameras.find(({ name }) => name === camera.value)?.time_zone;
  const start = new TimeField({ label: say.adding.firstFrame, required: true, named: true });
  start.zone = zone();
  start.show(video.start);
  const shown = start.instant;
  camera.addEventListener("change", () => (start.zone = zone()));
  const save = async () => {
    // The field shows whole seconds: what is not touched stays as it was recorded, to the millisecond.
    const values = { camera: camera.value, start: start.instant === shown ? video.start : start.instant };
    const changes = changed(values, video);
    if (Object.keys(changes).length) await getJson(`/v1/videos/${encodeURIComponent(video.id)}`, { method: "PATCH", json: changes });
    await onSaved(camera.value);
  };
  const elements = [h("label", {}, h("span", {}, say.adding.camera), camera), start.element, h("p", { class: "note wide" }, say.library.correctNote)];
  return formOf(say.library.correctOf(video.file_name), elements, save, onCancel);
}
