// What the forms of the library share: sending, refusals where they happened, a button that gives way to its form.

import { showError } from "./alerts.js";
import { fill, h } from "./dom.js";
import { camerasKnown } from "./holdings.js";
import { say } from "./strings.js";

/** A form named `label`: `save()` sends it, `onCancel()` puts it away; `extra` stands beside the buttons. */
export function formOf(label, elements, save, onCancel, ...extra) {
  const place = h("div", { class: "slot" });
  const send = h("button", { class: "primary" }, say.form.save);
  const cancel = h("button", { type: "button", on: { click: onCancel } }, say.form.cancel);
  const form = h("form", { class: "fields", "aria-label": label }, elements, h("div", { class: "actions" }, send, cancel, extra), place);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    showError(place, null);
    try {
      await save();
    } catch (error) {
      showError(place, error);
    } finally {
      send.disabled = false;
    }
  });
  return form;
}

/** What of `values` differs from `known`: only that is sent, so that nothing others changed meanwhile is overwritten. */
export function changed(values, known) {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== known[name]));
}

/** A button that gives way, once the cameras are known, to what `make(close)` makes, until that calls `close`. */
export function behindButton(button, make) {
  const place = h("div", { class: "slot" }, button);
  const close = () => {
    fill(place, button);
    button.focus();
  };
  button.addEventListener("click", async () => {
    await camerasKnown();
    fill(place, make(close));
    place.querySelector("input, select, [data-first]").focus();
  });
  return place;
}
