// The list of cards in the order of the view. Cards are made a few at a time, so that thousands do not hold up the
// page, and kept as long as their answer is: another order moves them. They stand in parts, each laid out by itself and
// only near the screen: in one grid of thousands every frame of scrolling would be a layout of them all.

import { cardOf } from "./cards.js";
import { $, h } from "./dom.js";
import { LazyPictures } from "./media.js";
import { say } from "./strings.js";
import { arranged, sortOf } from "./view.js";

const AT_ONCE = 40; // cards made before the browser may draw and answer
const PART = 120; // cards laid out together: full rows of one to six, and of eight
const [LEAST, GAP] = [250, 14]; // pixels of a card and between cards, as in results.css

let pictures = new LazyPictures({ held: true });
let cards = new Map(); // by the identity of the hit
let lines = new Map(); // what stands between them, by its words: the same line is the same element
let isFocusLost = false; // the hit that had the focus went with its answer
let rest = 0; // the timer of what is still to be made

/** Let go of all cards and their pictures. */
export function forgetCards() {
  clearTimeout(rest);
  pictures.close();
  pictures = new LazyPictures({ held: true });
  cards = new Map();
  lines = new Map();
}

/** A line is made once: a new one at the top would be a change above every card that is there. */
function line(key, make) {
  if (!lines.has(key)) lines.set(key, make());
  return lines.get(key);
}

function heading(camera, hits, least) {
  const credible = least === null ? 0 : hits.filter(({ probability }) => probability >= least).length;
  const about = [camera.site, say.results.ofCamera(hits.length, credible)].filter(Boolean).join(" · ");
  return line(JSON.stringify([camera.name, about]), () => h("div", { class: "line group", role: "listitem" }, h("h3", {}, camera.name), h("span", {}, about)));
}

const words = (text) => line(text, () => h("div", { class: "line", role: "listitem" }, text));

/** What stands in the list: hits, and between them elements: headings of groups, the line of credible matches. */
function rowsOf(state) {
  const hits = arranged(state);
  const { line: least = null, credible = null } = state.search.answer?.calibration ?? {};
  const rows = credible === 0 && hits.length ? [words(say.results.noneCredible(least))] : [];
  if (!hits.length && state.search.hits.length) return [words(say.results.tooLow)];
  if (state.view.group) {
    const groups = new Map();
    for (const hit of hits) groups.get(hit.camera.name)?.push(hit) ?? groups.set(hit.camera.name, [hit]);
    return [...rows, ...[...groups.values()].flatMap((group) => [heading(group[0].camera, group, least), ...group])];
  }
  const below = credible && sortOf(state) === "probability" ? hits.findIndex(({ probability }) => probability < least) : -1;
  if (below > 0) return [...hits.slice(0, below), words(say.results.line(least)), ...hits.slice(below)];
  return [...rows, ...hits];
}

const isLine = (node) => node.matches(".line");

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

/** In parts that are laid out each by itself; one begins with every line, so that only rows before a line are not full. */
function partsOf(nodes) {
  const parts = [];
  for (const node of nodes) {
    const last = parts.at(-1);
    if (!last || isLine(node) || last.length === PART + Number(isLine(last[0]))) parts.push([node]);
    else last.push(node);
  }
  return parts;
}

/** Make `part` begin with these nodes in this order: what stands where it should already is not touched. True if it had to. */
function put(part, nodes) {
  let here = part.firstElementChild;
  let isChanged = false;
  for (const node of nodes) {
    if (node === here) here = here.nextElementSibling;
    else {
      part.insertBefore(node, here);
      isChanged = true;
    }
  }
  part.style.setProperty("--cards", nodes.length);
  return isChanged;
}

/** Make the list hold these nodes in this order. */
function place(list, nodes) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(nodes);
  for (const part of list.children) for (const child of [...part.children]) if (!wanted.has(child)) child.remove();
  const parts = partsOf(nodes);
  parts.forEach((some, at) => {
    if (!list.children[at]) list.append(h("div", { class: "part", role: "presentation" }));
    if (put(list.children[at], some)) pictures.lookInto(list.children[at]);
  });
  while (list.children.length > parts.length) list.lastChild.remove();
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  isFocusLost ||= Boolean(focused && !focused.isConnected);
  giveFocusBack(list);
}

const isThere = (row) => row instanceof Element || cards.has(row);

/** Show the hits as the state says; `done()` is called when the last card is there. */
export function drawHits(state, done = () => undefined) {
  clearTimeout(rest);
  const rows = rowsOf(state);
  const list = $("#hits");
  const end = () => {
    rest = 0;
    done();
  };
  // Those that are there already come along with the first: a page more may go between them.
  const draw = () => {
    let made = 0;
    place(list, rows.filter((row) => isThere(row) || made++ < AT_ONCE).map(nodeOf));
    rest = setTimeout(made > AT_ONCE ? draw : end, 0);
  };
  draw();
}

/** Whether all cards are there. */
export const isDrawn = () => rest === 0;

/** How high a part will be is told by how many columns it has, before it is laid out. */
export function startHitList() {
  const list = $("#hits");
  new ResizeObserver(([{ contentRect }]) => list.style.setProperty("--columns", Math.max(1, Math.floor((contentRect.width + GAP) / (LEAST + GAP))))).observe(list);
}
