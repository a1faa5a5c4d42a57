// What can be erased, and from where on the page: a recording, a tracklet, a case, all that a camera saw or a stretch of
// its time. Each is a button that gives way to the list of what would go.

import { mayDo } from "./caller.js";
import { $, fill, h } from "./dom.js";
import { erasing } from "./erasure.js";
import { behindButton, formOf } from "./forms.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { browserZone } from "./zones.js";

/** A button that asks for the erasure of `target`, or nothing where it would be refused. */
export function eraseButton(target, { label, name = label, onErased, quiet = true }) {
  if (!mayDo("erase", false)) return null;
  const button = h("button", { type: "button", class: quiet ? "quiet" : "", data: { needs: "erase" }, "aria-label": name === label ? undefined : name }, label);
  return behindButton(button, (close) => erasing(target, { label: name, onErased: () => (close(), onErased()), onCancel: close }));
}

/** The same for the tracklet that is played; the answer is then read again without it. */
export function eraseTracklet(hit) {
  return eraseButton({ tracklets: [hit.tracklet_id] }, { label: say.erasure.sighting, onErased: () => $("#player").close() });
}

/** The same for footage of `camera` (null: of all cameras): between two times, or all of it where none is given. */
export function eraseFootage(camera, onErased) {
  if (!mayDo("erase", false)) return null;
  const label = camera ? say.erasure.ofCamera(camera.name) : say.erasure.ofAll;
  return behindButton(h("button", { type: "button", class: "quiet", data: { needs: "erase" } }, camera ? say.erasure.recordingsOf : label), (close) => stretchForm(camera, label, onErased, close));
}

function stretchForm(camera, label, onErased, close) {
  const fields = [say.time.from, say.time.to].map((name) => new TimeField({ label: name, named: true, required: !camera }));
  for (const field of fields) field.zone = camera?.time_zone ?? store.get().zone ?? browserZone();
  const holder = h("div", { class: "slot" });
  const list = () => {
    const [start, end] = fields.map((field) => field.instant);
    if (start && end && Date.parse(start) >= Date.parse(end)) throw new Error(say.time.wrongOrder);
    const target = { ...(camera && { camera: camera.name }), ...(start && { start }), ...(end && { end }) };
    const again = () => {
      fill(holder, form);
      fields[0].date.focus();
    };
    fill(holder, erasing(target, { label, onErased: () => (close(), onErased()), onCancel: again }));
    holder.querySelector("[data-first]").focus();
  };
  const note = h("p", { class: "note wide" }, camera ? say.erasure.openEnds : say.erasure.allCameras);
  const form = formOf(label, [note, fields.map((field) => field.element)], list, close);
  form.querySelector(".primary").textContent = say.erasure.list;
  fill(holder, form);
  return holder;
}
