// Keys of the page: arrows go from hit to hit, ? tells all keys. Those of the player are its own.

import { $, fill, h, icon } from "./dom.js";
import { say } from "./strings.js";

/** How many hits stand beside each other. */
function columns(hits) {
  const first = hits[0].getBoundingClientRect().top;
  const next = hits.findIndex((hit) => hit.getBoundingClientRect().top > first + 1);
  return next === -1 ? hits.length : next;
}

/** Where a key leads from hit `index`; undefined for keys that lead nowhere. */
function target(key, index, hits) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(hits), ArrowDown: columns(hits), Home: -index, End: hits.length - 1 - index };
  return key in steps ? hits[index + steps[key]] : undefined;
}

function throughHits(event) {
  const hits = [...document.querySelectorAll("#hits .hit:not(.empty)")];
  const index = hits.indexOf(event.target);
  if (index === -1 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const next = target(event.key, index, hits);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function buildHelp() {
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => $("#help").close() } }, icon("close"));
  const groups = say.keys.groups.map(({ title, keys }) => h("section", {}, h("h3", {}, title), h("dl", {}, keys.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]))));
  fill($("#help"), h("header", { class: "panel-head" }, h("h2", { id: "help-title" }, say.keys.title), close), h("div", { class: "panel-body" }, groups));
}

/** Whether typing goes into a field just now. */
const isTyping = (element) => element.matches("input:not([type=radio], [type=checkbox]), select, textarea");

export function startKeys() {
  buildHelp();
  $("#hits").addEventListener("keydown", throughHits);
  $("#open-help").addEventListener("click", () => $("#help").showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || isTyping(event.target) || $("#help").open || $("#signin").open || $("#reason").open) return;
    event.preventDefault();
    $("#help").showModal();
  });
}
