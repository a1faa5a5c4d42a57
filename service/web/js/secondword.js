// Who marked a hit and what a second person said of it, in words.

import { h, icon } from "./dom.js";
import { keyNames } from "./keynames.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

/** A key as a reader knows it: their own, the command line's, its name where they may list keys, or its id. */
export function keyName(keyId) {
  if (!keyId) return say.review.commandLine;
  if (keyId === store.get().caller?.key_id) return say.review.you;
  const id = h("code", { title: keyId }, keyId.slice(0, 12));
  const name = (names) => names.has(keyId) && id.replaceWith(h("span", { class: "name", title: keyId }, names.get(keyId)));
  keyNames().then(name, () => undefined); // without an answer the id stays
  return id;
}

/** What a second person said of a mark, as the API gives it, with the time in `zone`. */
export function secondWord({ agrees, key_id: keyId, at }, zone) {
  return h("span", { class: agrees ? "agreed" : "disputed" }, icon(agrees ? "check" : "warning"), h("span", {}, agrees ? say.review.confirmedBy : say.review.disputedBy, keyName(keyId), ", ", momentOf(at, zone)));
}
