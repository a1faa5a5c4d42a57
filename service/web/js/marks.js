// Marks: which hits show the person. With them the search is asked again; they can be undone.

import { getJson, isAbort } from "./api.js";
import { showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { $, fill, h, icon } from "./dom.js";
import { LazyPictures, stripOf } from "./media.js";
import { beginSearch } from "./search.js";
import { secondWord } from "./secondword.js";
import { setSearch, store } from "./state.js";
import { say } from "./strings.js";

const VERDICTS = ["match", "not"];
const ASKED = 5; // hits that are asked about at once
let pictures = new LazyPictures();
let announced = "";
let marked = null; // the answer whose marks were changed here, so that there is something to undo

const path = (rest) => `/v1/searches/${encodeURIComponent(store.get().search.answer.id)}/${rest}`;

/** Run what the server may refuse; say why. */
async function attempt(action) {
  showError($("#feedback-error"), null);
  const { answer } = store.get().search;
  try {
    await action();
  } catch (error) {
    if (store.get().search.answer === answer) showError($("#feedback-error"), error, () => attempt(action));
  }
}

/** The two buttons of a hit; pressing the pressed one takes the mark away. */
export function markButtons(hit) {
  const button = (verdict) =>
    h(
      "button",
      {
        type: "button",
        class: "mark",
        data: { tracklet: hit.tracklet_id, verdict },
        "aria-pressed": String((verdictOf(hit.tracklet_id) ?? hit.mark?.verdict) === verdict),
        "aria-label": say.marks.labelOf(verdict, hit.rank),
        on: { click: () => attempt(() => toggle(hit.tracklet_id, verdict)) },
      },
      say.marks[verdict],
    );
  const said = store.get().seconds[hit.tracklet_id] ?? hit.mark?.confirmation;
  const second = h("p", { class: "second slot", data: { tracklet: hit.tracklet_id, zone: hit.camera.time_zone } }, said ? secondWord(said, hit.camera.time_zone) : null);
  return h("div", { class: "marks", data: { needs: "markHit" } }, VERDICTS.map(button), second);
}

const verdictOf = (trackletId) => store.get().marks[trackletId];

async function toggle(trackletId, verdict) {
  const { answer } = store.get().search;
  const url = path(`marks/${encodeURIComponent(trackletId)}`);
  const taken = verdictOf(trackletId) === verdict;
  if (taken) await getJson(url, { method: "DELETE" });
  else await getJson(url, { method: "PUT", json: { verdict } });
  if (store.get().search.answer?.id !== answer.id) return;
  marked = answer.id;
  const { [trackletId]: _, ...marks } = store.get().marks;
  const { [trackletId]: __, ...seconds } = store.get().seconds; // what was said was said of another mark
  store.set({ marks: taken ? marks : { ...marks, [trackletId]: verdict }, seconds });
}

/** Of marks {tracklet_id, verdict, confirmation}: the state's verdicts, and what second persons said of them. */
const ofMarks = (marks) => ({
  marks: Object.fromEntries(marks.map((mark) => [mark.tracklet_id, mark.verdict])),
  seconds: Object.fromEntries(marks.filter(({ confirmation }) => confirmation).map((mark) => [mark.tracklet_id, mark.confirmation])),
});
const ofHits = (hits) => ofMarks(hits.filter(({ mark }) => mark).map((hit) => ({ ...hit.mark, tracklet_id: hit.tracklet_id })));

/** The marks of the answer as the server has them. */
async function refresh() {
  const { answer } = store.get().search;
  const { items } = await getJson(path("marks"));
  if (store.get().search.answer?.id !== answer.id) return;
  store.set(ofMarks(items));
}

async function undo() {
  await getJson(path("marks/undo"), { method: "POST" });
  await refresh();
}

async function searchAgain() {
  const { signal } = beginSearch();
  setSearch({ phase: "loading", error: null });
  try {
    const answer = await getJson(path("refine"), { json: { limit: store.get().filters.limit }, signal });
    setSearch({ phase: "done", answer, hits: answer.hits, shown: null });
    scrollTo({ top: 0 }); // the list is another
  } catch (error) {
    if (isAbort(error)) return;
    setSearch({ phase: "done" });
    throw error;
  }
}

async function ask() {
  const { answer } = store.get().search;
  const { items } = await getJson(path(`judge?count=${ASKED}`));
  if (store.get().search.answer?.id !== answer.id) return;
  pictures.close();
  pictures = new LazyPictures();
  const cards = items.map((hit) => h("li", {}, stripOf(hit, pictures, say.results.noPicture), h("span", { class: "camera" }, hit.camera.name), markButtons(hit)));
  const list = cards.length ? h("ol", { class: "judge", "aria-label": say.marks.asked }, cards) : h("p", {}, say.marks.allMarked);
  const close = h("button", { type: "button", class: "quiet", "aria-label": say.marks.enough, on: { click: () => (fill($("#judge")), $("#ask").focus()) } }, icon("close"));
  fill($("#judge"), h("div", { class: "judge-head" }, h("h3", {}, say.marks.asked), close), list);
  $("#judge button.mark")?.focus();
}

/** The buttons of the hits whose marks have changed say so, in the list and among those asked about. */
function drawButtons({ marks: now, seconds }, { marks: before, seconds: were }) {
  for (const trackletId of new Set([...Object.keys(now), ...Object.keys(before)])) {
    if (now[trackletId] === before[trackletId]) continue;
    for (const button of document.querySelectorAll(`button.mark[data-tracklet="${CSS.escape(trackletId)}"]`)) {
      button.setAttribute("aria-pressed", String(now[trackletId] === button.dataset.verdict));
    }
  }
  for (const trackletId of new Set([...Object.keys(seconds), ...Object.keys(were)])) {
    if (seconds[trackletId] === were[trackletId]) continue;
    for (const place of document.querySelectorAll(`.second[data-tracklet="${CSS.escape(trackletId)}"]`)) fill(place, seconds[trackletId] ? secondWord(seconds[trackletId], place.dataset.zone) : null);
  }
}

/** M and N mark the hit that has the focus. */
function onKey(event) {
  const verdict = { m: "match", n: "not" }[event.key.toLowerCase()];
  if (!verdict || event.ctrlKey || event.metaKey || event.altKey || !event.target.matches(".hit")) return;
  const button = event.target.closest(".card").querySelector(`[data-verdict=${verdict}]`);
  if (!button?.checkVisibility()) return; // the key may not mark
  event.preventDefault();
  button.click();
}

function build() {
  const button = (id, needs, text, action) => h("button", { id, type: "button", data: { needs }, on: { click: () => attempt(action) } }, text);
  const review = async () => store.set({ review: store.get().search.answer.id });
  fill(
    $("#feedback"),
    h("div", { class: "tools" }, button("refine", "refineSearch", say.marks.again, searchAgain), button("undo", "undoMark", say.marks.undo, undo), button("ask", "listHitsToJudge", say.marks.judge, ask), button("open-review", "reviewMarks", say.marks.review, review)),
    h("p", { id: "marked", role: "status" }),
    h("div", { id: "feedback-error", class: "slot" }),
    h("div", { id: "judge", class: "slot" }),
  );
}

function draw({ marks, photos, seed, search: now }) {
  const verdicts = Object.values(marks);
  const matches = verdicts.filter((one) => one === "match").length;
  $("#refine").disabled = $("#open-review").disabled = !verdicts.length;
  $("#undo").disabled = !verdicts.length && marked !== now.answer?.id;
  const said = [verdicts.length ? say.marks.count(matches, verdicts.length - matches) : "", photos.length > 1 && !seed ? say.marks.photos(photos.length) : "", now.answer?.refined ? say.marks.refined : ""];
  const line = said.filter(Boolean).join(" ");
  if (line !== announced) $("#marked").textContent = announced = line;
  $("#feedback").hidden = now.phase !== "done" || !now.hits.length || !(line || mayDo("markHit"));
}

export function startMarks() {
  build();
  addEventListener("reviewed", () => store.get().search.answer && mayDo("listMarks") && attempt(refresh));
  $("#hits").addEventListener("keydown", onKey);
  store.subscribe((state, before) => {
    const [now, was] = [state.search, before.search];
    if (state.marks !== before.marks || state.seconds !== before.seconds) drawButtons(state, before);
    if (now.answer?.id !== was.answer?.id) {
      fill($("#judge"));
      showError($("#feedback-error"), null);
      store.set(ofHits(now.hits));
      if (now.answer?.refined) attempt(refresh); // it has those of the search before too, also on no hit of its own
    } else if (now.hits.length > was.hits.length) {
      const more = ofHits(now.hits.slice(was.hits.length));
      store.set({ marks: { ...state.marks, ...more.marks }, seconds: { ...state.seconds, ...more.seconds } });
    } else if (state.marks !== before.marks || state.photos !== before.photos || now !== was) draw(state);
  });
  draw(store.get());
}
