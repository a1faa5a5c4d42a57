// Who marked a hit and what a second person said of it, in words. Keys have no names here: they stand as their ids.

import { h, icon } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

/** A key as a reader knows it: their own, the command line's, or its id. */
export function keyName(keyId) {
  if (!keyId) return say.review.commandLine;
  return keyId === store.get().caller?.key_id ? say.review.you : h("code", { title: keyId }, keyId.slice(0, 12));
}

/** What a second person said of a mark, as the API gives it, with the time in `zone`. */
export function secondWord({ agrees, key_id: keyId, at }, zone) {
  return h("span", { class: agrees ? "agreed" : "disputed" }, icon(agrees ? "check" : "warning"), h("span", {}, agrees ? say.review.confirmedBy : say.review.disputedBy, keyName(keyId), ", ", momentOf(at, zone)));
}
