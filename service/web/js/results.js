// The answer: how it is going, what was searched, the hits, and more of them.

import { showError } from "./alerts.js";
import { placeholder } from "./cards.js";
import { coverageOf } from "./coverage.js";
import { $, fill, h, icon } from "./dom.js";
import { drawHits, forgetCards, isDrawn, startHitList } from "./hitlist.js";
import { saidBesidePhoto } from "./notices.js";
import { KEPT, MOST_KEPT, deeper, loadAll, loadMore, scrollOn, search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { arranged, leastOf, sortOf } from "./view.js";

const AHEAD = 1500; // pixels below the window from which on the end of a long list is near

function nothing({ answer }, { cameras, filters }) {
  const filtered = filters.cameras !== null || filters.start || filters.end;
  if (answer.coverage.tracklets_compared > 0) return null;
  const [title, text] = filtered
    ? [say.results.nothingHere, say.results.widen]
    : [say.results.nothingYet, cameras.length ? say.results.notIndexed : say.results.addFirst];
  const action = filtered
    ? h("button", { type: "button", on: { click: () => $("#reset").click() } }, say.filters.clear)
    : h("button", { type: "button", data: { needs: "createIndexJob" }, on: { click: () => $("#open-jobs").click() } }, icon("videos"), say.results.addRecordings);
  return h("div", { class: "nothing" }, h("strong", {}, title), h("p", {}, text), action);
}

function showMore({ search: now, filters }) {
  const left = now.answer?.next_cursor;
  const button = (text, action) => h("button", { type: "button", disabled: now.more, on: { click: action } }, text);
  const buttons = now.more ? button(say.results.loading) : [button(say.results.more(filters.limit), loadMore), button(say.results.all, loadAll)];
  const all = now.answer?.coverage.tracklets_compared;
  const [found, isShort] = [now.hits.length, now.hits.length >= KEPT && now.hits.length < Math.min(all, MOST_KEPT)];
  const on = isShort && !now.answer.repeats ? h("button", { type: "button", on: { click: deeper } }, say.results.deeper(Math.min(all, MOST_KEPT))) : null;
  const end = found ? [h("span", {}, say.results.end(found, all)), on] : null;
  fill($("#more"), now.phase === "done" ? (left ? h("div", { class: "tools" }, buttons) : end) : null);
}

/** An order by time, a group or a least probability says something of all hits only once all are there. */
function showSoFar(state) {
  const { search: now, view } = state;
  const partial = now.phase === "done" && now.answer?.next_cursor && (view.group || leastOf(state) !== null || !["rank", "probability"].includes(sortOf(state)));
  fill($("#so-far"), partial ? [h("span", {}, say.results.soFar(now.hits.length)), " ", h("button", { type: "button", class: "quiet", disabled: now.more, on: { click: loadAll } }, now.more ? say.results.loading : say.results.all)] : null);
}

let slow = 0;

function showProgress(state) {
  const { phase, hits, answer } = state.search;
  clearTimeout(slow);
  const line = $("#progress");
  line.classList.toggle("waiting", phase === "loading");
  if (phase === "loading") {
    line.textContent = say.results.searching;
    slow = setTimeout(() => (line.textContent = say.results.slow), 5000);
  } else if (phase === "done" && hits.length) {
    const more = Boolean(answer.next_cursor);
    if (leastOf(state) !== null) line.textContent = say.results.filtered(arranged(state).length, hits.length, more);
    else line.textContent = more ? say.results.nearest(hits.length) : say.results.shown(hits.length);
  } else line.textContent = "";
}

/** Load on if the end is near: not while cards are still being made, when it is nearer than it will be. */
function goOn() {
  if (isDrawn() && $("#more").getBoundingClientRect().top < innerHeight + AHEAD) scrollOn();
}

function showHits(state, before) {
  const [now, was] = [state.search, before.search];
  if (now.hits === was.hits && state.view === before.view) return;
  // A further page goes on with the hits of those before; any other answer has hits of its own.
  if (now.hits[0] !== was.hits[0]) forgetCards();
  // In another order a bare number would be taken for the place in the list.
  $("#hits").classList.toggle("reordered", sortOf(state) !== "rank");
  $("#hits").setAttribute("aria-label", say.results.list(say.view.sorts[sortOf(state)]));
  drawHits(state, goOn); // the observer tells a change only: a page may leave the end as near as it was
}

export function startResults() {
  startHitList();
  // A long list goes on by itself.
  new IntersectionObserver(([end]) => end.isIntersecting && goOn(), { rootMargin: `${AHEAD}px 0px` }).observe($("#more"));
  store.subscribe((state, before) => {
    const [now, was] = [state.search, before.search];
    if (now === was && state.view === before.view) return;
    const list = $("#hits");
    const again = () => (now.answer ? loadMore() : search());
    showHits(state, before);
    if (now.phase !== was.phase || now.hits !== was.hits || state.view !== before.view) showProgress(state);
    if (now.error !== was.error) showError($("#answer-error"), now.error, again);
    list.classList.toggle("stale", now.phase === "loading" && now.hits.length > 0);
    list.setAttribute("aria-busy", String(now.phase === "loading"));
    // In a list of their own: what is taken for the first hits must not be moved by what is said above them.
    if (now.phase !== was.phase) fill($("#hits-to-come"), now.phase === "loading" && !now.hits.length ? Array.from({ length: 6 }, placeholder) : null);
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
    showSoFar(state);
  });
}
