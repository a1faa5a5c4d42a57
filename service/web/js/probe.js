// The photo: dropped, pasted or chosen; uploaded at once; the best person is picked and the search starts.

import { addProbe, isAbort } from "./api.js";
import { mayPass, showError } from "./alerts.js";
import { $ } from "./dom.js";
import { clearSearch, search } from "./search.js";
import { store } from "./state.js";

let uploading = null;

/** Take a new photo: show it, upload it, pick the best person (or the whole photo), search. */
export async function takePhoto(file) {
  uploading?.abort();
  const mine = (uploading = new AbortController());
  clearSearch();
  showPhoto(URL.createObjectURL(file), file.name);
  store.set({ uploading: true });
  try {
    const probe = await addProbe(file, { signal: mine.signal });
    store.set({ uploading: false, probe, pick: bestPick(probe) });
    await search();
  } catch (error) {
    if (isAbort(error) || uploading !== mine) return;
    // A refused file is no photo to look at; one that could not be sent stays for another try.
    if (!mayPass(error)) removePhoto();
    store.set({ uploading: false, photoError: { error, again: () => takePhoto(file) } });
  }
}

/** Want no answer any more about a photo that is on its way. */
export function stopUploading() {
  uploading?.abort();
  uploading = null;
  store.set({ uploading: false });
}

/** Put a picture on the stage; the one before is let go. */
export function showPhoto(url, name) {
  const before = store.get().photo;
  if (before) URL.revokeObjectURL(before.url);
  store.set({ photo: { url, name }, probe: null, pick: null, takenAt: null, seed: null, extra: [], photoError: null });
}

/** The person most likely meant, which the API lists first; the whole photo when none was found. */
export function bestPick({ persons }) {
  return persons.length ? { person: persons[0].index, auto: true } : { auto: true };
}

/** The page as it is before the first photo. */
export function showStart() {
  clearSearch();
  removePhoto();
  store.set({ probe: null, pick: null, seed: null, extra: [] });
}

/** Let the picture on the stage go, if there is one. */
export function removePhoto() {
  if (!store.get().photo) return;
  URL.revokeObjectURL(store.get().photo.url);
  store.set({ photo: null });
}

export function pick(choice) {
  store.set({ pick: choice });
}

function imageFrom(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? transfer?.files?.[0];
}

/** Listen for photos on the whole window. */
export function startProbe() {
  const input = $("#file");
  input.addEventListener("change", () => {
    if (input.files[0]) takePhoto(input.files[0]);
    input.value = "";
  });
  $("#another").addEventListener("click", () => input.click());
  document.addEventListener("paste", (event) => {
    const file = imageFrom(event.clipboardData);
    if (file) takePhoto(file);
  });
  listenForDrops();
  store.subscribe((state, before) => {
    document.body.dataset.phase = state.photo || state.seed || state.search.phase !== "idle" ? "search" : "start";
    if (state.photoError !== before.photoError) {
      showError($("#photo-error"), state.photoError?.error, state.photoError?.again);
    }
  });
}

function listenForDrops() {
  const veil = $("#drop-veil");
  const isFile = (event) => event.dataTransfer?.types.includes("Files") && !$("dialog[open]");
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!isFile(event)) return;
    event.preventDefault();
    const file = imageFrom(event.dataTransfer);
    if (file) takePhoto(file);
  });
}
