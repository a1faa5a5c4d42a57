// Retention, legal holds, and the certificates of what was erased.

import { showError } from "./alerts.js";
import { getJson, isAbort } from "./api.js";
import { mayDo } from "./caller.js";
import { certificateView } from "./certificate.js";
import { fill, h } from "./dom.js";
import { planView } from "./erasure.js";
import { behindButton, formOf } from "./forms.js";
import { question } from "./keysadmin.js";
import { LazyPictures } from "./media.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { momentOf, stretchOf } from "./when.js";
import { browserZone } from "./zones.js";

const KINDS = ["recordings", "probes", "searches"];
const zone = () => store.get().zone ?? browserZone();
const zoneOf = (name) => store.get().cameras.find((camera) => camera.name === name)?.time_zone ?? "UTC";
const options = (all) => [h("option", { value: "" }, all), store.get().cameras.map(({ name }) => h("option", { value: name }, name))];

/** What the rules would take now, `rule` among them as if it were set. */
async function tried(place, rule, signal) {
  fill(place, h("p", { class: "note waiting", role: "status" }, say.erasure.listing));
  const { plan } = await getJson("/v1/retention-runs", { json: { dry_run: true, rule }, signal });
  const pictures = new LazyPictures();
  signal.addEventListener("abort", () => pictures.close());
  fill(place, h("div", { class: "erasure", role: "group", "aria-label": say.retention.would, tabIndex: -1 }, h("h3", {}, say.retention.would), planView(plan, pictures)));
}

function ruleForm(signal, again, close) {
  const kind = h("select", {}, KINDS.map((one) => h("option", { value: one }, say.retention.kinds[one])));
  const camera = h("select", {}, options(say.retention.allCameras));
  const days = h("input", { type: "number", min: 1, max: 36500, required: true });
  const place = h("div", { class: "wide slot" });
  const ofCamera = h("label", {}, say.adding.camera, camera);
  kind.addEventListener("change", () => (ofCamera.hidden = kind.value !== "recordings"));
  const rule = () => ({ kind: kind.value, camera: kind.value === "recordings" ? camera.value || null : null, days: Number(days.value) });
  const save = async () => {
    await getJson("/v1/retention-rules", { method: "PUT", json: rule() });
    await again();
  };
  const dry = h("button", { type: "button", on: { click: () => form.reportValidity() && tried(place, rule(), signal).catch((error) => isAbort(error) || showError(place, error)) } }, say.retention.tryIt);
  const form = formOf(say.retention.add, [h("label", {}, say.retention.kind, kind), ofCamera, h("label", {}, say.retention.days, days), h("p", { class: "note wide" }, say.retention.note), place], save, close, dry);
  return form;
}

function ruleRow(rule, changes, again) {
  const remove = async () => {
    const asked = new URLSearchParams({ kind: rule.kind, ...(rule.camera && { camera: rule.camera }) });
    await getJson(`/v1/retention-rules?${asked}`, { method: "DELETE" });
    await again();
  };
  const name = say.retention.rule(say.retention.kinds[rule.kind], rule.days);
  return h("li", { class: "row-head" }, h("b", {}, name), rule.camera ? h("span", { class: "name" }, rule.camera) : null, h("span", { class: "note" }, say.retention.since, momentOf(rule.created_at, zone())), h("span", { class: "push" }), changes ? question(say.retention.remove, say.retention.willRemove, remove) : null);
}

function rules(items, signal, changes, again) {
  const place = h("div", { class: "slot" });
  const dry = h("button", { type: "button", on: { click: () => tried(place, null, signal).catch((error) => isAbort(error) || showError(place, error)) } }, say.retention.dryRun);
  return [
    h("h3", {}, say.retention.rules),
    items.length ? h("ul", { class: "rows" }, items.map((rule) => ruleRow(rule, changes, again))) : h("p", { class: "note" }, say.retention.none),
    changes ? h("div", { class: "actions" }, behindButton(h("button", { type: "button" }, say.retention.add), (close) => ruleForm(signal, again, close)), items.length ? dry : null) : null,
    place,
  ];
}

/** What a hold is on, in words. */
function heldThing({ kind, camera, recording, case: caseId, start, end }) {
  if (kind !== "camera") return [say.holds.kinds[kind], " ", h("code", {}, (recording ?? caseId).slice(0, 12))];
  const of = zoneOf(camera);
  const span = start && end ? stretchOf(start, end, of) : start ? [say.holds.from, momentOf(start, of)] : end ? [say.holds.until, momentOf(end, of)] : null;
  return [say.holds.kinds.camera, " ", h("span", { class: "name" }, camera), span ? [" ", span] : null];
}

