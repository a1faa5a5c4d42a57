// A hit as a card: its strip, where and when, how good, and what it is marked as.

import { h } from "./dom.js";
import { duration, likely, probability, score, secondsBetween, signed } from "./format.js";
import { markButtons } from "./marks.js";
import { stripOf } from "./media.js";
import { openPlayer } from "./player.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { clockFirst } from "./when.js";

/** What a card says about how good its hit is: a probability in number and word where there is one, else what the list is ordered by. */
function goodness(hit, rankedBy) {
  if (typeof hit.probability === "number") return { value: [h("span", { class: "unseen" }, say.results.probability), probability(hit.probability)], how: likely(hit.probability) };
  const standard = rankedBy === "standard_score" && typeof hit.standard_score === "number";
  return standard ? { value: signed(hit.standard_score), how: say.results.standsOut(hit.standard_score) } : { value: score(hit.score), how: say.results.similarity };
}

/** The card of a hit; `pictures` loads its strip once it comes near the screen. */
export function cardOf(hit, pictures) {
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
  const card = h("button", { class: "hit", type: "button", data: { rank: String(hit.rank) }, on: { click: () => openPlayer(hit) } }, frame, facts);
  return h("div", { class: "card", role: "listitem" }, card, markButtons(hit));
}

/** Where a card will be. */
export function placeholder() {
  const lines = Array.from({ length: 4 }, () => h("span", {}));
  return h("li", { "aria-hidden": "true" }, h("span", { class: "hit empty waiting" }, h("span", { class: "strip" }), h("span", { class: "facts" }, lines)), h("div", { class: "marks room" }, h("button", { type: "button", disabled: true }, "\u00a0")));
}
