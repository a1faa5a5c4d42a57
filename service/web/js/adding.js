// The form that adds videos: files in their natural order, the camera and the start time of each.

import { getJson } from "./api.js";
import { AddRow } from "./addrow.js";
import { showError } from "./alerts.js";
import { mayDo } from "./caller.js";
import { $, fill, h, icon } from "./dom.js";
import { behindButton } from "./forms.js";
import { camerasKnown, refreshHoldings } from "./holdings.js";
import { mediaPicker } from "./mediapicker.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { uniqueName, upload } from "./upload.js";
import { allZones } from "./zones.js";

// Recorders number their files: part2 comes before part10.
const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

let rows = [];
let filing = { body: "", key: "" }; // the last job sent
let asking = false; // whether files are being asked when they began

function addFiles(files) {
  const camera = rows.at(-1)?.camera.value ?? "";
  for (const file of files) {
    if (file.path && rows.some((row) => row.file.path === file.path)) continue;
    const row = new AddRow(file, { onChange: rowChanged, onDrop: removeRow });
    row.camera.value ||= camera;
    row.settle();
    rows.push(row);
  }
  rows.sort((a, b) => natural.compare(a.file.name, b.file.name));
  show();
  askStarts();
}

/** Ask what only metadata say, one file after the other: each costs the server a process. Rows left out are not asked for. */
async function askStarts() {
  if (asking || !mayDo("getMediaStart", false)) return;
  asking = true;
  try {
    for (let row; (row = rows.find(({ unasked }) => unasked)); ) {
      await row.ask();
      if (row.start.instant) placeRows();
    }
  } finally {
    asking = false;
  }
}

/** Files chosen together are mostly of one camera: the others follow until they are given their own. */
function rowChanged(changed) {
  for (const row of rows) {
    row.camera.value ||= changed.camera.value;
    if (row.cameraName === changed.cameraName) row.zone.value = changed.zone.value;
    row.settle();
  }
  placeRows();
}

function removeRow(row) {
  rows = rows.filter((other) => other !== row);
  show();
}

function show() {
  fill($("#add-rows"), rows.map((row) => row.element));
  $("#add-submit").hidden = rows.length === 0;
  $("#add-submit").textContent = rows.some((row) => !row.file.path) ? say.adding.submit : say.adding.index;
  $("#add-order").textContent = rows.length > 1 ? say.adding.order(rows.length) : "";
  placeRows();
}

/** Number the rows, and remark where a file of a camera begins before the one that is listed before it. */
function placeRows() {
  const latest = new Map();
  rows.forEach((row, i) => {
    const [start, before] = [row.start.instant, latest.get(row.cameraName)];
    row.place(i + 1, rows.length, start && before && Date.parse(start) <= Date.parse(before.start.instant) ? say.adding.outOfOrder(before.file.name) : "");
    if (start) latest.set(row.cameraName, row);
  });
}

/** Add the cameras that the server does not know yet; after a failure, those that were added count as known. */
async function ensureCameras() {
  const wanted = new Map(rows.filter((row) => !row.known).map((row) => [row.cameraName, row.zone.value.trim()]));
  try {
    for (const [name, zone] of wanted) await getJson("/v1/cameras", { json: { name, time_zone: zone } });
  } finally {
    if (wanted.size) await refreshHoldings();
  }
}

/** One key for one list of recordings: sent again after a broken line, the job is filed once. */
function keyFor(recordings) {
  const body = JSON.stringify(recordings);
  if (filing.body !== body) filing = { body, key: uniqueName() };
  return filing.key;
}

/** Where the server finds the file of a row: in its media folder, if it is the one that was seen there, or after it was sent. */
async function placeOf(row) {
  if (row.file.path) return { path: row.file.path, version: row.said?.version ?? row.file.version };
  row.bar.hidden = false;
  row.uploaded ??= await upload(row.file, { onProgress: (share) => (row.bar.value = share) });
  return { upload_id: row.uploaded };
}

/** Upload what is listed, one after the other, and file one job for all. */
async function submit(onFiled) {
  const recordings = [];
  await ensureCameras();
  for (const row of rows) {
    recordings.push({ ...(await placeOf(row)), camera: row.cameraName, start: row.start.instant, file_name: row.file.name });
  }
  await getJson("/v1/index-jobs", { json: { recordings }, headers: { "Idempotency-Key": keyFor(recordings) } });
  rows = [];
  show();
  onFiled();
  refreshHoldings();
}

function fileChooser() {
  const files = h("input", { id: "add-files", type: "file", multiple: true, accept: "video/*,.mkv,.avi,.ts,.mts,.dav,.mov,.mp4,.webm,.264,.265", class: "unseen" });
  files.addEventListener("change", async () => {
    const chosen = [...files.files];
    files.value = "";
    await camerasKnown(); // the files' names may name them
    addFiles(chosen);
    rows.find((row) => !row.camera.value)?.camera.focus();
  });
  return h("span", { class: "choose" }, files, h("label", { class: "button", htmlFor: "add-files" }, icon("videos"), say.adding.choose));
}

/** The button that gives way to the server's media folder. */
function serverChooser() {
  const button = h("button", { id: "add-from-server", type: "button", data: { needs: "listMedia" } }, icon("videos"), say.adding.fromServer);
  const offer = ({ caller }) => (button.hidden = !caller?.media_folder); // many servers have none
  store.subscribe(offer);
  offer(store.get());
  return behindButton(button, (close) =>
    mediaPicker(store.get().zone ?? "UTC", {
      onTake: (files) => {
        addFiles(files.map(({ path, name, version, size_bytes: size }) => ({ path, name, version, size })));
        close();
      },
      onClose: close,
    }),
  );
}

const options = (names) => names.map((name) => h("option", { value: name }));

/** The form; `onFiled()` is called when a job has been filed. */
export function addingForm(onFiled) {
  const names = h("datalist", { id: "camera-names" });
  store.subscribe(({ cameras }, before) => {
    if (cameras === before.cameras) return;
    fill(names, options(cameras.map(({ name }) => name)));
    for (const row of rows) row.settle();
  });
  const send = h("button", { id: "add-submit", class: "primary", hidden: true }, say.adding.submit);
  const form = h(
    "form",
    { class: "add", data: { needs: "createIndexJob" } },
    h("p", { id: "add-order", class: "note", role: "status" }),
    h("ol", { id: "add-rows", class: "slot" }),
    h("div", { class: "actions" }, fileChooser(), send),
    serverChooser(),
    h("div", { id: "add-error", class: "slot" }),
    names,
    h("datalist", { id: "zone-names" }, options(allZones())),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    showError($("#add-error"), null);
    try {
      await submit(onFiled);
    } catch (error) {
      showError($("#add-error"), error);
    } finally {
      send.disabled = false;
    }
  });
  return form;
}
