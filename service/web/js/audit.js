// The audit trail: events with filters, the newest first; whether the trail holds; a copy to take away.

import { showError } from "./alerts.js";
import { getAll, getJson, isAbort } from "./api.js";
import { mayDo } from "./caller.js";
import { saveButton } from "./certificate.js";
import { fill, h, icon } from "./dom.js";
import { formOf } from "./forms.js";
import { keyNames } from "./keynames.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { clockFirst } from "./when.js";
import { browserZone } from "./zones.js";

const PAGE = 50;
const LOOKS = new Set(["thumbnail.view", "tracklet.read", "clip.view", "probe.view"]); // many come one after the other
const zone = () => store.get().zone ?? browserZone();

/** "search.read" in words; an action that has none yet keeps its own name. */
function actionOf(action) {
  const [kind, what] = action.split(".");
  return say.audit.actions[action] ?? [say.audit.kinds[kind] ?? kind, what].filter(Boolean).join(": ");
}

/** What an event is about, where it says its name: a case's title, a camera, a file. */
const named = (detail) => [detail.title, detail.name, detail.file_name, detail.camera].find((one) => typeof one === "string") ?? "";

const whoOf = (id, names) => (id === null ? say.audit.commandLine : names.get(id) ?? id.slice(0, 12));

const whyOf = ({ reason }) => (reason ? [reason.case_number, reason.purpose].filter(Boolean).join(", ") : "");

/** Events in their order, together where one key looked at one thing after the other. */
function together(events) {
  const groups = [];
  for (const one of events) {
    const [last] = groups.at(-1) ?? [];
    const same = last && LOOKS.has(one.action) && one.action === last.action && one.key_id === last.key_id && whyOf(one.detail) === whyOf(last.detail);
    if (same) groups.at(-1).push(one);
    else groups.push([one]);
  }
  return groups;
}

const idOf = (subject) => h("code", { title: subject }, subject.slice(0, 12));

/** What it was done to: by name, or by as much of an id as tells one from another. */
function aboutOf({ detail, subject }, titles) {
  const name = named(detail) || titles.get(subject);
  if (name) return h("span", { class: "name" }, name);
  return subject ? idOf(subject) : h("span", {});
}

/** All that is known of an event. */
function factsOf(one, only) {
  const { reason: _, ...detail } = one.detail;
  const others = h("button", { type: "button", class: "quiet", on: { click: () => only(one.subject) } }, say.audit.only);
  return [
    h(
      "dl",
      { class: "facts-list" },
      h("dt", {}, say.audit.action),
      h("dd", {}, h("code", {}, one.action)),
      one.subject ? [h("dt", {}, say.audit.subject), h("dd", {}, h("code", {}, one.subject), " ", others)] : null,
      one.key_id ? [h("dt", {}, say.audit.key), h("dd", {}, h("code", {}, one.key_id))] : null,
      h("dt", {}, say.audit.digest),
      h("dd", {}, h("code", {}, one.digest)),
    ),
    Object.keys(detail).length ? h("pre", { class: "name", tabIndex: 0, "aria-label": say.audit.detail }, h("code", {}, JSON.stringify(detail, null, 2))) : null,
  ];
}

/** One of several in a row. */
const single = (one, only) => h("li", {}, h("details", {}, h("summary", {}, h("span", { class: "note" }, String(one.id)), clockFirst(one.at, zone()), one.subject ? idOf(one.subject) : null), factsOf(one, only)));

/** A row: an event, or several alike, the newest first. */
function row(group, { names, titles, only }) {
  const [newest] = group;
  const several = group.length > 1;
  const why = whyOf(newest.detail);
  const what = h("b", { class: "name" }, actionOf(newest.action), several ? say.audit.times(group.length) : null);
  return h(
    "li",
    { class: "event" },
    h(
      "details",
      {},
      h("summary", {}, h("span", { class: "note" }, several ? `${group.at(-1).id}–${newest.id}` : String(newest.id)), clockFirst(newest.at, zone()), what, several ? h("span", {}) : aboutOf(newest, titles), h("span", { class: "name" }, whoOf(newest.key_id, names))),
      several ? h("ol", { class: "rows" }, group.map((one) => single(one, only))) : factsOf(newest, only),
    ),
    why ? h("p", { class: "note" }, say.audit.why, h("span", { class: "name" }, why)) : null,
  );
}

/** The titles of the cases that this key has, by their ids. */
async function caseTitles(signal) {
  if (!mayDo("listCases", false)) return new Map();
  return new Map((await getAll("/v1/cases", { signal })).map(({ id, title }) => [id, title]));
}

