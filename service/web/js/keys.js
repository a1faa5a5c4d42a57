// Keys of the page: arrows go from hit to hit, ? tells all keys. Those of the player are its own.

import { $, fill, h, icon } from "./dom.js";
import { choose, language, languages } from "./language.js";
import { chooseNumber } from "./stage.js";
import { say } from "./strings.js";

/** The hit in the next row, or with -1 in the one before, that stands nearest below or above hit `index`. */
function across(hits, index, step) {
  const area = (at) => hits[at].parentElement.getBoundingClientRect();
  const here = area(index);
  let best;
  let row = null;
  for (let at = index + step; at >= 0 && at < hits.length; at += step) {
    const { top, left } = area(at);
    if (row === null && Math.abs(top - here.top) > 1) row = top;
    if (row === null) continue;
    if (Math.abs(top - row) > 1) break;
    if (best === undefined || Math.abs(left - here.left) < best.off) best = { hit: hits[at], off: Math.abs(left - here.left) };
  }
  return best?.hit;
}

/** Where a key leads from hit `index`; undefined for keys that lead nowhere. */
function target(key, index, hits) {
  if (key === "ArrowUp" || key === "ArrowDown") return across(hits, index, key === "ArrowUp" ? -1 : 1);
  const ends = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: hits.length - 1 };
  return hits[ends[key]];
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
  fill($("#help"), h("header", { class: "panel-head" }, h("h2", { id: "help-title" }, say.keys.title), close), h("div", { class: "panel-body" }, groups, languageChoice()));
}

function languageChoice() {
  const options = Object.entries(languages).map(([code, name]) => h("option", { value: code, lang: code, selected: code === language }, name));
  return h("p", { class: "language" }, h("label", {}, say.page.language, " ", h("select", { id: "language", on: { change: (event) => choose(event.target.value) } }, options)));
}

const BUTTONS = { u: "#undo", r: "#refine" };

/** Press a button by its key, where it is offered. */
function press(selector) {
  const button = $(selector);
  if (button?.checkVisibility() && !button.disabled) button.click();
}

/** Whether typing goes into a field just now. */
const isTyping = (element) => element.matches("input:not([type=radio], [type=checkbox]), select, textarea");

export function startKeys() {
  buildHelp();
  $("#hits").addEventListener("keydown", throughHits);
  $("#open-help").addEventListener("click", () => $("#help").showModal());
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    // The keys are told over any dialog, too; the others are those of the page behind it.
    if (event.key === "?" ? $("#help").open : $("dialog[open]")) return;
    const action = event.key === "?" ? () => $("#help").showModal() : /^[1-9]$/.test(event.key) ? () => chooseNumber(Number(event.key)) : BUTTONS[event.key.toLowerCase()] ? () => press(BUTTONS[event.key.toLowerCase()]) : null;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
