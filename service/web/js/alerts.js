// Errors shown where they happened, in the server's own words, with a way on.

import { fill, h, icon } from "./dom.js";

/** Show `error` in `place` with an optional action; null clears it. */
export function showError(place, error, action) {
  if (!error) {
    fill(place);
    return;
  }
  const title = error.title ?? "Something went wrong";
  const detail = error.title ? error.detail : String(error.message ?? error);
  fill(
    place,
    h(
      "div",
      { class: "alert", role: "alert" },
      icon("warning"),
      h("div", {}, h("p", {}, title), detail ? h("p", { class: "detail" }, detail) : null),
      action ? h("button", { type: "button", on: { click: action.run } }, icon("retry"), action.label) : null,
    ),
  );
}