/** The list below the filters: a page, and a button for the next one. `known`: what rows are told by. */
async function more(query, known, list, end, place, signal) {
  fill(end, h("p", { class: "note waiting" }, say.results.loading));
  try {
    const page = await getJson(`/v1/audit-events?${query}`, { signal });
    list.append(...together(page.items).map((group) => row(group, known)));
    const next = new URLSearchParams(query);
    next.set("before", page.next_before);
    const button = h("button", { type: "button", on: { click: () => more(next, known, list, end, place, signal) } }, say.history.more);
    fill(end, page.next_before ? button : h("p", { class: "note" }, list.children.length ? say.audit.end : say.audit.none));
    fill(place);
  } catch (error) {
    if (isAbort(error)) return;
    fill(end);
    showError(place, error, () => more(query, known, list, end, place, signal));
  }
}

function filters(names, search) {
  const what = h("select", {}, h("option", { value: "" }, say.audit.anything), Object.entries(say.audit.kinds).map(([kind, word]) => h("option", { value: `${kind}.` }, word)));
  const who = names.size ? h("select", {}, h("option", { value: "" }, say.audit.anybody), [...names].map(([id, name]) => h("option", { value: id }, name))) : h("input", { maxLength: 32, autocomplete: "off", spellcheck: false });
  const id = h("input", { maxLength: 1000, autocomplete: "off", spellcheck: false });
  const times = [say.time.from, say.time.to].map((label) => new TimeField({ label, named: true }));
  for (const field of times) field.zone = zone();
  const label = (text, field) => h("label", {}, text, field);
  const ask = () => {
    const problem = times.map((field) => field.problem).find(Boolean);
    if (problem) throw new Error(problem);
    const [start, end] = times.map((field) => field.instant);
    search({ action: what.value, key_id: who.value.trim(), subject: id.value.trim(), start, end });
  };
  const reset = () => {
    form.reset();
    for (const field of times) field.show(null);
  };
  const clear = () => {
    reset();
    search({});
  };
  const form = formOf(say.audit.filters, [label(say.audit.what, what), label(names.size ? say.audit.who : say.audit.keyId, who), label(say.audit.id, id), times.map((field) => field.element)], ask, clear);
  form.querySelector(".primary").textContent = say.audit.show;
  form.querySelector(".actions button:not(.primary)").textContent = say.filters.clear;
  form.classList.add("filtering");
  const only = (subject) => {
    reset();
    id.value = subject;
    search({ subject });
    id.focus();
  };
  return { form, only };
}

function verdict(report) {
  const last = report.last ? h("code", {}, `${report.last.event}:${report.last.digest}`) : null;
  if (!report.intact) return h("p", { class: "verdict bad", role: "alert" }, icon("warning"), h("span", {}, say.audit.broken(report.broken_at), h("span", { class: "name" }, report.reason)));
  return [h("p", { class: "verdict good" }, icon("check"), h("span", {}, say.audit.holds(report.events))), last ? h("p", { class: "note" }, say.audit.note, last) : null];
}

/** Checking the trail, against itself and against digests that were noted before. */
function verifying(signal) {
  const noted = h("textarea", { rows: 2, spellcheck: false, autocomplete: "off", "aria-describedby": "anchors-note" });
  const place = h("div", { class: "wide slot", role: "status" });
  const check = async () => {
    const anchors = noted.value.split(/\s+/).filter(Boolean);
    fill(place, h("p", { class: "note waiting" }, say.audit.checking));
    try {
      const report = await getJson("/v1/audit-events/verify", { json: { anchors }, signal });
      fill(place, verdict(report), report.intact && anchors.length ? h("p", { class: "verdict good" }, icon("check"), h("span", {}, say.audit.matches(anchors.length))) : null);
    } catch (error) {
      fill(place);
      throw error;
    }
  };
  const fields = [h("label", { class: "wide" }, say.audit.anchors, noted), h("p", { id: "anchors-note", class: "note wide" }, say.audit.anchorsNote), place];
  const form = formOf(say.audit.verify, fields, check, () => (noted.value = ""), saveButton(say.audit.export, "/v1/audit-events/export", "sightline-audit.jsonl"));
  form.querySelector(".primary").textContent = say.audit.verify;
  form.querySelector(".actions button:not(.primary)").remove();
  return h("details", {}, h("summary", { class: "link" }, say.audit.whole), form);
}

/** The part of the panel. */
export async function audit({ signal }) {
  const [names, titles] = await Promise.all([keyNames(true), caseTitles(signal)]);
  const [list, end, place] = [h("ol", { class: "rows", "aria-label": say.audit.title }), h("div", { role: "status" }), h("div", { class: "slot" })];
  let asking = new AbortController(); // ends with the next question: its rows come to this list
  const search = (asked) => {
    asking.abort();
    asking = new AbortController();
    fill(list);
    const given = Object.entries(asked).filter(([, value]) => value);
    more(new URLSearchParams([...given, ["limit", PAGE]]), { names, titles, only }, list, end, place, AbortSignal.any([signal, asking.signal]));
  };
  const { form, only } = filters(names, search);
  search({});
  return [verifying(signal), form, h("p", { class: "note" }, say.keysAdmin.zone(zone())), place, list, end];
}
