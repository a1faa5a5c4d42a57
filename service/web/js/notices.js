// What is to be known of the photo and of the person picked on it, in a list under the photo.

import { isForeign } from "./api.js";
import { $, fill, h, icon } from "./dom.js";
import { changeStaged, staged, stagedTracklet } from "./photos.js";
import { search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";

/** What the answer says of the photo on the stage; undefined before there is one. */
function answered(state) {
  const { answer, phase } = state.search;
  return phase === "done" ? answer?.probes.find(({ id }) => id && id === staged(state).probe?.id) : undefined;
}

/** The notices of what is picked: those of the answer, once it is there, as they know what was chosen and why. */
function noticesOf(state) {
  const { probe, pick } = staged(state);
  if (state.seed || !probe || !pick) return [];
  const person = probe.persons.find((one) => one.index === pick.person);
  return answered(state)?.notices ?? [...(person?.quality.notices ?? []), ...probe.notices];
}

/** Those of the other photos that may spoil a search, each with its number; the rest is said when it is on the stage. */
function furtherOf(state) {
  const { answer, phase } = state.search;
  if (state.seed || !state.photos.length || phase !== "done") return [];
  const here = answered(state);
  return answer.probes.flatMap((one, at) => (one === here ? [] : one.notices.filter(({ warns }) => warns).map((notice) => ({ ...notice, photo: at + 1 }))));
}

/** The sentences that stand under the photo, as the server says them. */
export const saidBesidePhoto = (state) => [...noticesOf(state), ...furtherOf(state)].map(({ text }) => text);

function line({ code, text, warns, photo }) {
  const words = say.told.notice(code, text);
  const about = photo ? `${say.photo.numbered(photo)} ` : "";
  return h("li", { class: warns ? "caution" : "notice" }, warns ? icon("warning") : null, h("span", { lang: isForeign(words, text) ? "en" : null }, about, words));
}

/** On a narrow screen the list scrolls: then the keyboard has to get there. */
function letReach(list) {
  if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
  else list.removeAttribute("tabindex");
}

/** Keep the list, and the field for when the photo was taken, as the state says. */
export function startNotices() {
  const taken = new TimeField({
    label: say.photo.taken,
    named: true,
    onChange: () => {
      if (taken.problem) return;
      changeStaged({ takenAt: taken.instant });
      search();
    },
  });
  $("#taken").append(taken.element);
  addEventListener("resize", () => letReach($("#notices")));
  store.subscribe((state, before) => {
    const { search: now } = state;
    const [here, there] = [staged(state), staged(before)];
    if (state.zone !== before.zone && state.zone) {
      taken.zone = state.zone;
      taken.show(here.takenAt); // the instant is meant, whatever clock shows it
    } else if (here.takenAt !== there.takenAt && here.takenAt !== taken.instant) taken.show(here.takenAt);
    const coming = !state.photos.length && now.phase === "loading"; // a search that is opened again keeps the photo's place
    $("#taken-holder").hidden = !(here.url || coming) || Boolean(stagedTracklet(state));
    $("#notices").classList.toggle("to-come", coming || here.uploading);
    const same = here.key === there.key && here.probe === there.probe && here.pick === there.pick && state.seed === before.seed && now.answer === before.search.answer && now.phase === before.search.phase;
    if (same || now.phase === "loading") return; // what was said stays until there is an answer: nothing below moves twice
    fill($("#notices"), [...noticesOf(state), ...furtherOf(state)].map(line));
    letReach($("#notices"));
  });
}
