// Recordings that lie on the server already: its media folder, looked through folder by folder. Nothing outside of it can
// be named, and nothing is filed here: what is taken becomes rows of the form.

import { showError } from "./alerts.js";
import { getJson, isAbort } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

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
function contentOf({ folders, files }, zone, { onTake, go }) {
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
  return [h("ul", { class: "media-list", on: { change } }, inside, rows), rows.length ? h("div", { class: "actions" }, take, all) : null];
}

/** What chooses among them, times in `zone`; `onTake(files)` gets {path, name, size_bytes} each, `onClose()` puts it away. */
export function mediaPicker(zone, { onTake, onClose }) {
  const place = h("div", { class: "slot" });

  async function go(folder) {
    fill(place, h("p", { class: "note waiting" }, say.results.loading));
    try {
      const found = await getJson(`/v1/media?${new URLSearchParams({ folder })}`);
      const left = found.more || !found.complete ? h("p", { class: "note" }, say.adding.moreInFolder) : null;
      fill(place, crumbs(found.folder, go), contentOf(found, zone, { onTake, go }), left);
      (place.querySelector(".media-list button, .media-list input") ?? place.querySelector("button")).focus();
    } catch (error) {
      if (!isAbort(error)) showError(place, error, () => go(folder));
    }
  }

  go("");
  const close = h("button", { type: "button", data: { first: "" }, on: { click: onClose } }, say.form.cancel);
  return h("div", { class: "media fields", role: "group", "aria-label": say.adding.fromServer }, place, h("div", { class: "actions" }, close));
}
