// A closer look at a hit without leaving the list: one of its crops beside whom it is compared with, at one size. The
// pointer scrubs through the strip: where it is picks the crop. By keyboard C opens it and , and . go through the crops.

import { lookedFor } from "./compare.js";
import { cropOf } from "./crop.js";
import { $, fill, h } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const CROPS = 4; // in a strip
const DELAY = 120; // milliseconds for which the pointer rests before the first look
const GAP = 8; // pixels from the card

let looking = null; // {card, crop}
let pinned = false; // by keyboard: it stays, and follows the focus
let resting = 0;

const hitOf = (card) => store.get().search.hits.find(({ rank }) => String(rank) === card.dataset.rank);

/** One crop of a strip whose picture is there already. */
function cropIn(url, crop) {
  const image = h("img", { alt: "", src: url });
  image.style.insetInlineStart = `${-100 * crop}%`;
  return h("span", { class: "crop of-strip" }, image);
}

/** Whom the hit is compared with: the person on a photo, or the first crop of a tracklet, whose strip is on the page. */
function other(hit) {
  const one = lookedFor(hit);
  if (!one.tracklet) return cropOf(one);
  const strip = $("#seed img");
  return strip?.src ? cropIn(strip.src, 0) : null;
}

/** Beside the card, on the side that has room, within the window. */
function placeBeside(loupe, card) {
  const [area, { width, height }] = [card.getBoundingClientRect(), loupe.getBoundingClientRect()];
  const right = area.right + GAP;
  const left = right + width <= innerWidth ? right : Math.max(GAP, area.left - GAP - width);
  // By a transform: it goes with the pointer, and nothing has to be laid out for it.
  loupe.style.transform = `translate(${left}px, ${Math.max(GAP, Math.min(area.top, innerHeight - height - GAP))}px)`;
}

function look(card, crop) {
  const [hit, image] = [hitOf(card), $(".strip img", card)];
  if (!hit || !image?.naturalWidth || (looking?.card === card && looking.crop === crop)) return;
  stop();
  looking = { card, crop };
  const strip = $(".strip", card);
  strip.classList.add("looked");
  strip.style.setProperty("--crop", crop);
  const loupe = $("#loupe");
  const beside = other(hit);
  const figure = (picture, caption) => h("figure", {}, picture, h("figcaption", {}, caption));
  fill(loupe, beside ? figure(beside, say.loupe.lookedFor) : null, figure(cropIn(image.src, crop), say.loupe.crop(crop + 1, CROPS)));
  loupe.hidden = false;
  placeBeside(loupe, card);
}

function stop() {
  clearTimeout(resting);
  looking?.card.querySelector(".strip")?.classList.remove("looked");
  looking = null;
  $("#loupe").hidden = true;
}

/** A finger has no place where it only points: it opens the player, which compares, too. */
function onPointer(event) {
  if (event.pointerType === "touch" || pinned) return;
  const strip = event.target.closest?.("#hits .strip");
  const card = strip?.closest("button.hit");
  if (!card) {
    stop();
    return;
  }
  const area = strip.getBoundingClientRect();
  const crop = Math.min(CROPS - 1, Math.max(0, Math.floor((CROPS * (event.clientX - area.left)) / area.width)));
  if (looking) look(card, crop);
  else {
    clearTimeout(resting);
    resting = setTimeout(look, DELAY, card, crop);
  }
}

function onKey(event) {
  const card = event.target.closest("button.hit");
  if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "c") {
    pinned = !pinned;
    if (pinned) look(card, looking?.card === card ? looking.crop : 0);
    else stop();
  } else if (pinned && (key === "," || key === ".")) {
    look(card, (looking.crop + (key === "." ? 1 : CROPS - 1)) % CROPS);
  } else return;
  event.preventDefault();
}

function close() {
  pinned = false;
  stop();
}

export function startLoupe() {
  const hits = $("#hits");
  hits.addEventListener("pointermove", onPointer);
  hits.addEventListener("pointerleave", () => pinned || stop());
  hits.addEventListener("keydown", onKey);
  // Wherever the focus is: what shows by pointing must go without moving the pointer.
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  hits.addEventListener("focusin", ({ target }) => {
    if (pinned && target.matches(".hit")) requestAnimationFrame(() => look(target, 0));
  });
  hits.addEventListener("focusout", ({ relatedTarget }) => relatedTarget?.matches?.("#hits .hit") || close());
  addEventListener("scroll", () => looking && (pinned ? placeBeside($("#loupe"), looking.card) : stop()), { passive: true });
  store.subscribe((state, before) => {
    if (state.opened !== before.opened || state.search.hits !== before.search.hits || state.view !== before.view) close();
  });
}
