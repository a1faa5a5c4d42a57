// Recordings that lie on the server already: its media folder, looked through folder by folder. Nothing outside of it can
// be named, and nothing is filed here: what is taken becomes rows of the form.

import { showError } from "./alerts.js";
import { getJson, isAbort } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

const MOST = 1000; // files that a job takes, and so that are looked for
const MOST_FOLDERS = 200; // folders that are looked through at one press

/** The files of a folder and of all below it: {files, complete}. */
async function below(top) {
  const [folders, files] = [[top], []];
  let complete = true;
  for (let at = 0; at < folders.length; at += 1) {
    if (at === MOST_FOLDERS || files.length > MOST) return { files: files.slice(0, MOST), complete: false };
    const found = await getJson(`/v1/media?${new URLSearchParams({ folder: folders[at] })}`);
    complete &&= found.complete && !found.more;
    folders.push(...found.folders);
    files.push(...found.files);
  }
  return { files: files.slice(0, MOST), complete: complete && files.length <= MOST };
}

/** The way to a folder: each folder above it as a button. */
function crumbs(folder, go) {
  const parts = folder ? folder.split("/") : [];
  const crumb = (name, path) => h("button", { type: "button", class: "quiet", "aria-current": path === folder ? "page" : null, on: { click: () => go(path) } }, name);
  return h("nav", { class: "crumbs", "aria-label": say.adding.serverFolder }, crumb(say.adding.mediaFolder, ""), parts.map((name, at) => [" / ", crumb(name, parts.slice(0, at + 1).join("/"))]));
}

function fileRow(file, zone) {
  const about = h("span", { class: "note" }, bytes(file.size_bytes), ", ", say.adding.written, momentOf(file.written_at, zone));
  return h("li", {}, h("label", {}, h("input", { type: "checkbox" }), h("span", { class: "file" }, file.name), about));
}

/** The folders and files of a folder, with what takes the ticked ones, or all. */
function contentOf({ folder, folders, files }, zone, { onTake, onBelow, go }) {
  const rows = files.map((file) => fileRow(file, zone));
  const ticked = () => files.filter((_, at) => rows[at].querySelector("input").checked);
  const take = h("button", { type: "button", class: "primary", disabled: true, on: { click: () => onTake(ticked()) } }, say.adding.take(0));
  const all = h("button", { type: "button", on: { click: () => onTake(files) } }, say.adding.takeAll(files.length));
  const change = () => {
    take.disabled = ticked().length === 0;
    take.textContent = say.adding.take(ticked().length);
  };
  const inside = folders.map((path) => h("li", {}, h("button", { type: "button", class: "quiet", on: { click: () => go(path) } }, icon("next"), `${path.split("/").at(-1)}/`)));
  if (!inside.length && !rows.length) return h("p", { class: "note" }, say.adding.emptyFolder);
  const deep = inside.length ? h("button", { type: "button", on: { click: () => onBelow(folder) } }, say.adding.takeBelow) : null;
  return [h("ul", { class: "media-list", on: { change } }, inside, rows), h("div", { class: "actions" }, rows.length ? [take, all] : null, deep)];
}

/** What chooses among them, times in `zone`; `onTake(files)` gets {path, name, version, size_bytes} each, `onClose()` puts it away. */
export function mediaPicker(zone, { onTake, onClose }) {
  const place = h("div", { class: "slot" });

  /** Take what is in a folder and below it; where that is too much or nothing, say so and stay. */
  async function onBelow(folder) {
    const note = h("p", { class: "note waiting", role: "status" }, say.adding.lookingBelow);
    place.append(note);
    try {
      const { files, complete } = await below(folder);
      if (!place.isConnected) return; // put away meanwhile
      if (files.length && complete) onTake(files);
      else note.textContent = files.length ? say.adding.tooManyBelow(MOST) : say.adding.noneBelow;
    } catch (error) {
      if (!isAbort(error)) showError(place, error, () => go(folder));
    } finally {
      note.classList.remove("waiting");
    }
  }

  async function go(folder) {
    fill(place, h("p", { class: "note waiting" }, say.results.loading));
    try {
      const found = await getJson(`/v1/media?${new URLSearchParams({ folder })}`);
      const left = found.more || !found.complete ? h("p", { class: "note" }, say.adding.moreInFolder) : null;
      fill(place, crumbs(found.folder, go), contentOf(found, zone, { onTake, onBelow, go }), left);
      (place.querySelector(".media-list button, .media-list input") ?? place.querySelector("button")).focus();
    } catch (error) {
      if (!isAbort(error)) showError(place, error, () => go(folder));
    }
  }

  go("");
  const close = h("button", { type: "button", data: { first: "" }, on: { click: onClose } }, say.form.cancel);
  return h("div", { class: "media fields", role: "group", "aria-label": say.adding.fromServer }, place, h("div", { class: "actions" }, close));
}
