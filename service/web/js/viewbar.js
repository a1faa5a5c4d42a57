// How the hits are shown: their order, by camera or not, from which probability on.

import { $, fill, h, icon } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { isCalibrated, leastOf, setView, sortOf, sortsOf } from "./view.js";

const LEASTS = [10, 25, 50, 75, 90]; // per cent

function select(id, label, options, value, change) {
  const element = h("select", { id, "aria-label": label, title: label }, options.map(([name, text]) => h("option", { value: name }, text)));
  element.value = value;
  element.addEventListener("change", () => change(element.value));
  return element;
}

/** The probabilities to choose from, with the line of credible matches and what an address may have asked for. */
function leasts(line, chosen) {
  const known = new Set(LEASTS);
  for (const one of [line, chosen]) if (one !== null) known.add(Math.round(100 * one));
  const credible = line === null ? null : Math.round(100 * line);
  return [...known].sort((a, b) => a - b).map((share) => [String(share), share === credible ? say.view.credible(share) : say.view.least(share)]);
}

function show(state) {
  const { answer, hits, phase } = state.search;
  const bar = $("#view");
  bar.hidden = !answer || !hits.length || phase === "failed";
  if (bar.hidden) return;
  const least = leastOf(state);
  const percent = least === null ? "" : String(Math.round(100 * least));
  fill(
    bar,
    isCalibrated(answer)
      ? select("least", say.view.leastLabel, [["", say.view.any], ...leasts(answer.calibration.line, least)], percent, (value) => setView({ least: value ? Number(value) / 100 : null }))
      : null,
    select("sort", say.view.sortLabel, sortsOf(answer).map((name) => [name, say.view.sorts[name]]), sortOf(state), (sort) => setView({ sort })),
    h("button", { id: "group", type: "button", "aria-pressed": String(state.view.group), on: { click: () => setView({ group: !store.get().view.group }) } }, icon("camera"), say.view.group),
  );
}

/** Keep the controls as the state says, with the focus where it was. */
export function startViewBar() {
  store.subscribe((state, before) => {
    const [now, was] = [state.search, before.search];
    const same = state.view === before.view && now.answer?.id === was.answer?.id && now.phase === was.phase && Boolean(now.hits.length) === Boolean(was.hits.length);
    if (same) return;
    const focused = document.activeElement?.closest("#view") ? document.activeElement.id : null;
    show(state);
    if (focused) $(`#${focused}`)?.focus();
  });
}
