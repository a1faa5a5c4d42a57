// Erasing in two steps, wherever it is asked for: first what would go and what would stay, then, once that was
// confirmed, the certificate. What is confirmed is the list that was shown: if something else would go by then, the
// server refuses, and the list is read again.

import { getJson, isAbort } from "./api.js";
import { showError } from "./alerts.js";
import { certificateView, remaining } from "./certificate.js";
import { fill, h } from "./dom.js";
import { LazyPictures, stripOf } from "./media.js";
import { recordChanged } from "./reopen.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { stretchOf } from "./when.js";

const MANY = 3; // of what may need scrolling
const SHOWN = 100; // of each list; the certificate has all

const zoneOf = (name) => store.get().cameras.find((camera) => camera.name === name)?.time_zone ?? "UTC";

function cut(items, row) {
  const more = items.length > SHOWN ? [h("li", { class: "note" }, say.erasure.more(items.length - SHOWN))] : [];
  return [...items.slice(0, SHOWN).map(row), ...more];
}

/** A long list scrolls: then the keyboard has to get there. */
const focusable = (items, title) => (items.length > MANY ? { tabIndex: 0, role: "list", "aria-label": title } : {});

/** A heading with a list below it, or nothing. */
function part(title, items, row, attributes = {}) {
  return items.length ? [h("h3", {}, title), h("ul", { class: "plain", ...focusable(items, title), ...attributes }, cut(items, row))] : null;
}

const when = ({ camera, start, end }) => [h("span", { class: "name" }, camera), " ", stretchOf(start, end, zoneOf(camera))];

function tracklet(one, pictures) {
  const strip = stripOf({ thumbnail_url: `/v1/tracklets/${encodeURIComponent(one.id)}/thumbnail` }, pictures, say.results.noPicture);
  return h("li", { class: "going" }, strip, h("span", {}, when(one)));
}

/** What would go, by kind, and what would not. */
export function planView(plan, pictures, zone = "UTC") {
  const held = plan.held.map(({ kind, reason }) => ({ kind, reason }));
  const uploaded = plan.recordings.filter((one) => one.uploaded).length;
  return [
    h("p", {}, h("strong", {}, say.erasure.wouldGo(plan))),
    part(say.erasure.recordings, plan.recordings, (one) => h("li", {}, when(one), h("span", { class: "note" }, " ", say.library.sightings(one.tracklets)))),
    uploaded ? h("p", { class: "note" }, say.erasure.files(uploaded)) : null,
    part(say.erasure.sightings, plan.tracklets, (one) => tracklet(one, pictures), { class: "plain going-list" }),
    part(say.erasure.stretches, plan.stretches, (one) => h("li", {}, stretchOf(one.start, one.end, zone))),
    part(say.erasure.held, held, ({ kind, reason }) => h("li", { class: "held name" }, say.erasure.heldOne(kind, reason))),
    plan.remains.length ? h("details", {}, h("summary", {}, say.erasure.remains), h("ul", { class: "plain" }, remaining(plan.remains))) : null,
  ];
}

const goes = (plan) => plan.tracklet_count + plan.recordings.length + plan.stretches.length + plan.photos.length + plan.searches.length + plan.cases.length > 0;

/**
 * The group that asks, named `label`: reads the plan of `target` (the body of POST /v1/erasures/plan), shows it, erases
 * once that is confirmed, and shows the certificate. `onCancel()` puts it away; `onErased()` is called when it is put
 * away after something went.
 */
export function erasing(target, { label, onErased, onCancel }) {
  const body = h("div", { class: "erasure-body" });
  const place = h("div", { class: "slot" });
  let pictures = new LazyPictures();
  const ended = new AbortController();
  let gone = false;
  const leave = () => {
    ended.abort();
    pictures.close();
    if (gone) onErased();
    else onCancel();
  };
  const keep = h("button", { type: "button", data: { first: "" }, on: { click: leave } }, say.library.keep);

  async function plan() {
    fill(body, h("p", { class: "note waiting", role: "status" }, say.erasure.listing));
    fill(place);
    try {
      show(await getJson("/v1/erasures/plan", { json: target, signal: ended.signal }));
    } catch (error) {
      if (isAbort(error)) return;
      fill(body);
      showError(place, error, plan);
    }
  }

  function show(found) {
    pictures.close();
    pictures = new LazyPictures();
    fill(body, planView(found, pictures, target.camera ? zoneOf(target.camera) : undefined));
    fill(confirm);
    if (!goes(found)) return;
    // Two buttons, the second where the first was not: no habit presses both.
    const yes = h("button", { type: "button", class: "danger", on: { click: () => erase(found, yes) } }, say.library.eraseNow);
    const first = h("button", { type: "button", class: "danger", on: { click: () => (fill(confirm, h("p", { class: "sure", role: "status" }, say.erasure.sure(found)), yes), keep.focus()) } }, say.erasure.go);
    fill(confirm, first);
  }

  async function erase(found, yes) {
    yes.disabled = true;
    pictures.close(); // what is not there yet will not be
    fill(place, h("p", { class: "note waiting", role: "status" }, say.erasure.working));
    try {
      const json = { ...target, plan_sha256: found.plan_sha256, skip_held: found.held.length > 0 };
      const done = await getJson("/v1/erasures", { json });
      gone = true;
      recordChanged();
      fill(place);
      const view = certificateView(done);
      fill(body, view);
      fill(confirm);
      keep.textContent = say.erasure.done;
      view.focus();
    } catch (error) {
      if (error.status === 409) await plan(); // something else would go by now: shown anew
      yes.disabled = false;
      showError(place, error);
    }
  }

  const confirm = h("div", { class: "slot confirm" }); // beside what has the focus, which stays in its place
  plan();
  return h("div", { class: "fields erasure", role: "group", "aria-label": label }, body, h("div", { class: "actions" }, confirm, keep), place);
}
