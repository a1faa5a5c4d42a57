// Photos: dropped, pasted or chosen, one or several; uploaded at once; the best person is picked and the search starts.

import { addProbe, isAbort } from "./api.js";
import { mayPass, showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { $, fill, h } from "./dom.js";
import { MOST, changePhoto, changeStaged, dropPhoto, entryOf, setPhotos, staged } from "./photos.js";
import { KEPT, clearSearch, search } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const AT_ONCE = 3; // uploads under way

let uploads = new AbortController();

/**
 * Take photos of one person: show them, upload them, pick the best person on each (or the whole photo), search.
 * `together`: with what is searched for already, else instead of it.
 */
export async function takePhotos(files, together = false) {
  const { photos, seed } = store.get();
  const before = !together ? [] : seed ? [entryOf({ tracklet: seed })] : photos;
  if (!together) {
    stopUploading();
    clearSearch();
  }
  const room = Math.max(0, MOST - before.length);
  const entries = files.slice(0, room).map((file) => entryOf({ url: URL.createObjectURL(file), name: file.name, file, uploading: true }));
  const left = files.length - entries.length;
  if (!together) store.set({ keep: KEPT });
  store.set({ seed: null, photoErrors: left ? [{ error: { title: say.photo.tooMany(MOST, left) } }] : [] });
  setPhotos([...before, ...entries], before.length);
  await uploadAll(entries, uploads.signal);
}

/** Send photos, a few at a time, and search for them when all are there. */
async function uploadAll(entries, signal) {
  const waiting = [...entries];
  const several = entries.length > 1;
  const sender = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await upload(one, signal, several);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  if (!signal.aborted && !store.get().photos.some(({ uploading }) => uploading)) await search();
}

async function upload(entry, signal, several) {
  try {
    const probe = await addProbe(entry.file, { signal });
    changePhoto(entry.key, { probe, pick: bestPick(probe), uploading: false, file: null });
  } catch (error) {
    if (isAbort(error) || signal.aborted) return;
    // A refused file is no photo to look at; one that could not be sent stays for another try.
    if (mayPass(error)) changePhoto(entry.key, { uploading: false });
    else dropPhoto(entry.key);
    const refused = { error, name: several ? entry.name : null, again: () => retry(entry, refused) };
    store.set({ photoErrors: [...store.get().photoErrors, refused] });
  }
}

async function retry(entry, refused) {
  store.set({ photoErrors: store.get().photoErrors.filter((one) => one !== refused) });
  changePhoto(entry.key, { uploading: true });
  await uploadAll([entry], uploads.signal);
}

/** Want no answer any more about photos that are on their way. */
export function stopUploading() {
  uploads.abort();
  uploads = new AbortController();
  for (const { key, uploading } of store.get().photos) if (uploading) changePhoto(key, { uploading: false });
}

/** The person most likely meant, which the API lists first; the whole photo when none was found. */
export function bestPick({ persons }) {
  return persons.length ? { person: persons[0].index, auto: true } : { auto: true };
}

/** The page as it is before the first photo. */
export function showStart() {
  stopUploading();
  clearSearch();
  setPhotos([]);
  store.set({ seed: null });
}

/** Search on without one of several photos. */
export function takeOut(key) {
  dropPhoto(key);
  if (store.get().photos.length) search();
  else showStart();
}

export function pick(choice) {
  changeStaged({ pick: choice });
}

/** The pictures among what was dropped or pasted; where nothing says that it is one, the server looks at the first. */
function picturesOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  const pictures = files.filter((file) => file.type.startsWith("image/"));
  return pictures.length ? pictures : files.slice(0, 1);
}

function listenForChoice(selector, together) {
  const input = $(selector);
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) takePhotos(files, together);
  });
}

/** Listen for photos on the whole window. */
export function startProbe() {
  listenForChoice("#file", false);
  listenForChoice("#add-photo", true);
  $("#another").addEventListener("click", () => $("#file").click());
  $("#add-photo-button").addEventListener("click", () => $("#add-photo").click());
  document.addEventListener("paste", (event) => {
    const files = mayDo("createProbe") ? picturesOf(event.clipboardData) : [];
    if (files.length) takePhotos(files, Boolean(event.target.closest?.("#photos, #add-photo-button")));
  });
  listenForDrops();
  store.subscribe((state, before) => {
    document.body.dataset.phase = state.photos.length || state.seed || state.search.phase !== "idle" ? "search" : "start";
    if (state.photoErrors !== before.photoErrors) fill($("#photo-error"), state.photoErrors.map(refusal));
  });
}

function refusal({ error, name, again }) {
  const place = h("div", {});
  showError(place, name ? { ...error, title: say.photo.refused(name, error.title) } : error, again);
  return place;
}

/** While files are dragged over the page, say what letting go of them does: where there is a photo, one of two things. */
function listenForDrops() {
  const veil = $("#drop-veil");
  const isFile = (event) => event.dataTransfer?.types.includes("Files") && !$("dialog[open]") && mayDo("createProbe");
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    const { seed } = store.get();
    $("#drop-add").hidden = !(seed || staged(store.get()).key);
    $("#drop-instead").textContent = $("#drop-add").hidden ? say.photo.veil : say.photo.veilInstead;
    veil.hidden = false;
    for (const zone of veil.children) zone.classList.toggle("under", zone.contains(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!isFile(event)) return;
    event.preventDefault();
    const files = picturesOf(event.dataTransfer);
    if (files.length) takePhotos(files, $("#drop-add").contains(event.target));
  });
}
