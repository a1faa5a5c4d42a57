// The names of keys, for those who may list them; for all others a key is its id.

import { getAll } from "./api.js";
import { callerKnown, mayDo } from "./caller.js";
import { store } from "./state.js";

let read = null; // {caller, names}: once for each who signs in

async function readNames() {
  const all = await getAll("/v1/keys");
  return new Map(all.map(({ id, name }) => [id, name]));
}

/** The names by id; none for who may not list them. `anew`: keys may have been made meanwhile. Raises ApiError. */
export async function keyNames(anew = false) {
  await callerKnown();
  if (!mayDo("listKeys", false)) return new Map();
  const { caller } = store.get();
  if (anew || read?.caller !== caller) {
    const mine = (read = { caller, names: readNames() });
    mine.names.catch(() => read === mine && (read = null)); // the next one asks again
  }
  return read.names;
}
