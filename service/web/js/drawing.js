// A box drawn by hand: dragged with mouse or finger, or moved and resized with the arrow keys.

import { $, h, place } from "./dom.js";
import { staged } from "./photos.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const SMALLEST = 8; // pixels of the photo

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The box between two corners, inside the photo, in whole pixels. */
function between([x0, y0], [x1, y1], { width, height }) {
  const [left, right] = [clamp(Math.min(x0, x1), 0, width), clamp(Math.max(x0, x1), 0, width)];
  const [top, bottom] = [clamp(Math.min(y0, y1), 0, height), clamp(Math.max(y0, y1), 0, height)];
  return [left, top, right - left, bottom - top].map(Math.round);
}

/** Moved by (dx, dy), or with `resize` grown by it; never outside the photo. */
function nudged([x, y, w, h_], dx, dy, resize, { width, height }) {
  if (resize) return [x, y, clamp(w + dx, SMALLEST, width - x), clamp(h_ + dy, SMALLEST, height - y)];
  return [clamp(x + dx, 0, width - w), clamp(y + dy, 0, height - h_), w, h_];
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Let the user draw on `stage`; `choose({box})` gets each finished box. */
export function startDrawing(stage, choose) {
  const drawn = h("div", { class: "drawn sight", tabIndex: 0, role: "group", "aria-label": say.photo.boxLabel });
  const show = (box) => {
    const { probe } = staged(store.get());
    if (!box || !probe) return drawn.remove();
    place(drawn, box, probe.width, probe.height);
    if (!drawn.isConnected) stage.append(drawn);
  };

  drawn.addEventListener("keydown", (event) => {
    const direction = ARROWS[event.key];
    const { pick, probe } = staged(store.get());
    if (!direction || !pick?.box) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(probe.height / 100));
    choose({ box: nudged(pick.box, direction[0] * step, direction[1] * step, event.shiftKey, probe) });
  });

  $("#own-box").addEventListener("click", () => {
    const { probe, pick } = staged(store.get());
    if (!pick.box) choose({ box: startingBox(probe, pick) });
    drawn.focus();
  });

  followPointer(stage, show, choose);
  store.subscribe((state, before) => {
    const { pick } = staged(state);
    if (pick === staged(before).pick) return;
    show(pick?.box);
    stage.classList.toggle("drawing", Boolean(pick?.box));
  });
}

/** Where an own box starts: on the picked person, else the middle of the photo. */
function startingBox({ persons, width, height }, pick) {
  const picked = persons.find((one) => one.index === pick.person);
  if (picked) return picked.box.map(Math.round);
  return [width * 0.3, height * 0.1, width * 0.4, height * 0.8].map(Math.round);
}

function followPointer(stage, show, choose) {
  let start = null; // where the pointer went down, in pixels of the photo
  let box = null; // as it is now, once the pointer has really moved
  const point = (event) => {
    const { probe } = staged(store.get());
    const area = stage.getBoundingClientRect();
    return [((event.clientX - area.left) / area.width) * probe.width, ((event.clientY - area.top) / area.height) * probe.height];
  };
  stage.addEventListener("pointerdown", (event) => {
    const { probe } = staged(store.get());
    // A finger scrolls the page unless an own box was asked for; a mouse may always draw.
    const refused = event.pointerType === "touch" && !stage.classList.contains("drawing");
    if (!probe || event.button !== 0 || refused) return;
    start = point(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!start) return;
    const next = between(start, point(event), staged(store.get()).probe);
    if (!box && Math.min(next[2], next[3]) < SMALLEST) return;
    if (!box) stage.setPointerCapture(event.pointerId);
    box = next;
    show(box);
  });
  const finish = (event) => {
    if (box) swallowClick(stage);
    if (box && event.type === "pointerup" && Math.min(box[2], box[3]) >= SMALLEST) choose({ box });
    else if (box) show(staged(store.get()).pick?.box);
    start = box = null;
  };
  stage.addEventListener("pointerup", finish);
  stage.addEventListener("pointercancel", finish);
}

/** The click that ends a drag must not pick the person under it. */
function swallowClick(stage) {
  const swallow = (click) => click.preventDefault();
  stage.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => stage.removeEventListener("click", swallow, { capture: true }));
}
