// Keys: which there are, what each may do and see, who is signed in with it; make one, revoke one, sign somebody out.

import { showError } from "./alerts.js";
import { getAll, getJson } from "./api.js";
import { refreshCaller } from "./caller.js";
import { fill, h, icon } from "./dom.js";
import { behindButton, formOf } from "./forms.js";
import { copyField } from "./recorded.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { TimeField } from "./timefield.js";
import { momentOf } from "./when.js";
import { browserZone } from "./zones.js";

const SCOPES = ["search", "view", "review", "index", "administer", "audit"];
const urlOf = (id) => `/v1/keys/${encodeURIComponent(id)}`;
const zone = () => store.get().zone ?? browserZone();
const at = (iso) => momentOf(iso, zone());

const ended = ({ revoked_at: revoked, expires_at: expires }) => Boolean(revoked) || (expires !== null && Date.parse(expires) <= Date.now());
const scopesOf = (scopes) => (scopes.length === SCOPES.length ? say.keysAdmin.everything : scopes.map((scope) => say.keysAdmin.scopes[scope] ?? scope).join(", ") || say.keysAdmin.nothing);

/** A question that a second press answers with yes; `act()` does it, a refusal is shown beside it. */
export function question(label, text, act, name = label) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": name === label ? undefined : name }, label);
  return behindButton(button, (close) => {
    const place = h("div", { class: "slot" });
    const yes = h("button", { type: "button", class: "danger", on: { click: () => act().catch((error) => showError(place, error)) } }, label);
    const no = h("button", { type: "button", data: { first: "" }, on: { click: close } }, say.form.cancel);
    return h("div", { class: "fields", role: "group", "aria-label": name }, h("p", { class: "wide" }, text), h("div", { class: "actions" }, yes, no), place);
  });
}

/** Revoke a key; the last one that can make keys only after that was confirmed, too. */
function revoking(key, again) {
  const own = key.id === store.get().caller?.key_id;
  const revoke = async (even) => {
    await getJson(`${urlOf(key.id)}/revoke`, { json: { even_last: even } });
    await again();
  };
  const name = say.keysAdmin.revokeOf(key.name);
  const button = h("button", { type: "button", class: "quiet", "aria-label": name }, say.keysAdmin.revoke);
  return behindButton(button, (close) => {
    const place = h("div", { class: "slot" });
    const text = h("p", { class: "wide" }, own ? say.keysAdmin.willRevokeOwn : say.keysAdmin.willRevoke);
    let even = false;
    const act = async () => {
      try {
        await revoke(even);
      } catch (error) {
        showError(place, error);
        if (error.status !== 409 || even) return;
        even = true;
        yes.textContent = say.keysAdmin.revokeLast;
      }
    };
    const yes = h("button", { type: "button", class: "danger", on: { click: act } }, say.keysAdmin.revoke);
    const no = h("button", { type: "button", data: { first: "" }, on: { click: close } }, say.form.cancel);
    return h("div", { class: "fields", role: "group", "aria-label": name }, text, h("div", { class: "actions" }, yes, no), place);
  });
}

function session(one, again) {
  const signOut = async () => {
    await getJson(`/v1/sessions/${encodeURIComponent(one.id)}`, { method: "DELETE" });
    await again();
  };
  return h("li", { class: "row-head" }, h("span", { class: "note" }, say.keysAdmin.signedIn, at(one.created_at), say.keysAdmin.lastSeen, at(one.used_at)), question(say.keysAdmin.signOut, say.keysAdmin.willSignOut, signOut));
}

function state(key) {
  if (key.revoked_at) return [say.keysAdmin.revoked, at(key.revoked_at)];
  if (ended(key)) return [say.keysAdmin.expired, at(key.expires_at)];
  return key.expires_at ? [say.keysAdmin.expires, at(key.expires_at)] : say.keysAdmin.neverExpires;
}

