// The ranked tracklets as cards, best first.

import { showError } from "./alerts.js";
import { coverageOf } from "./coverage.js";
import { $, fill, h, icon } from "./dom.js";
import { duration, probability, score, secondsBetween, signed } from "./format.js";
import { markButtons } from "./marks.js";
import { LazyPictures, stripOf } from "./media.js";
import { saidBesidePhoto } from "./notices.js";
import { openPlayer } from "./player.js";
import { loadMore, search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clockFirst } from "./when.js";

let pictures = new LazyPictures();

/** What a card says about how good its hit is: a probability where there is one, else what the list is ordered by. */
function goodness(hit, rankedBy) {
  if (typeof hit.probability === "number") return { value: probability(hit.probability), how: say.results.probability };
  const standard = rankedBy === "standard_score" && typeof hit.standard_score === "number";
  return standard ? { value: signed(hit.standard_score), how: say.results.standsOut } : { value: score(hit.score), how: say.results.similarity };
}

function card(hit, index) {
  const { camera, start, end } = hit;
  const { value, how } = goodness(hit, store.get().search.answer?.ranked_by);
  const frame = stripOf(hit, pictures, say.results.noPicture);
  frame.append(h("span", { class: "rank" }, h("span", { class: "unseen" }, say.results.rank), String(hit.rank)));
  const facts = h(
    "span",
    { class: "facts" },
    h("span", { class: "camera" }, camera.name, hit.new ? h("span", { class: "new" }, say.results.fresh) : null),
    h("span", { class: "score" }, value),
    h("span", { class: "where" }, h("span", { class: "site" }, camera.site ?? ""), h("span", { class: "length" }, duration(secondsBetween(start, end)))),
    h("span", { class: "how" }, how),
    h("span", { class: "when" }, clockFirst(start, camera.time_zone)),
    hit.beyond_horizon ? h("span", { class: "far" }, say.results.otherDay) : null,
    typeof hit.pulled_by === "number" ? h("span", { class: "pulled" }, say.marks.pulled(hit.pulled_by + 1)) : null,
  );
  return h("li", {}, h("button", { class: "hit", type: "button", on: { click: () => openPlayer(index) } }, frame, facts), markButtons(hit));
}

/** The card of a hit; before the first a line where none is credible. */
function withLine(hit, index, answer) {
  const { credible, line } = answer?.calibration ?? {};
  if (credible !== 0 || index > 0) return [card(hit, index)];
  return [h("li", { class: "line" }, say.results.noneCredible(line)), card(hit, index)];
}

function placeholder() {
  const lines = Array.from({ length: 4 }, () => h("span", {}));
  return h("li", { "aria-hidden": "true" }, h("span", { class: "hit empty waiting" }, h("span", { class: "strip" }), h("span", { class: "facts" }, lines)), h("div", { class: "marks room" }, h("button", { type: "button", disabled: true }, "\u00a0")));
}

function showHits(state, before) {
  const list = $("#hits");
  const { search: now } = state;
  const appended = before.search.hits.length && now.hits[0] === before.search.hits[0] && now.hits.length > before.search.hits.length;
  if (appended) {
    const shown = before.search.hits.length;
    list.append(...now.hits.slice(shown).flatMap((hit, i) => withLine(hit, shown + i, now.answer)));
    return;
  }
  pictures.close();
  pictures = new LazyPictures();
  fill(list, now.hits.flatMap((hit, index) => withLine(hit, index, now.answer)));
}

function nothing({ answer }, { cameras, filters }) {
  const filtered = filters.cameras !== null || filters.start || filters.end;
  if (answer.coverage.tracklets_compared > 0) return null;
  const [title, text] = filtered
    ? [say.results.nothingHere, say.results.widen]
    : [say.results.nothingYet, cameras.length ? say.results.notIndexed : say.results.addFirst];
  const action = filtered
    ? h("button", { type: "button", on: { click: () => $("#reset").click() } }, say.filters.clear)
    : h("button", { type: "button", on: { click: () => $("#open-jobs").click() } }, icon("videos"), say.results.addVideos);
  return h("div", { class: "nothing" }, h("strong", {}, title), h("p", {}, text), action);
}

function showMore({ search: now, filters }) {
  const left = now.answer?.next_cursor;
  const button = h("button", { type: "button", disabled: now.more, on: { click: loadMore } }, now.more ? say.results.loading : say.results.more(filters.limit));
  const all = now.answer?.coverage.tracklets_compared;
  const end = now.hits.length ? say.results.end(now.hits.length, all) : null;
  fill($("#more"), now.phase === "done" ? (left ? button : end) : null);
}

let slow = 0;

function showProgress({ phase, hits, answer }) {
  clearTimeout(slow);
  const line = $("#progress");
  line.classList.toggle("waiting", phase === "loading");
  if (phase === "loading") {
    line.textContent = say.results.searching;
    slow = setTimeout(() => (line.textContent = say.results.slow), 5000);
  } else if (phase === "done" && hits.length) {
    line.textContent = answer.next_cursor ? say.results.nearest(hits.length) : say.results.shown(hits.length);
  } else line.textContent = "";
}

export function startResults() {
  store.subscribe((state, before) => {
    const [now, was] = [state.search, before.search];
    if (now === was) return;
    const list = $("#hits");
    const again = () => (now.answer ? loadMore() : search());
    if (now.hits !== was.hits) showHits(state, before);
    if (now.phase !== was.phase || now.hits !== was.hits) showProgress(now);
    if (now.error !== was.error) showError($("#answer-error"), now.error, again);
    list.classList.toggle("stale", now.phase === "loading" && now.hits.length > 0);
    list.setAttribute("aria-busy", String(now.phase === "loading"));
    if (now.phase === "loading" && !now.hits.length) fill(list, Array.from({ length: 6 }, placeholder));
    if (now.phase === "failed") fill(list);
    if (now.answer !== was.answer) {
      const statement = now.answer ? [coverageOf(now.answer, state.zone, saidBesidePhoto(state)), nothing(now, state)] : [];
      // The next page belongs to the same statement: redrawing it would close what the reader has opened.
      if (now.answer?.id !== was.answer?.id) fill($("#coverage"), statement);
    }
    // Its place is kept for the first statement, or all hits would move down when it comes.
    if (now.phase === "loading" && !now.answer) fill($("#coverage"), h("div", { class: "coverage waiting", "aria-hidden": true }));
    if (now.phase !== "loading" && !now.answer) fill($("#coverage"));
    showMore(state);
  });
}
