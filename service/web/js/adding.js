// The form that adds recordings: files, the camera and the start time of each.

import { getJson } from "./api.js";
import { showError } from "./alerts.js";
import { $, fill, h, icon } from "./dom.js";
import { bytes, localZone, offset } from "./format.js";
import { refreshHoldings } from "./holdings.js";
import { store } from "./state.js";
import { uniqueName, upload } from "./upload.js";

let rows = []; // {file, element, camera, start, bar, uploaded}
let filing = { body: "", key: "" }; // the last job sent

const nameOf = (row) => row.camera.value.trim();

/** YYYY-MM-DDTHH:MM:SS of a date and time in a file name, as recorders write them; "" when there is none. */
export function timeInName(name) {
  const found = /(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_.T ]{0,3}(\d\d)[-_.h:]?(\d\d)(?:[-_.m:]?(\d\d))?/.exec(name);
  if (!found) return "";
  const [, year, month, day, hour, minute, second = "00"] = found;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  return Number.isNaN(Date.parse(text)) ? "" : text;
}

function addRow(file) {
  const last = rows.at(-1);
  const camera = h("input", { required: true, maxLength: 100, value: last?.camera.value ?? "", autocomplete: "off" });
  camera.setAttribute("list", "camera-names");
  // Files chosen together are mostly of one camera: the others follow until they are given their own.
  camera.addEventListener("change", () => {
    for (const row of rows) row.camera.value ||= camera.value;
  });
  const start = h("input", { type: "datetime-local", step: 1, required: true, value: timeInName(file.name) });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": `Upload of ${file.name}` });
  const row = { file, camera, start, bar };
  const drop = h("button", { type: "button", class: "quiet", "aria-label": `Leave out ${file.name}`, on: { click: () => removeRow(row) } }, icon("close"));
  row.element = h(
    "div",
    { class: "row" },
    h("p", { class: "file" }, file.name, h("span", { class: "note" }, `  ${bytes(file.size)}`)),
    h("label", {}, "Camera", camera),
    h("label", {}, "First frame at", start),
    drop,
    bar,
  );
  rows.push(row);
}

function removeRow(row) {
  rows = rows.filter((other) => other !== row);
  show();
}

function show() {
  fill($("#add-rows"), rows.map((row) => row.element));
  $("#add-submit").hidden = $("#add-zone").hidden = rows.length === 0;
}

async function ensureCameras(names) {
  const known = new Set(store.get().cameras.map((camera) => camera.name));
  for (const name of names) {
    if (!known.has(name)) await getJson("/v1/cameras", { json: { name, time_zone: localZone() } });
  }
}

/** One key for one list of recordings: sent again after a broken line, the job is filed once. */
function keyFor(recordings) {
  const body = JSON.stringify(recordings);
  if (filing.body !== body) filing = { body, key: uniqueName() };
  return filing.key;
}

/** Upload what is listed, one after the other, and file one job for all. */
async function submit(onFiled) {
  const recordings = [];
  await ensureCameras(new Set(rows.map(nameOf)));
  for (const row of rows) {
    const { file, start, bar } = row;
    const name = nameOf(row);
    bar.hidden = false;
    // Kept, so that trying again after a failure sends nothing twice.
    row.uploaded ??= await upload(file, { onProgress: (share) => (bar.value = share) });
    recordings.push({ upload_id: row.uploaded, camera: name, start: new Date(start.value).toISOString(), file_name: file.name });
  }
  await getJson("/v1/index-jobs", { json: { recordings }, headers: { "Idempotency-Key": keyFor(recordings) } });
  rows = [];
  show();
  onFiled();
  refreshHoldings();
}

/** The form; `onFiled()` is called when a job has been filed. */
export function addingForm(onFiled) {
  const files = h("input", { id: "add-files", type: "file", multiple: true, accept: "video/*,.mkv,.avi,.ts,.mts,.dav,.mov,.mp4,.webm", class: "unseen" });
  files.addEventListener("change", () => {
    for (const file of files.files) addRow(file);
    files.value = "";
    show();
    rows.find((row) => !row.camera.value)?.camera.focus();
  });
  const names = h("datalist", { id: "camera-names" });
  store.subscribe(({ cameras }, before) => cameras !== before.cameras && fill(names, cameras.map(({ name }) => h("option", { value: name }))));
  const send = h("button", { id: "add-submit", class: "primary", hidden: true }, "Upload and index");
  const zone = localZone();
  const form = h(
    "form",
    { class: "add" },
    h("div", { id: "add-rows", class: "slot" }),
    h("p", { id: "add-zone", class: "note", hidden: true }, `Times are read in the time of this browser: ${zone} (${offset(new Date().toISOString(), zone)}). A new camera gets this time zone.`),
    h("div", { class: "actions" }, h("span", { class: "choose" }, files, h("label", { class: "button", htmlFor: "add-files" }, icon("recordings"), "Choose recordings")), send),
    h("div", { id: "add-error", class: "slot" }),
    names,
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
