// Where and when: cameras by site, a time range on the cameras' clocks, how many hits at a time.

import { $, fill, h } from "./dom.js";
import { searchSoon } from "./search.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { shownZone } from "./zones.js";

const NO_SITE = say.filters.noSite;
const fields = {
  start: new TimeField({ label: say.time.from, onChange: timesChanged }),
  end: new TimeField({ label: say.time.to, onChange: timesChanged }),
};

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
  const empty = h("p", { class: "note" }, say.filters.noCameras);
  fill($("#cameras"), h("legend", {}, say.filters.cameras), h("div", { class: "list" }, rows.length ? rows : empty));
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
  changeFilters({ cameras: on.length === boxes.length ? null : on });
}

/** The zones of all cameras, that of most cameras first. */
function zonesOf(cameras) {
  const counts = new Map();
  for (const camera of cameras) {
    const zone = shownZone(camera.time_zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([zone]) => zone);
}

/** Beside the times stands whose clocks they are; where cameras are in several zones, one is chosen. */
function showZones({ cameras, zone }) {
  if (cameras.length === 0) return;
  const zones = [...new Set([...zonesOf(cameras), zone].filter(Boolean))];
  const select = h("select", { id: "zone" }, zones.map((name) => h("option", { value: name }, name)));
  select.value = zone ?? zones[0];
  select.addEventListener("change", () => store.set({ zone: select.value }));
  fill($("#zone-holder"), zones.length > 1 ? h("label", {}, say.time.zone, " ", select) : h("span", { class: "note" }, say.time.onClocksOf(zones[0])));
  if (store.get().zone !== select.value) store.set({ zone: select.value });
}

function timesChanged() {
  if (fields.start.problem || fields.end.problem) return;
  const [start, end] = [fields.start.instant, fields.end.instant];
  const wrong = start && end && start >= end;
  $("#time-error").textContent = wrong ? say.time.wrongOrder : "";
  if (!wrong) changeFilters({ start, end });
}

const sameTime = (a, b) => (a ? Date.parse(a) : null) === (b ? Date.parse(b) : null);

/** The fields follow filters that were set elsewhere: cleared, or those of a search that is opened again. */
function showTimes({ filters, zone }, before) {
  for (const [name, field] of Object.entries(fields)) {
    if (zone) field.zone = zone;
    const first = zone !== before.zone && !before.zone;
    const changed = !sameTime(filters[name], before.filters[name]);
    if ((first || changed) && !sameTime(filters[name], field.instant)) field.show(filters[name]);
  }
  // In another zone the same clock times are other instants.
  if (before.zone && zone !== before.zone) timesChanged();
}

/** Change some of the filters; what is searched for is searched for again. Other cameras take the place of unknown sites. */
export function changeFilters(patch) {
  const { filters } = store.get();
  const next = { ...filters, ...("cameras" in patch ? { sites: [] } : {}), ...patch };
  if (JSON.stringify(next) === JSON.stringify(filters)) return;
  store.set({ filters: next });
  searchSoon();
}

function summary({ cameras, start, end }, all) {
  if (!cameras && !start && !end) return say.filters.everywhere;
  return say.filters.some(cameras?.length ?? null, all.length, Boolean(start || end));
}

export function startFilters() {
  fill($("#moments"), fields.start.element, fields.end.element);
  $("#cameras").addEventListener("change", camerasChanged);
  $("#limit").addEventListener("change", ({ target }) => changeFilters({ limit: Number(target.value) }));
  $("#rerank").addEventListener("change", ({ target }) => changeFilters({ rerank: target.checked }));
  $("#filter-form").addEventListener("submit", (event) => event.preventDefault());
  $("#reset").addEventListener("click", () => {
    for (const field of Object.values(fields)) field.show(null);
    changeFilters({ cameras: null, start: null, end: null });
  });
  store.subscribe((state, before) => {
    if (state.cameras !== before.cameras) showCameras(state);
    if (state.cameras !== before.cameras) showZones(state);
    if (state.zone !== before.zone || state.filters !== before.filters) showTimes(state, before);
    // Beside the first answer there is room for the filters; on a narrow screen they would push it down.
    if (state.photos.length && !before.photos.length && matchMedia("(min-width: 861px)").matches) $("#filters").open = true;
    if (state.filters !== before.filters) tick(state.filters);
    $("#rerank").checked = state.filters.rerank;
    const { cameras, start, end } = state.filters;
    $("#reset").hidden = cameras === null && !start && !end;
    $("#filter-summary").textContent = summary(state.filters, state.cameras);
  });
}
