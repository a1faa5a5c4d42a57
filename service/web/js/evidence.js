// Evidence packages: made by the server while they are sent, kept as a file, shown with the digest to note. Meanwhile the
// server says what it packs and how many clips are left; letting go of the answer cancels it.

import { showError } from "./alerts.js";
import { call, getJson, isAbort } from "./api.js";
import { $, fill, h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { copyField } from "./recorded.js";
import { store } from "./state.js";
import { say } from "./strings.js";

const PAUSE = 700; // milliseconds between looks at how far it is
const KEPT = 60_000; // milliseconds for which the browser may still be writing the file

/** Receive `response` to its end; `onBytes(n)` after each part. */
async function received(response, onBytes) {
  const [parts, reader] = [[], response.body.getReader()];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type: "application/zip" });
    parts.push(value);
    onBytes((size += value.length));
  }
}

/** What is going on, with a way to cancel it: {element, show(progress)}. */
function progressLine(onCancel) {
  const words = h("span", {}, say.evidence.asking);
  const bar = h("progress", { max: 1, "aria-label": say.evidence.progress });
  const cancel = h("button", { type: "button", class: "quiet", on: { click: onCancel } }, say.evidence.cancel);
  return {
    element: h("p", { class: "note packing", role: "status" }, words, bar, cancel),
    show({ stage = null, tracklets = null, done = 0, sent = 0 }) {
      const doing = stage === "clips" ? say.evidence.clips(done, tracklets) : say.evidence.stages[stage];
      words.textContent = [doing ?? say.evidence.asking, sent ? bytes(sent) : null].filter(Boolean).join(", ");
      if (stage === "clips" && tracklets) bar.value = done / tracklets;
      else bar.removeAttribute("value"); // how much that is, nobody knows
    },
  };
}

/** Take the package at `path` away; resolves to the entry of the list of packages that names its digest. */
async function take(path, query, name, line, signal) {
  const response = await call(`${path}${query}`, { signal });
  const id = response.headers.get("Sightline-Package");
  let [known, sent] = [{}, 0];
  const look = async () => {
    known = await getJson(`/v1/evidence-packages/${encodeURIComponent(id)}/progress`, { signal }).catch(() => ({})); // another server's, perhaps
    line.show({ ...known, sent });
  };
  const timer = setInterval(look, PAUSE);
  look();
  try {
    const file = await received(response, (size) => line.show({ ...known, sent: (sent = size) }));
    const url = URL.createObjectURL(file);
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT);
  } finally {
    clearInterval(timer);
  }
  const { items } = await getJson(`${path}/made`);
  // Somebody else may have made a package meanwhile: the digest must be that of this one.
  return items.find((one) => one.package_id === id);
}

/** The digest of what was made, to be noted, and what could not be packed. */
function told({ manifest_sha256: digest, left_out: count, first_left_out: some }) {
  const missing = some.map(({ what, of, reason }) => h("li", { class: "name", lang: "en" }, `${what}, ${of}: ${reason}`));
  return [
    h("p", { class: "note", role: "status" }, say.evidence.note),
    h("div", { class: "link" }, copyField(digest, say.evidence.digest)),
    count ? h("details", { class: "packed" }, h("summary", {}, say.evidence.leftOut(count)), h("ul", { class: "plain" }, missing, count > some.length ? h("li", {}, say.evidence.report) : null)) : null,
  ];
}

/**
 * What takes the package at `path` away as the file `name`, for those who may (`needs`): a button, whether only confirmed
 * marks count, what is in it (`kind`: of a search or a case), and the place where it says how far it is and the digest afterwards.
 */
export function evidenceButton(path, name, needs, kind) {
  const place = h("div", { class: "slot evidence" });
  const button = h("button", { type: "button", data: { needs } }, icon("download"), say.evidence.take);
  const confirmed = h("input", { type: "checkbox" });
  button.addEventListener("click", async () => {
    const stop = new AbortController();
    const line = progressLine(() => stop.abort());
    button.disabled = confirmed.disabled = true;
    fill(place, line.element);
    try {
      const made = await take(path, confirmed.checked ? "?only_confirmed=true" : "", name, line, stop.signal);
      fill(place, told(made));
    } catch (error) {
      if (isAbort(error)) fill(place, h("p", { class: "note", role: "status" }, say.evidence.cancelled));
      else showError(place, error);
    } finally {
      button.disabled = confirmed.disabled = false;
      if (document.activeElement === document.body) button.focus(); // the one that had it may be gone
    }
  });
  return [button, h("label", { class: "only-confirmed", data: { needs } }, confirmed, say.evidence.onlyConfirmed), h("details", { class: "packed", data: { needs } }, h("summary", {}, say.evidence.what), h("p", { class: "note" }, say.evidence.contents[kind])), place];
}

/** Offer the package of the search that is shown. */
export function startEvidence() {
  store.subscribe((state, before) => {
    const [id, was] = [state.search.answer?.id, before.search.answer?.id];
    if (id === was) return;
    const toCase = h("button", { type: "button", data: { needs: "createCase" }, on: { click: () => $("#open-cases").click() } }, icon("case"), say.cases.toCase);
    fill($("#evidence"), id ? [toCase, evidenceButton(`/v1/searches/${encodeURIComponent(id)}/evidence`, `sightline-search-${id.slice(0, 12)}.zip`, "getSearchEvidence", "search")] : null);
  });
}
