// Who is signed in and what they may do. The page leaves out what would only be refused: an element with data-needs is
// there for those who may ask for that operation of the API, one with data-lacks for the others. This is the only place
// that decides it, from what the server says (service/scopes.py).

import { getJson } from "./api.js";
import { store } from "./state.js";

const rule = new CSSStyleSheet();
let asked = Promise.resolve();

/** Ask the server again, as after another key signed in. Where nobody answers, what was known stays. */
export function refreshCaller() {
  asked = getJson("/v1/session").then(
    (caller) => store.set({ caller }),
    () => undefined, // what needs a right is refused in the server's words
  );
  return asked;
}

/** Resolves once it is known who asks, or that nobody says so. */
export const callerKnown = () => asked;

/** Whether the caller may ask for an operation of the API, by its operationId; `unknown` while nobody has said that. */
export const mayDo = (operation, unknown = true) => store.get().caller?.operations.includes(operation) ?? unknown;

/** The style that hides what the caller has no use for. */
function styleFor(caller) {
  if (!caller) return "[data-lacks] { display: none !important; }";
  const named = (attribute) => caller.operations.map((operation) => `[${attribute}="${CSS.escape(operation)}"]`).join(", ");
  return `[data-needs]:not(${named("data-needs")}), ${named("data-lacks")} { display: none !important; }`;
}

/** Keep the page to what the caller may do. */
export function startCaller() {
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, rule];
  rule.replaceSync(styleFor(null));
  store.subscribe((state, before) => state.caller !== before.caller && rule.replaceSync(styleFor(state.caller)));
  addEventListener("signedin", refreshCaller); // another key may do other things
  refreshCaller();
}
