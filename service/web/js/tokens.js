// The filters in use as tokens above the hits, each with a way to take it away: sites and cameras, times, probability.

import { shareText } from "./format.js";
import { $, fill, h, icon } from "./dom.js";
import { changeFilters } from "./filters.js";
import { placesOf } from "./places.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { leastOf, setView } from "./view.js";
import { momentOf, stretchOf } from "./when.js";

const MOST = 12; // places shown one by one

/** Without the last camera or site there would be nothing to search: then all of them are. */
function without({ cameras = [], site = null }) {
  const { filters } = store.get();
  const left = filters.cameras.filter((name) => !cameras.includes(name));
  const sites = filters.sites.filter((one) => one !== site);
  changeFilters({ cameras: left.length || sites.length ? left : null, sites });
}

function token(words, name, remove) {
  return h("li", {}, h("button", { type: "button", class: "token", "aria-label": say.tokens.remove(name), on: { click: remove } }, h("span", {}, words), icon("close")));
}

function cameraTokens({ filters, cameras }) {
  if (filters.cameras === null) return [];
  const unknown = filters.sites.map((site) => token(site, site, () => without({ site })));
  if (!filters.cameras.length && !unknown.length) return [token(say.tokens.noCamera, say.tokens.noCamera, () => changeFilters({ cameras: null }))];
  const places = placesOf(filters.cameras, cameras);
  const [shown, rest] = places.length > MOST ? [places.slice(0, MOST - 1), places.slice(MOST - 1)] : [places, []];
  const more = rest.flatMap((one) => one.cameras);
  return [
    ...shown.map(({ name, site, cameras: own }) => {
      const words = site === null ? name : say.tokens.site(site, own.length);
      return token(words, words, () => without({ cameras: own }));
    }),
    more.length ? token(say.tokens.more(more.length), say.tokens.more(more.length), () => without({ cameras: more })) : null,
    ...unknown,
  ];
}

/** The time, with its zone beside it. */
function timeToken({ filters: { start, end }, zone }) {
  if ((!start && !end) || !zone) return null;
  const words = start && end ? [stretchOf(start, end, zone)] : start ? [say.tokens.from, momentOf(start, zone)] : [say.tokens.until, momentOf(end, zone)];
  const named = zone === "UTC" ? "" : ` ${zone}`; // its shift stands with the times
  return token([...words, named], say.tokens.time, () => changeFilters({ start: null, end: null }));
}

function tokensOf(state) {
  const least = leastOf(state);
  return [
    ...cameraTokens(state),
    timeToken(state),
    least === null ? null : token(say.tokens.least(shareText(least)), say.tokens.least(shareText(least)), () => setView({ least: null })),
    state.filters.rerank ? token(say.tokens.reranked, say.tokens.reranked, () => changeFilters({ rerank: false })) : null,
  ].filter(Boolean);
}

/** Taking one away leaves the focus on the next, or on the hits. */
function show(state) {
  const list = $("#tokens");
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  fill(list, tokensOf(state));
  list.hidden = !list.children.length;
  if (at === -1) return;
  const left = list.querySelectorAll("button");
  (left[Math.min(at, left.length - 1)] ?? $("#results")).focus();
}

/** Keep the tokens as the state says. */
export function startTokens() {
  store.subscribe((state, before) => {
    const same = ["filters", "cameras", "zone", "view"].every((name) => state[name] === before[name]);
    if (!same || state.search.answer?.id !== before.search.answer?.id) show(state);
  });
}
