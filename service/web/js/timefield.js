// A date and a 24-hour time in a named zone. What the clocks of that zone show twice is asked, what they skip refused.

import { fill, h } from "./dom.js";
import { clock, day, offset } from "./format.js";
import { say } from "./strings.js";
import { instantsOf, isWall, shownZone, wallOf } from "./zones.js";

const [EARLIEST, LATEST] = ["1990-01-01", "2100-01-01"];
let made = 0;

/** HH:MM:SS of what people type as a time, "14:05", "14.05.30", "1405"; null when it is none. */
export function clockIn(text) {
  const found = /^(\d{1,2})(?:[:.h ]?(\d\d))(?:[:.m ]?(\d\d))?$/.exec(text.trim());
  if (!found) return null;
  const [, hour, minute, second = "00"] = found;
  return hour < 24 && minute < 60 && second < 60 ? `${hour.padStart(2, "0")}:${minute}:${second}` : null;
}

/** A labelled field for a point in time; `instant` is RFC 3339 in UTC, or null while there is none. */
export class TimeField {
  #zone = "UTC";
  #instants = [];
  touched = false; // by the user

  /** `onChange()` is called when the user changes something; `named` shows the zone's name with its offset; without it the name has to stand nearby. */
  constructor({ label, required = false, named = false, onChange = () => undefined }) {
    const id = `moment-${(made += 1)}`;
    this.named = named;
    const common = { required, "aria-describedby": `${id}-zone ${id}-error` };
    this.date = h("input", { type: "date", min: EARLIEST, max: LATEST, "aria-label": say.time.dateOf(label), ...common });
    this.time = h("input", { type: "text", class: "clock", inputMode: "numeric", placeholder: "hh:mm:ss", maxLength: 8, autocomplete: "off", "aria-label": say.time.clockOf(label), ...common });
    this.which = h("select", { class: "which", "aria-label": say.time.whichOf(label), hidden: true });
    this.zoneText = h("span", { id: `${id}-zone`, class: "zone" });
    this.error = h("p", { id: `${id}-error`, class: "field-error", role: "alert" });
    this.element = h("div", { class: "moment", role: "group", "aria-label": label }, h("span", { class: "moment-label", "aria-hidden": true }, label), this.date, this.time, this.zoneText, this.which, this.error);
    for (const input of [this.date, this.time]) input.addEventListener("change", () => this.#changed());
    // Not when the field is left: the line would go, and what is about to be pressed with it.
    this.time.addEventListener("input", () => clockIn(this.time.value) && (this.error.textContent = ""));
    this.which.addEventListener("change", () => this.#settle());
    this.element.addEventListener("input", () => (this.touched = true));
    this.element.addEventListener("change", () => onChange());
    this.#settle();
  }

  get instant() {
    return this.#instants.length > 1 ? this.#instants[this.which.value] ?? null : this.#instants[0] ?? null;
  }

  /** YYYY-MM-DDTHH:MM:SS as it was entered. */
  get wall() {
    return `${this.date.value}T${this.time.value}`;
  }

  /** What stands in the way of an instant, in words; "" when nothing does, or when the field is empty. */
  get problem() {
    return this.error.textContent;
  }

  get zone() {
    return this.#zone;
  }

  /** The zone whose clocks are meant; what is typed stays. */
  set zone(zone) {
    if (this.#zone === shownZone(zone)) return;
    this.#zone = shownZone(zone);
    this.#changed();
  }

  /** Show YYYY-MM-DDTHH:MM:SS, or nothing for "". */
  showWall(wall) {
    [this.date.value, this.time.value] = wall.split("T").concat("");
    this.#changed();
  }

  /** Show an instant, or nothing for null. */
  show(iso) {
    this.showWall(iso ? wallOf(iso, this.#zone) : "");
    const meant = this.#instants.findIndex((instant) => Date.parse(instant) === Math.floor(Date.parse(iso) / 1000) * 1000);
    if (this.#instants.length > 1) this.which.value = String(meant);
    this.#settle();
  }

  #changed() {
    this.time.value = clockIn(this.time.value) ?? this.time.value;
    this.#instants = clockIn(this.time.value) && isWall(this.wall) ? instantsOf(this.wall, this.#zone) : [];
    const choices = this.#instants.map((instant, i) => h("option", { value: String(i) }, say.time.choice(i, offset(instant, this.#zone))));
    fill(this.which, this.#instants.length > 1 ? [h("option", { value: "" }, say.time.choose), choices] : []);
    this.which.hidden = choices.length < 2;
    this.#settle();
  }

  #settle() {
    const problem = this.#problem();
    this.error.textContent = problem;
    for (const input of [this.date, this.time, this.which]) input.setAttribute("aria-invalid", String(Boolean(problem)));
    this.time.setCustomValidity(problem);
    const at = this.instant ?? this.#instants[0];
    const shift = at && this.instant ? offset(at, this.#zone) : "";
    const zone = this.named ? (shift ? `${this.#zone} (${shift})` : this.#zone) : shift;
    // The browser's field puts day and month in an order of its own: in words there is one reading only.
    this.zoneText.textContent = [this.named && this.instant ? day(this.instant, this.#zone) : "", zone].filter(Boolean).join(", ");
    this.zoneText.title = this.instant ? say.time.utc(`${day(this.instant, "UTC")}, ${clock(this.instant, "UTC")}`) : "";
  }

  #problem() {
    const [date, time] = [this.date.value, this.time.value.trim()];
    if (time && !clockIn(time)) return say.time.unreadable;
    if (!date && !time && !this.date.validity.badInput) return "";
    if (!date || !this.date.validity.valid) return say.time.needsDate;
    if (!time) return say.time.needsClock;
    if (this.#instants.length === 0) return say.time.skipped(time, day(`${date}T12:00:00Z`, "UTC"), this.#zone);
    if (this.#instants.length > 1 && this.which.value === "") return say.time.twice(time, day(`${date}T12:00:00Z`, "UTC"), this.#zone);
    return "";
  }
}
