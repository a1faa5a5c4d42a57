// Errors shown where they happened, in the server's own words, with a way on.

import { fill, h, icon } from "./dom.js";
import { say } from "./strings.js";

/** Whether the same request may succeed later: nobody answered, or the server could not. */
export const mayPass = ({ status }) => status === 0 || status >= 500;

/** Show `error` in `place`, with a way to try again where that may help; null clears it. */
export function showError(place, error, again) {
  if (!error) {
    fill(place);
    return;
  }
  const title = error.title ?? say.page.wrong;
  const detail = error.title ? error.detail : String(error.message ?? error);
  fill(
    place,
    h(
      "div",
      { class: "alert", role: "alert" },
      icon("warning"),
      h("div", {}, h("p", {}, title), detail ? h("p", { class: "detail", lang: error.foreign ? "en" : null }, detail) : null),
      again && mayPass(error) ? h("button", { type: "button", on: { click: again } }, icon("retry"), say.page.tryAgain) : null,
    ),
  );
}
