// The certificate of an erasure: what went, what remains, what was looked for afterwards, and the text to file.

import { fetchFile } from "./api.js";
import { showError } from "./alerts.js";
import { h, icon } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";
import { momentOf } from "./when.js";

/** Save what an address answers under a name: opened in a tab it could not say why it is asked for. */
export async function save(path, name) {
  const { url } = await fetchFile(path);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be writing it
}

/** A button that saves, with the refusal beside it. */
export function saveButton(label, path, name) {
  const place = h("div", { class: "slot" });
  const run = () => save(path, name).catch((error) => showError(place, error, run));
  return [h("button", { type: "button", on: { click: run } }, icon("download"), label), place];
}

function proofOf(proof) {
  if (!proof) return say.erasure.noProof;
  if (proof.found || proof.rows || proof.files) return say.erasure.proofFails(proof);
  return say.erasure.proofHolds(proof.vectors_searched);
}

/** A list of what an erasure does not reach; a plan has it, and its certificate. */
export function remaining(remains) {
  return remains.map(({ what, why, ids }) => h("li", { class: "name" }, say.erasure.remainsOf(say.told.remains(what, why), ids.length)));
}

/** All of a certificate, as a section. */
export function certificateView(erasure) {
  const zone = store.get().zone ?? "UTC";
  const { counts, held, remains } = erasure.certificate;
  const url = `/v1/erasures/${encodeURIComponent(erasure.id)}/certificate.txt`;
  return h(
    "section",
    { class: "certificate", "aria-label": say.erasure.certificate, tabIndex: -1 },
    h("p", {}, h("strong", {}, say.erasure.erased(counts)), " ", momentOf(erasure.at, zone)),
    h("p", {}, proofOf(erasure.proof)),
    erasure.proof?.note ? h("p", { class: "note name", lang: "en" }, erasure.proof.note) : null,
    h("p", {}, erasure.settled_at ? [say.erasure.settled, momentOf(erasure.settled_at, zone)] : say.erasure.unsettled),
    held.length ? h("p", {}, say.erasure.keptByHolds(held.length)) : null,
    remains.length ? [h("h3", {}, say.erasure.remains), h("ul", { class: "plain" }, remaining(remains))] : null,
    h("p", { class: "note" }, say.erasure.digest, h("code", {}, erasure.certificate_sha256)),
    h("div", { class: "actions" }, saveButton(say.erasure.download, url, `sightline-erasure-${erasure.id.slice(0, 12)}.txt`)),
  );
}