function holdRow(hold, changes, again) {
  const lifting = (close) => {
    const reason = h("input", { required: true, maxLength: 1000, autocomplete: "off" });
    const lift = async () => {
      await getJson(`/v1/holds/${encodeURIComponent(hold.id)}/lift`, { json: { reason: reason.value.trim() } });
      await again();
    };
    const form = formOf(say.holds.lift, [h("label", { class: "wide" }, say.holds.why, reason)], lift, close);
    form.querySelector(".primary").textContent = say.holds.lift;
    return form;
  };
  return h(
    "li",
    { class: hold.lifted_at ? "ended" : "" },
    h("div", { class: "row-head" }, h("b", {}, heldThing(hold)), h("span", { class: "push" }), changes && !hold.lifted_at ? behindButton(h("button", { type: "button", class: "quiet" }, say.holds.lift), lifting) : null),
    h("p", { class: "name" }, hold.reason),
    h("p", { class: "note" }, say.holds.since, momentOf(hold.created_at, zone()), hold.lifted_at ? [say.holds.lifted, momentOf(hold.lifted_at, zone()), ": ", h("span", { class: "name" }, hold.lift_reason)] : null),
  );
}

function holdForm(again, close) {
  const kind = h("select", {}, ["camera", "recording", "case"].map((one) => h("option", { value: one }, say.holds.kinds[one])));
  const camera = h("select", {}, store.get().cameras.map(({ name }) => h("option", { value: name }, name)));
  const id = h("input", { maxLength: 64, autocomplete: "off", spellcheck: false });
  const reason = h("input", { required: true, maxLength: 1000, autocomplete: "off" });
  const times = [say.time.from, say.time.to].map((label) => new TimeField({ label, named: true }));
  const [ofCamera, ofId] = [h("label", {}, say.adding.camera, camera), h("label", {}, say.holds.id, id)];
  const settle = () => {
    const onCamera = kind.value === "camera";
    for (const field of times) {
      field.zone = zoneOf(camera.value);
      field.element.hidden = !onCamera;
    }
    [ofCamera.hidden, ofId.hidden, id.required] = [!onCamera, onCamera, !onCamera];
  };
  for (const field of [kind, camera]) field.addEventListener("change", settle);
  settle();
  const save = async () => {
    const [start, end] = times.map((field) => field.instant);
    const what = kind.value === "camera" ? { camera: camera.value, start, end } : { [kind.value]: id.value.trim() };
    await getJson("/v1/holds", { json: { ...what, reason: reason.value.trim() } });
    await again();
  };
  return formOf(say.holds.add, [h("label", {}, say.holds.on, kind), ofCamera, ofId, times.map((field) => field.element), h("label", { class: "wide" }, say.holds.reason, reason)], save, close);
}

function holds(items, changes, again) {
  const order = [...items].sort((a, b) => Number(Boolean(a.lifted_at)) - Number(Boolean(b.lifted_at)) || b.created_at.localeCompare(a.created_at));
  return [
    h("h3", {}, say.holds.title),
    h("p", { class: "note" }, say.holds.about),
    order.length ? h("ul", { class: "rows" }, order.map((hold) => holdRow(hold, changes, again))) : h("p", { class: "note" }, say.holds.none),
    changes ? behindButton(h("button", { type: "button" }, say.holds.add), (close) => holdForm(again, close)) : null,
  ];
}

function erasureRow(one) {
  const item = h("details", {}, h("summary", {}, momentOf(one.at, zone()), " ", h("b", {}, say.erasure.kinds[one.kind] ?? one.kind), " ", h("span", { class: "note" }, say.erasure.erased(one.certificate.counts))));
  item.addEventListener("toggle", () => item.open && item.children.length === 1 && item.append(certificateView(one)), { once: true });
  return h("li", {}, item);
}

/** Certificates by pages. */
async function certificates(list, end, place, signal, cursor = null) {
  fill(end, h("p", { class: "note waiting" }, say.results.loading));
  try {
    const page = await getJson(`/v1/erasures${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    list.append(...page.items.map(erasureRow));
    const next = h("button", { type: "button", on: { click: () => certificates(list, end, place, signal, page.next_cursor) } }, say.history.more);
    fill(end, page.next_cursor ? next : list.children.length ? null : h("p", { class: "note" }, say.erasure.noneYet));
  } catch (error) {
    fill(end);
    if (!isAbort(error)) showError(place, error, () => certificates(list, end, place, signal, cursor));
  }
}

/** The part of the panel. */
export async function retention({ signal, again }) {
  const [{ items: set }, { items: held }] = await Promise.all([getJson("/v1/retention-rules", { signal }), getJson("/v1/holds?lifted=true", { signal })]);
  const changes = mayDo("setRetentionRule", false);
  const reload = async () => {
    await again();
    document.querySelector("#admin-body button")?.focus();
  };
  const [list, end, place] = [h("ol", { class: "rows certificates" }), h("div", {}), h("div", { class: "slot" })];
  certificates(list, end, place, signal);
  return [rules(set, signal, changes, reload), holds(held, changes, reload), h("h3", {}, say.erasure.certificates), place, list, end];
}