function row(key, sessions, again) {
  const own = key.id === store.get().caller?.key_id ? h("span", { class: "note" }, say.keysAdmin.own) : null;
  const mine = sessions.filter((one) => one.key_id === key.id);
  return h(
    "li",
    { class: ended(key) ? "ended" : "", data: { key: key.id } },
    h("div", { class: "row-head" }, h("b", { class: "name" }, key.name), own, h("code", {}, key.id.slice(0, 12)), h("span", { class: "push" }), ended(key) ? null : revoking(key, again)),
    h("div", { class: "note" }, scopesOf(key.scopes), "; ", key.camera_groups === null ? say.keysAdmin.allCameras : [say.keysAdmin.sees, h("span", { class: "name" }, key.camera_groups.join(", "))]),
    h("div", { class: "note" }, state(key), "; ", key.last_used_at ? [say.keysAdmin.used, at(key.last_used_at)] : say.keysAdmin.neverUsed),
    key.subject ? h("div", { class: "note" }, say.keysAdmin.token, h("span", { class: "name" }, key.subject)) : null,
    mine.length ? h("ul", { class: "sessions" }, mine.map((one) => session(one, again))) : null,
  );
}

/** Boxes to tick under one title: {fieldset, chosen()}. */
export function choices(title, items, checked) {
  const boxes = items.map(({ value, label }) => h("label", {}, h("input", { type: "checkbox", value, checked: checked(value) }), h("span", { class: "name" }, label)));
  const fieldset = h("fieldset", {}, h("legend", {}, title), boxes);
  return { fieldset, chosen: () => [...fieldset.querySelectorAll("input:checked")].map((box) => box.value) };
}

/** The form of a new key: it may give what the caller has. `made(key)` gets the answer, with the secret. */
function newKey(groups, made, close) {
  const own = store.get().caller.scopes;
  const name = h("input", { required: true, maxLength: 200, autocomplete: "off" });
  const scopes = choices(say.keysAdmin.mayDo, SCOPES.filter((scope) => own.includes(scope)).map((scope) => ({ value: scope, label: `${say.keysAdmin.scopes[scope]}: ${say.keysAdmin.about[scope]}` })), (scope) => scope === "search" || scope === "view");
  const cameras = groups.length ? choices(say.keysAdmin.onlyGroups, groups.map(({ name: group }) => ({ value: group, label: group })), () => false) : null;
  const until = new TimeField({ label: say.keysAdmin.until, named: true });
  until.zone = zone();
  const save = async () => {
    if (until.problem) throw new Error(until.problem);
    if (!scopes.chosen().length) throw new Error(say.keysAdmin.noScope);
    const limited = cameras?.chosen() ?? [];
    const json = { name: name.value.trim(), scopes: scopes.chosen(), camera_groups: limited.length ? limited : null, expires_at: until.instant };
    made(await getJson("/v1/keys", { json }));
  };
  const fields = [h("label", {}, say.keysAdmin.name, name), scopes.fieldset, cameras?.fieldset ?? h("p", { class: "note wide" }, say.keysAdmin.noGroups), until.element, h("p", { class: "note wide" }, say.keysAdmin.untilNote)];
  const form = formOf(say.keysAdmin.make, fields, save, close);
  form.querySelector(".primary").textContent = say.keysAdmin.make;
  return form;
}

/** The secret of a new key, this once. */
function secretView(key, done) {
  const secret = copyField(key.secret, say.keysAdmin.secretOf(key.name), { first: "" });
  return h("div", { class: "secret", role: "group", "aria-label": say.keysAdmin.secretOf(key.name) }, h("p", {}, say.keysAdmin.secret), secret, h("button", { type: "button", on: { click: done } }, icon("check"), say.keysAdmin.noted));
}

/** The part of the panel. */
export async function keys({ signal, again }) {
  const [all, sessions, groups] = await Promise.all([getAll("/v1/keys", { signal }), getAll("/v1/sessions", { signal }), getJson("/v1/camera-groups", { signal })]);
  const order = [...all].sort((a, b) => Number(ended(a)) - Number(ended(b)) || b.created_at.localeCompare(a.created_at));
  const list = h("ul", { class: "rows" }, order.map((key) => row(key, sessions, reload)));
  async function reload() {
    await refreshCaller();
    await again();
    document.querySelector("#admin-body button")?.focus();
  }
  const adding = behindButton(h("button", { type: "button" }, say.keysAdmin.make), (close) => {
    const holder = h("div", { class: "slot" });
    const made = (key) => {
      fill(holder, secretView(key, reload));
      holder.querySelector("[data-first]").focus();
    };
    fill(holder, newKey(groups.items, made, close));
    return holder;
  });
  return [h("p", { class: "note" }, say.keysAdmin.zone(zone())), adding, list];
}
