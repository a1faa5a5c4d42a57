// What is to be known of the photo and of the person picked on it, in a list under the photo.

import { $, fill, h, icon } from "./dom.js";
import { search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";

/** The notices of what is picked: those of the answer, once it is there, as they know what was chosen and why. */
function noticesOf({ probe, pick, seed, search: { answer, phase } }) {
  if (seed || !probe || !pick) return [];
  if (phase === "done" && answer?.probe.id === probe.id) return answer.probe.notices;
  const person = probe.persons.find((one) => one.index === pick.person);
  return [...(person?.quality.notices ?? []), ...probe.notices];
}

/** Those of further photos, each with its number. */
function furtherOf({ probe, seed, search: { answer, phase } }) {
  if (seed || !probe || phase !== "done") return [];
  return answer.probes.slice(1).flatMap((one, at) => one.notices.map((notice) => ({ ...notice, text: `${say.photo.numbered(at + 2)} ${notice.text}` })));
}

/** The sentences that stand under the photo. */
export function saidBesidePhoto(state) {
  const further = state.seed ? [] : state.search.answer?.probes.slice(1).flatMap((one) => one.notices) ?? [];
  return [...noticesOf(state), ...(state.probe ? further : [])].map(({ text }) => text);
}

function line({ text, warns }) {
  return h("li", { class: warns ? "caution" : "notice" }, warns ? icon("warning") : null, h("span", {}, text));
}

/** Keep the list, and the field for when the photo was taken, as the state says. */
export function startNotices() {
  const taken = new TimeField({
    label: say.photo.taken,
    named: true,
    onChange: () => {
      if (taken.problem) return;
      store.set({ takenAt: taken.instant });
      search();
    },
  });
  $("#taken").append(taken.element);
  store.subscribe((state, before) => {
    const { search: now } = state;
    if (state.zone !== before.zone && state.zone) {
      taken.zone = state.zone;
      taken.show(state.takenAt); // the instant is meant, whatever clock shows it
    } else if (state.takenAt !== before.takenAt && state.takenAt !== taken.instant) taken.show(state.takenAt);
    const coming = !state.photo && now.phase === "loading"; // a search that is opened again keeps the photo's place
    $("#taken-holder").hidden = !(state.photo || coming) || Boolean(state.seed);
    $("#notices").classList.toggle("to-come", coming || state.uploading);
    const same = state.probe === before.probe && state.pick === before.pick && state.seed === before.seed && now.answer === before.search.answer && now.phase === before.search.phase;
    if (same || now.phase === "loading") return; // what was said stays until there is an answer: nothing below moves twice
    fill($("#notices"), [...noticesOf(state), ...furtherOf(state)].map(line));
  });
}
