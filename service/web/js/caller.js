// Who is signed in and what they may do: the page leaves out what would only be refused.

import { getJson } from "./api.js";
import { store } from "./state.js";

/** Ask the server again, as after another key signed in. Where nobody answers, what was known stays. */
export async function refreshCaller() {
  try {
    store.set({ caller: await getJson("/v1/session") });
  } catch {
    // What needs a right is refused in the server's words.
  }
}

/** Whether the caller has one of these scopes. */
export const may = (...scopes) => scopes.some((scope) => store.get().caller?.scopes.includes(scope));

/** The same, and sees all cameras: what concerns the whole gallery is for nobody else. */
export const mayForAll = (...scopes) => may(...scopes) && store.get().caller.all_cameras;
