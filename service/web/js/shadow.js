// What would change for real searches under another model: figures only, nobody sees the answers themselves.

import { showError } from "./alerts.js";
import { getJson } from "./api.js";
import { fill, h } from "./dom.js";
import { decimal, duration, number } from "./format.js";
import { say } from "./strings.js";

const percent = (part) => say.jobs.percent(decimal(100 * part, 1));
const signed = (value, digits) => `${value < 0 ? "−" : "+"}${decimal(Math.abs(value), digits)}`;

/** The interval of a share, or of a change in hundredths; a dash below the number of searches that it takes. */
const shareInterval = ({ low, high }) => (low === null ? "–" : say.shadow.between(percent(low), percent(high)));
const changeInterval = ({ low, high }, scale, digits) => (low === null ? "–" : say.shadow.between(signed(scale * low, digits), signed(scale * high, digits)));

function table(head, rows) {
  const line = ([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td", {}, cell)));
  return h("div", { class: "scroll" }, h("table", { class: "figures" }, h("thead", {}, h("tr", {}, head.map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, rows.map(line))));
}

/** The rows of hits that were marked as the person, or as somebody else. */
function markedRows(ranks, median) {
  if (!ranks) return [];
  const { marks, searches, median_before: before, median_after: after, first_ten: firstTen, reciprocal } = ranks;
  const change = (name, one) => [name, percent(one.before), percent(one.after), changeInterval(one, 100, 1)];
  return [
    [median(marks, searches), number(before), number(after), "–"],
    change(say.shadow.firstTen, firstTen),
    change(say.shadow.reciprocal, reciprocal),
  ];
}

function told(report) {
  const left = Object.entries(report.left_out);
  const shares = [[say.shadow.sameFirst, report.same_first], [say.shadow.overlap(10), report.overlap_10], [say.shadow.overlap(20), report.overlap_20]];
  const { seconds } = report;
  const changes = [
    ...markedRows(report.matches, say.shadow.matches),
    ...markedRows(report.others, say.shadow.others),
    ...(seconds ? [[say.shadow.time, duration(seconds.before), duration(seconds.after), changeInterval(seconds, 1, 2)]] : []),
  ];
  return h(
    "div",
    { class: "shadow", role: "group", "aria-label": say.shadow.titleOf(report.after.name), tabIndex: -1 },
    h("p", {}, say.shadow.replayed(report.replayed, report.searches)),
    left.length ? h("ul", { class: "note" }, left.map(([reason, n]) => h("li", {}, say.shadow.leftOut[reason]?.(n) ?? `${reason}: ${number(n)}`))) : null,
    report.replayed ? [table(say.shadow.shares, shares.map(([name, one]) => [name, percent(one.value), shareInterval(one)])), table(say.shadow.changes, changes)] : null,
    h("p", { class: "note" }, say.shadow.note),
  );
}

/** A button that asks what would change with a model, and the place where that is said. */
export function shadowOf(model) {
  const place = h("div", { class: "slot" });
  const button = h("button", { type: "button", data: { needs: "shadowModel" } }, say.shadow.ask);
  button.addEventListener("click", async () => {
    button.disabled = true;
    fill(place, h("p", { class: "note", role: "status" }, say.shadow.working));
    try {
      const report = told(await getJson(`/v1/models/${encodeURIComponent(model.id)}/shadow`, { json: {} }));
      fill(place, report);
      report.focus();
    } catch (error) {
      showError(place, error);
    } finally {
      button.disabled = false;
    }
  });
  return [button, place];
}
