// One video about to be added: its file, its camera, when its first frame was taken.

import { getJson } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { browserZone, isWall, isZone } from "./zones.js";

/** YYYY-MM-DDTHH:MM:SS of a date and time in a file name, as recorders write them; "" when there is none. */
export function timeInName(name) {
  const found = /(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_.T ]{0,3}(\d\d)[-_.h:]?(\d\d)(?:[-_.m:]?(\d\d))?/.exec(name);
  if (!found) return "";
  const [, year, month, day, hour, minute, second = "00"] = found;
  const wall = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  return isWall(wall) ? wall : "";
}

const plain = (text) => ` ${text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, " ").trim()} `;

/** The camera that the folders or the name of a file speak of, the longest name first; undefined where none does. */
export function cameraIn(path, cameras) {
  const said = plain(path);
  return [...cameras].sort((a, b) => b.name.length - a.name.length).find(({ name }) => plain(name).trim() && said.includes(plain(name)));
}

/** What a new camera's zone most likely is: that of the others, else this browser's. It stands beside the time. */
function likelyZone() {
  const [first, ...others] = new Set(store.get().cameras.map((camera) => camera.time_zone));
  return first && others.length === 0 ? first : browserZone();
}

/** A row of the form; `onChange(row)` is called when its camera, zone or time changes, `onDrop(row)` to leave it out. */
export class AddRow {
  uploaded = null; // the upload's id, kept so that trying again sends nothing twice
  #asked = false;
  #placed = null; // what `place` said last
  said = { start: null, why: null }; // what the metadata of a file on the server say of its start, or that they are asked

  /** `file`: a File to be sent, or {name, size, path} of one that lies in the server's media folder. */
  constructor(file, { onChange, onDrop }) {
    this.file = file;
    this.named = { camera: cameraIn(file.path ?? file.name, store.get().cameras)?.name ?? "", wall: timeInName(file.name) };
    if (this.unasked) this.said.why = "asked";
    this.origin = h("p", { class: "note origin" });
    this.camera = h("input", { required: true, maxLength: 100, autocomplete: "off" });
    this.camera.setAttribute("list", "camera-names");
    this.zone = h("input", { value: likelyZone(), autocomplete: "off", spellcheck: false });
    this.zone.setAttribute("list", "zone-names");
    this.start = new TimeField({ label: say.adding.firstFrame, required: true, named: true, onChange: () => onChange(this) });
    this.start.showWall(this.named.wall);
    this.camera.value = this.named.camera;
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": say.adding.uploadOf(file.name) });
    this.order = h("span", { class: "order" });
    this.newCamera = h("label", { class: "new-camera" }, say.adding.zoneOfNew, this.zone);
    this.note = h("p", { class: "caution" });
    const drop = h("button", { type: "button", class: "quiet drop", "aria-label": say.adding.leaveOut(file.name), on: { click: () => onDrop(this) } }, icon("close"));
    this.element = h(
      "li",
      { class: "row" },
      h("p", { class: "file" }, this.order, file.name, h("span", { class: "note" }, `  ${bytes(file.size)}, ${file.path ? say.adding.onServer(file.path) : say.adding.toUpload}`)),
      drop,
      h("label", {}, say.adding.camera, this.camera),
      this.newCamera,
      this.start.element,
      this.origin,
      this.note,
      this.bar,
    );
    for (const input of [this.camera, this.zone]) {
      input.addEventListener("input", () => this.settle());
      input.addEventListener("change", () => onChange(this));
    }
    this.settle();
  }

  /** Whether only the file's metadata may say when it began, and were not asked yet. */
  get unasked() {
    return Boolean(this.file.path) && !this.named.wall && !this.#asked;
  }

  /** Take the start from the file's metadata, unless one was entered meanwhile. No other row is changed by that. */
  async ask() {
    this.#asked = true;
    try {
      this.said = await getJson(`/v1/media/start?${new URLSearchParams({ path: this.file.path })}`);
    } catch {
      this.said = { start: null, why: "not_asked" };
    }
    if (this.said.start && !this.start.touched) this.start.show(this.said.start);
    this.settle();
  }

  get cameraName() {
    return this.camera.value.trim();
  }

  /** The camera as the server knows it; undefined for a new one. */
  get known() {
    return store.get().cameras.find((camera) => camera.name === this.cameraName);
  }

  /** Read the start on the clock of the camera, whichever it now is. */
  settle() {
    const zone = this.known?.time_zone ?? this.zone.value.trim();
    this.newCamera.hidden = !this.cameraName || Boolean(this.known);
    this.zone.required = !this.newCamera.hidden;
    this.zone.setCustomValidity(this.newCamera.hidden || isZone(zone) ? "" : say.adding.unknownZone);
    const said = this.#isSaid; // an instant, which stays what it is on another clock
    if (isZone(zone)) this.start.zone = zone;
    if (said) this.start.show(this.said.start);
    this.#sayOrigin();
  }

  /** Whether the start is the one that the file's metadata say, to the second. */
  get #isSaid() {
    const { start } = this.said;
    return Boolean(start && this.start.instant) && Math.floor(Date.parse(start) / 1000) * 1000 === Date.parse(this.start.instant);
  }

  /** Say where camera and start come from: what a name says may be wrong, and so may what was typed. */
  #sayOrigin() {
    const camera = this.cameraName ? say.adding.cameraFrom[this.cameraName === this.named.camera ? "name" : "hand"] : null;
    const named = this.named.wall && this.start.wall === this.named.wall;
    const start = say.adding.startFrom[!this.start.instant ? this.said.why ?? "none" : named ? "name" : this.#isSaid ? "metadata" : "hand"];
    this.origin.textContent = [start, camera].filter(Boolean).join(" ");
  }

  /** Say where in the list this row stands, and what is strange about that. */
  place(number, total, caution) {
    const placed = `${number} ${total} ${caution}`;
    if (placed === this.#placed) return; // most rows of a long list, whenever one of them changes
    this.#placed = placed;
    this.order.textContent = total > 1 ? `${number}. ` : "";
    // Of one alone there is nothing to remark. Among several its place is kept: nothing moves while one types.
    this.note.hidden = total < 2;
    this.note.classList.toggle("room", !caution);
    fill(this.note, caution ? [icon("warning"), h("span", {}, caution)] : []);
  }
}
