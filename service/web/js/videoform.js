// Correcting what was recorded of a video: its camera, the time of its first frame. Nothing is embedded again. What a
// correction changes is said before it counts.

import { getAll, getJson, isAbort } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { duration } from "./format.js";
import { changed, formOf } from "./forms.js";
import { recordChanged } from "./reopen.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { stretchOf } from "./when.js";

const SHOWN = 3; // videos at the same time that are named

/** The videos of a camera, asked for once. */
function recordings() {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, getAll(`/v1/videos?limit=500&camera=${encodeURIComponent(name)}`));
    return known.get(name);
  };
}

/** Videos of a list that lie at the same time as `video` would from `start` on. */
function overlapping(videos, video, start) {
  const [from, to] = [Date.parse(start), Date.parse(start) + video.seconds * 1000];
  return videos.filter((one) => one.id !== video.id && Date.parse(one.start) < to && Date.parse(one.end) > from);
}

/** In words, what would change: nothing where `values` are as recorded. */
function effect(video, values, zone) {
  const moved = (Date.parse(values.start) - Date.parse(video.start)) / 1000;
  const end = new Date(Date.parse(values.start) + video.seconds * 1000).toISOString();
  const parts = [moved ? say.library.moves(duration(Math.abs(moved)), moved > 0) : null, values.camera === video.camera ? null : say.library.changesCamera(video.camera, values.camera)];
  return [h("p", {}, parts.filter(Boolean).join(" "), " ", stretchOf(values.start, end, zone)), h("p", {}, say.library.moveWith(video.tracklets))];
}

/** To correct `video`; `onSaved(cameraName)` is called once that has succeeded. */
export function videoForm(video, { onSaved, onCancel }) {
  const { cameras } = store.get();
  const camera = h("select", {}, cameras.map(({ name }) => h("option", { value: name }, name)));
  camera.value = video.camera;
  const zone = () => cameras.find(({ name }) => name === camera.value)?.time_zone;
  const start = new TimeField({ label: say.adding.firstFrame, required: true, named: true, onChange: () => preview() });
  start.zone = zone();
  start.show(video.start);
  const shown = start.instant;
  const of = recordings();
  const before = h("div", { class: "wide effect", role: "status" });
  // The field shows whole seconds: what is not touched stays as it was recorded, to the millisecond.
  const values = () => ({ camera: camera.value, start: start.instant === shown ? video.start : start.instant });

  async function preview() {
    const wanted = values();
    if (!wanted.start || !Object.keys(changed(wanted, video)).length) return fill(before);
    fill(before, effect(video, wanted, zone()));
    try {
      const others = overlapping(await of(wanted.camera), video, wanted.start);
      const now = values();
      if (!others.length || now.start !== wanted.start || now.camera !== wanted.camera) return undefined;
      const names = others.slice(0, SHOWN).map((one) => one.file_name);
      before.append(h("p", { class: "caution" }, icon("warning"), h("span", {}, say.library.sameTime(names, others.length - names.length))));
    } catch (error) {
      if (!isAbort(error)) before.append(h("p", { class: "note" }, error.title ?? say.page.wrong));
    }
    return undefined;
  }

  camera.addEventListener("change", () => {
    start.zone = zone();
    preview();
  });
  const save = async () => {
    const changes = changed(values(), video);
    if (Object.keys(changes).length) {
      await getJson(`/v1/videos/${encodeURIComponent(video.id)}`, { method: "PATCH", json: changes });
      recordChanged();
    }
    await onSaved(camera.value);
  };
  const elements = [h("label", {}, h("span", {}, say.adding.camera), camera), start.element, h("p", { class: "note wide" }, say.library.correctNote)];
  const form = formOf(say.library.correctOf(video.file_name), elements, save, onCancel);
  // Below the buttons: what appears as a field is left must not move the one that is about to be pressed.
  form.append(before);
  return form;
}
