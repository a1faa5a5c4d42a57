// The list of cards in the order of the view. Cards are made a few at a time, so that thousands do not hold up the
// page, and kept as long as their answer is: another order moves them.

import { cardOf } from "./cards.js";
import { $, h } from "./dom.js";
import { LazyPictures } from "./media.js";
import { say } from "./strings.js";
import { arranged, sortOf } from "./view.js";

const AT_ONCE = 40; // cards made before the browser may draw and answer

let pictures = new LazyPictures();
let cards = new Map(); // by the identity of the hit
let isFocusLost = false; // the hit that had the focus went with its answer
let rest = 0; // the timer of what is still to be made

/** Let go of all cards and their pictures. */
export function forgetCards() {
  clearTimeout(rest);
  pictures.close();
  pictures = new LazyPictures();
  cards = new Map();
}

function heading(camera, hits, line) {
  const credible = line === null ? 0 : hits.filter(({ probability }) => probability >= line).length;
  return h("li", { class: "line group" }, h("h3", {}, camera.name), h("span", {}, [camera.site, say.results.ofCamera(hits.length, credible)].filter(Boolean).join(" · ")));
}

const words = (text) => h("li", { class: "line" }, text);

/** What stands in the list: hits, and between them elements: headings of groups, the line of credible matches. */
function rowsOf(state) {
  const hits = arranged(state);
  const { line = null, credible = null } = state.search.answer?.calibration ?? {};
  const rows = credible === 0 && hits.length ? [words(say.results.noneCredible(line))] : [];
  if (!hits.length && state.search.hits.length) return [words(say.results.tooLow)];
  if (state.view.group) {
    const groups = new Map();
    for (const hit of hits) groups.get(hit.camera.name)?.push(hit) ?? groups.set(hit.camera.name, [hit]);
    return [...rows, ...[...groups.values()].flatMap((group) => [heading(group[0].camera, group, line), ...group])];
  }
  const below = credible && sortOf(state) === "probability" ? hits.findIndex(({ probability }) => probability < line) : -1;
  if (below > 0) return [...hits.slice(0, below), words(say.results.line(line)), ...hits.slice(below)];
  return [...rows, ...hits];
}

function nodeOf(row) {
  if (row instanceof Element) return row;
  if (!cards.has(row)) cards.set(row, cardOf(row, pictures));
  return cards.get(row);
}

/** The focus goes on at the first hit of the next answer: on the body the keys of hits would be dead. */
function giveFocusBack(list) {
  const first = $(".hit", list);
  if (!isFocusLost || !first) return;
  isFocusLost = false;
  if (document.activeElement === document.body) first.focus();
}

/** Put nodes behind those that stand where they should already; what else is there goes. */
function place(list, nodes) {
  let same = 0;
  while (same < nodes.length && list.children[same] === nodes[same]) same += 1;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  while (list.children.length > same) list.lastChild.remove();
  list.append(...nodes.slice(same));
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  isFocusLost ||= Boolean(focused && !focused.isConnected);
  giveFocusBack(list);
}

/** Show the hits as the state says; `done()` is called when the last card is there. */
export function drawHits(state, done = () => undefined) {
  clearTimeout(rest);
  const rows = rowsOf(state);
  // Those that are there already cost nothing: they come along with the first.
  let made = 0;
  let first = 0;
  while (first < rows.length && made < AT_ONCE) {
    if (!(rows[first] instanceof Element) && !cards.has(rows[first])) made += 1;
    first += 1;
  }
  const list = $("#hits");
  place(list, rows.slice(0, first).map(nodeOf));
  const more = (at) => {
    if (at >= rows.length) return done();
    list.append(...rows.slice(at, at + AT_ONCE).map(nodeOf));
    rest = setTimeout(more, 0, at + AT_ONCE);
  };
  rest = setTimeout(more, 0, first);
}
