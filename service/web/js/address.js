// The address says what the page shows: a recorded search, or the filters of one that is still to come. So reload,
// back and a link passed on show the same. The key is taken out of it at once.

import { reopen } from "./reopen.js";
import { store } from "./state.js";

/** What the address asks for: {search, hits} or {filters}, any may be missing; hits: how many, if not one page. */
function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const cameras = asked.has("camera") ? asked.getAll("camera") : null;
  const time = (name) => (Number.isNaN(Date.parse(asked.get(name))) ? null : new Date(asked.get(name)).toISOString());
  const hits = Math.min(Math.max(Math.trunc(Number(asked.get("hits"))) || 0, 0), 1000) || null;
  return { search: asked.get("search"), hits, filters: { cameras, start: time("from"), end: time("to") } };
}

/** Take a key out of the address that brings it, so that it is in no history entry or shared link; null if none. */
export function takeKey() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const key = asked.get("key");
  if (key === null) return null;
  asked.delete("key");
  history.replaceState(null, "", here(asked));
  return key.trim() || null;
}

function here(asked) {
  const text = asked.toString();
  return location.pathname + location.search + (text ? `#${text}` : "");
}

/** The address of what `state` holds. */
function addressOf({ search: { answer, shown }, filters }) {
  const asked = new URLSearchParams();
  if (answer) {
    asked.set("search", answer.id);
    if (shown) asked.set("hits", shown);
    return here(asked);
  }
  for (const camera of filters.cameras ?? []) asked.append("camera", camera);
  if (filters.start) asked.set("from", filters.start);
  if (filters.end) asked.set("to", filters.end);
  return here(asked);
}

/** A new answer is a step to go back from; filters that wait for a photo are none. */
function write(state, before) {
  const [answer, was] = [state.search.answer, before.search.answer];
  const next = addressOf(state);
  if (next === here(new URLSearchParams(location.hash.slice(1)))) return;
  if (answer && answer.id !== was?.id) history.pushState(null, "", next);
  else if (answer && state.search.shown !== before.search.shown) history.replaceState(null, "", next);
  else if (!answer && state.search.phase === "idle" && !state.photo) history.replaceState(null, "", next);
}

/** Forget what the address says, when the visitor leaves. */
export function clearAddress() {
  history.replaceState(null, "", location.pathname + location.search);
}

/** Show what the address says, and keep it true from now on. */
export function startAddress() {
  const { search, hits, filters } = read();
  store.set({ filters: { ...store.get().filters, ...filters } });
  if (search) reopen(search, hits);
  store.subscribe((state, before) => {
    if (state.search.answer !== before.search.answer || state.filters !== before.filters) write(state, before);
  });
  addEventListener("popstate", () => {
    // A link with another key, pasted into a tab that already shows the page.
    if (location.hash.includes("key=")) location.reload();
    else if (read().search !== store.get().search.answer?.id) reopen(read().search, read().hits);
  });
}
