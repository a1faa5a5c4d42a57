// Camera groups: what keys are limited to. List, make, fill, delete.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { behindButton, formOf } from "./forms.js";
import { choices, question } from "./keysadmin.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const urlOf = (name) => `/v1/camera-groups/${encodeURIComponent(name)}`;

/** The form of a group: its name where it is new, and its cameras. */
function groupForm(label, group, again, close) {
  const name = group ? null : h("input", { required: true, maxLength: 100, autocomplete: "off" });
  const cameras = choices(say.groups.cameras, store.get().cameras.map((camera) => ({ value: camera.name, label: camera.name })), (one) => Boolean(group?.cameras.includes(one)));
  const save = async () => {
    await getJson(urlOf(group?.name ?? name.value.trim()), { method: "PUT", json: { cameras: cameras.chosen() } });
    await again();
  };
  return formOf(label, [name ? h("label", {}, say.groups.name, name) : null, cameras.fieldset], save, close);
}

function row(group, again) {
  const edit = h("button", { type: "button", class: "quiet", "aria-label": say.groups.editOf(group.name) }, say.groups.edit);
  const remove = async () => {
    await getJson(urlOf(group.name), { method: "DELETE" });
    await again();
  };
  return h(
    "li",
    {},
    h("div", { class: "row-head" }, h("b", { class: "name" }, group.name), h("span", { class: "push" }), behindButton(edit, (close) => groupForm(say.groups.editOf(group.name), group, again, close)), question(say.groups.remove, say.groups.willRemove, remove, say.groups.removeOf(group.name))),
    h("div", { class: "note name" }, group.cameras.length ? group.cameras.join(", ") : say.groups.empty),
  );
}

/** The part of the panel. */
export async function groups({ signal, again }) {
  const { items } = await getJson("/v1/camera-groups", { signal });
  const reload = async () => {
    await again();
    document.querySelector("#admin-body button")?.focus();
  };
  const adding = behindButton(h("button", { type: "button" }, say.groups.add), (close) => groupForm(say.groups.add, null, reload, close));
  const list = items.length ? h("ul", { class: "rows" }, items.map((group) => row(group, reload))) : h("p", { class: "note" }, say.groups.none);
  return [h("p", { class: "note" }, say.groups.about), adding, list];
}
