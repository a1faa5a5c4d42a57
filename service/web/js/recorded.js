// The answer on the page as a record: the link that shows it again, and how it compares with the search it asks again.

import { linkTo as address } from "./address.js";
import { showError } from "./alerts.js";
import { $, fill, h, icon } from "./dom.js";
import { askAgain } from "./history.js";
import { store } from "./state.js";
import { say } from "./strings.js";

/** Copy what a field holds; where the browser keeps its clipboard from the page (plain HTTP), by the old command. */
async function copy(field, button) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    if (!document.execCommand("copy")) return;
  }
  button.lastChild.data = say.recorded.copied;
  setTimeout(() => (button.lastChild.data = say.recorded.copy), 2000);
}

/** A field named `label` whose value is to be taken along, with its button; `data` for the field. */
export function copyField(value, label, data = {}) {
  const field = h("input", { type: "text", readOnly: true, value, "aria-label": label, data, on: { focus: () => field.select() } });
  const button = h("button", { type: "button", class: "quiet", on: { click: () => copy(field, button) } }, icon("link"), say.recorded.copy);
  return [field, button];
}

function linkTo(answer) {
  const link = copyField(address(store.get()), say.recorded.link);
  return h("div", { class: "link" }, h("span", { class: "note" }, say.recorded.link), link, newsButton(answer));
}

function newsButton(answer) {
  const place = h("span", { class: "slot" });
  const ask = async () => {
    button.disabled = true;
    await askAgain(answer.id, "now").catch((error) => showError(place, error, ask));
    button.disabled = false;
  };
  const button = h("button", { type: "button", class: "quiet", data: { needs: "searchAgain" }, on: { click: ask } }, icon("retry"), say.history.news);
  return [button, place];
}

function compared({ repeats }) {
  if (!repeats) return null;
  const said = repeats.on === "now" ? say.recorded.news(repeats.new_hits) : repeats.same_ranking ? say.recorded.same : say.recorded.differs;
  const erased = repeats.erased.length ? say.recorded.erased(repeats.erased.map((hit) => hit.rank)) : null;
  const damaged = repeats.damaged.length ? say.recorded.damaged(repeats.damaged.map((hit) => hit.rank)) : null;
  return h("p", { class: "compared" }, [said, erased, damaged].filter(Boolean).join(" "));
}

/** What is to be shown: the id of an answer, "" for the place of the first one that is on its way, or null. */
const shown = ({ answer, phase }) => answer?.id ?? (phase === "loading" ? "" : null);

export function startRecorded() {
  store.subscribe((state, before) => {
    const { search: now } = state;
    const field = $("#recorded input");
    if (field && field.value !== address(state)) field.value = address(state);
    if (shown(now) === shown(before.search)) return;
    const row = shown(now) === null ? null : linkTo(now.answer ?? { id: "" });
    row?.classList.toggle("to-come", !now.answer); // hits would move down when it comes
    fill($("#recorded"), row, now.answer ? compared(now.answer) : null);
  });
}
