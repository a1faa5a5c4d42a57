// Where and when: cameras by site, a time range in the browser's own zone, how many hits at a time.

import { $, fill, h } from "./dom.js";
import { localZone, offset } from "./format.js";
import { searchSoon } from "./search.js";
import { store } from "./state.js";

const NO_SITE = "No site";

function bySite(cameras) {
  const sites = new Map();
  for (const camera of cameras) {
    const site = camera.site ?? NO_SITE;
    sites.set(site, [...(sites.get(site) ?? []), camera.name]);
  }
  return [...sites].sort(([a], [b]) => (a === NO_SITE) - (b === NO_SITE) || a.localeCompare(b));
}

function checkbox(text, data, className) {
  const box = h("input", { type: "checkbox", data });
  return h("label", { class: className }, box, h("span", { class: "name" }, text));
}

function showCameras({ cameras, filters }) {
  const sites = bySite(cameras);
  const grouped = sites.length > 1 || (sites[0] && sites[0][0] !== NO_SITE);
  const rows = sites.flatMap(([site, names]) => [
    grouped ? checkbox(site, { site }, "site") : null,
    ...names.sort((a, b) => a.localeCompare(b)).map((name) => checkbox(name, { camera: name, of: site }, grouped ? "of-site" : "")),
  ]);
  const empty = h("p", { class: "note" }, "No cameras yet.");
  fill($("#cameras"), h("legend", {}, "Cameras"), h("div", { class: "list" }, rows.length ? rows : empty));
  tick(filters);
}

const cameraBoxes = () => [...document.querySelectorAll("#cameras [data-camera]")];

/** Set the ticks from the filters; a site is half-ticked when some of its cameras are. */
function tick({ cameras }) {
  const boxes = cameraBoxes();
  for (const box of boxes) box.checked = cameras === null || cameras.includes(box.dataset.camera);
  for (const site of document.querySelectorAll("#cameras [data-site]")) {
    const own = boxes.filter((box) => box.dataset.of === site.dataset.site);
    const on = own.filter((box) => box.checked).length;
    site.checked = on === own.length;
    site.indeterminate = on > 0 && on < own.length;
  }
}

function camerasChanged({ target }) {
  const boxes = cameraBoxes();
  if (target.dataset.site) {
    for (const box of boxes) if (box.dataset.of === target.dataset.site) box.checked = target.checked;
  }
  const on = boxes.filter((box) => box.checked).map((box) => box.dataset.camera);
  change({ cameras: on.length === boxes.length ? null : on });
}

/** RFC 3339 of a datetime-local value, read in the browser's zone; null while empty or half typed. */
function instant(input) {
  return input.value && input.validity.valid ? new Date(input.value).toISOString() : null;
}

function timesChanged() {
  const [from, to] = [$("#from"), $("#to")];
  const [start, end] = [instant(from), instant(to)];
  const wrong = start && end && start >= end;
  $("#time-error").textContent = wrong ? "“From” must be before “To”." : "";
  for (const input of [from, to]) input.setAttribute("aria-invalid", String(Boolean(wrong)));
  if (!wrong) change({ start, end });
}

function change(patch) {
  const { filters } = store.get();
  const next = { ...filters, ...patch };
  if (JSON.stringify(next) === JSON.stringify(filters)) return;
  store.set({ filters: next });
  searchSoon();
}

function summary({ cameras, start, end }, all) {
  const parts = [];
  if (cameras) parts.push(`${cameras.length} of ${all.length} cameras`);
  if (start || end) parts.push("limited time");
  return parts.length ? `· ${parts.join(", ")}` : "· everywhere, any time";
}

export function startFilters() {
  const zone = localZone();
  $("#zone-note").textContent = `In the time of this browser: ${zone} (${offset(new Date().toISOString(), zone)}).`;
  $("#cameras").addEventListener("change", camerasChanged);
  $("#from").addEventListener("change", timesChanged);
  $("#to").addEventListener("change", timesChanged);
  $("#limit").addEventListener("change", ({ target }) => change({ limit: Number(target.value) }));
  $("#filter-form").addEventListener("submit", (event) => event.preventDefault());
  $("#reset").addEventListener("click", () => {
    $("#from").value = $("#to").value = "";
    $("#time-error").textContent = "";
    change({ cameras: null, start: null, end: null });
  });
  store.subscribe((state, before) => {
    if (state.cameras !== before.cameras) showCameras(state);
    // Beside the first answer there is room for the filters; on a narrow screen they would push it down.
    if (state.photo && !before.photo && matchMedia("(min-width: 861px)").matches) $("#filters").open = true;
    if (state.filters !== before.filters) tick(state.filters);
    const { cameras, start, end } = state.filters;
    $("#reset").hidden = cameras === null && !start && !end;
    $("#filter-summary").textContent = summary(state.filters, state.cameras);
  });
}
