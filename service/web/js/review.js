// The marks of a search, for a second person: who was searched for, who marked what and when, who confirmed it. Who
// marked passes the link on; the one who opens it says what they see, with a key of their own.

import { showError } from "./alerts.js";
import { getJson, isAbort } from "./api.js";
import { clipButton } from "./clip.js";
import { $, fill, h, icon } from "./dom.js";
import { LazyPictures, MediaScope } from "./media.js";
import { copyField } from "./recorded.js";
import { keyName, secondWord } from "./secondword.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clocksOf, momentOf } from "./when.js";

let scope = new MediaScope(); // ends with the panel, as do the pictures
let pictures = new LazyPictures();

const isOwn = (keyId) => keyId !== null && keyId === store.get().caller?.key_id;
const wordUrl = (mark) => `/v1/searches/${encodeURIComponent(mark.search_id)}/marks/${encodeURIComponent(mark.tracklet_id)}/confirmation`;

/** The link to pass on: it brings no key, so that the second person signs in with theirs. */
function link(searchId) {
  const value = new URL(`/#${new URLSearchParams({ review: searchId })}`, location.origin).href;
  return h("div", { class: "link" }, h("span", { class: "note" }, say.review.link), copyField(value, say.review.link));
}

function persons(paths) {
  if (!paths.length) return h("p", { class: "note" }, say.review.noPhoto);
  const images = paths.map((path) => {
    const image = h("img", { alt: say.review.person });
    const load = path.startsWith("/v1/tracklets/") ? scope.strip(path) : scope.url(path);
    load.then((url) => (image.src = url), (error) => isAbort(error) || image.replaceWith(say.results.noPicture));
    return image;
  });
  return h("figure", { class: "looked-for" }, images, h("figcaption", { class: "note" }, say.review.person));
}

/** Say something of a mark (true, false) or take it back (null), and show it. */
async function speak(mark, agrees, item, place, screen) {
  try {
    if (agrees === null) await getJson(wordUrl(mark), { method: "DELETE" });
    const said = agrees === null ? null : (await getJson(wordUrl(mark), { method: "PUT", json: { agrees } })).confirmation;
    const made = row({ ...mark, confirmation: said }, screen); // a clip plays on
    item.replaceWith(made);
    made.querySelector(".actions button:not(.play)")?.focus();
    dispatchEvent(new Event("reviewed"));
  } catch (error) {
    showError(place, error);
  }
}

function row(mark, screen = h("div", { class: "slot" })) {
  const place = h("div", { class: "slot" });
  const said = mark.confirmation;
  const button = (text, agrees, extra = {}) => h("button", { type: "button", ...extra, on: { click: () => speak(mark, agrees, item, place, screen) } }, text);
  const watch = clipButton(mark.clip_url, screen, () => scope);
  const choices = isOwn(mark.key_id)
    ? h("span", { class: "note" }, say.review.own)
    : h("span", { class: "words", data: { needs: "confirmMark" } }, button(say.review.confirm, true, { "aria-pressed": String(said?.agrees === true) }), button(say.review.dispute, false, { "aria-pressed": String(said?.agrees === false) }), said && isOwn(said.key_id) ? button(say.review.withdraw, null, { class: "quiet" }) : null);
  const item = h(
    "li",
    { class: "reviewed", "aria-label": say.review.markOf(say.marks[mark.verdict], mark.camera.name) },
    stripOfMark(mark),
    h(
      "div",
      { class: "about-mark" },
      h("p", {}, h("b", { class: "verdict" }, say.marks[mark.verdict]), " ", h("span", { class: "camera" }, mark.camera.name), " ", clocksOf(mark.start, mark.end, mark.camera.time_zone), " ", h("span", { class: "note" }, mark.camera.time_zone)),
      h("p", { class: "note" }, say.review.markedBy, keyName(mark.key_id), ", ", momentOf(mark.created_at, mark.camera.time_zone)),
      h("p", { class: "second slot" }, said ? secondWord(said, mark.camera.time_zone) : h("span", { class: "note" }, say.review.unconfirmed)),
      h("div", { class: "actions" }, watch, choices),
      place,
    ),
    screen,
  );
  return item;
}

function stripOfMark(mark) {
  const image = h("img", { alt: say.player.strip });
  const frame = h("span", { class: "strip" }, image);
  pictures.add(image, mark.thumbnail_url, () => fill(frame, h("span", { class: "failed" }, say.results.noPicture)));
  return frame;
}

async function show(searchId) {
  const body = $("#review-body");
  scope.close();
  pictures.close();
  [scope, pictures] = [new MediaScope(), new LazyPictures()];
  fill(body, h("p", { class: "note waiting" }, say.results.loading));
  try {
    const found = await getJson(`/v1/searches/${encodeURIComponent(searchId)}/marks/review`, { signal: scope.signal });
    const confirmed = found.items.filter(({ confirmation }) => confirmation?.agrees).length;
    fill(
      body,
      h("p", { class: "note" }, say.review.asked, momentOf(found.created_at, found.items[0]?.camera.time_zone ?? "UTC"), say.review.by, keyName(found.key_id), ". ", say.review.count(confirmed, found.items.length)),
      isOwn(found.key_id) ? link(searchId) : h("p", {}, say.review.about),
      persons(found.persons),
      h("ol", { class: "reviewed-list" }, found.items.map((mark) => row(mark))),
    );
  } catch (error) {
    if (isAbort(error)) return;
    if (error.status === 404) fill(body, h("p", {}, say.review.none));
    else showError(body, error, () => show(searchId));
  }
}

export function startReview() {
  const dialog = $("#review");
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.page.close, on: { click: () => dialog.close() } }, icon("close"));
  fill(dialog, h("header", { class: "panel-head" }, h("h2", { id: "review-title" }, say.review.title), close), h("div", { id: "review-body", class: "panel-body" }));
  dialog.addEventListener("close", () => {
    scope.close();
    pictures.close();
    store.set({ review: null });
  });
  store.subscribe(({ review }, { review: before }) => {
    if (review === before) return;
    if (review === null) dialog.close();
    else {
      if (!dialog.open) dialog.showModal();
      show(review);
    }
  });
}
