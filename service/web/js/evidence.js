// Evidence packages: made by the server while they are sent, kept as a file, shown with the digest to note.

import { showError } from "./alerts.js";
import { fetchFile, getJson } from "./api.js";
import { $, fill, h, icon } from "./dom.js";
import { store } from "./state.js";
import { say } from "./strings.js";

/** A button that takes the package at `path` away, as the file `name`, for those who may (`needs`); the digest stands beside it afterwards. */
export function evidenceButton(path, name, needs) {
  const place = h("div", { class: "slot evidence" });
  const button = h("button", { type: "button", data: { needs } }, icon("download"), say.evidence.take);
  button.addEventListener("click", async () => {
    button.disabled = true;
    fill(place, h("p", { class: "note waiting", role: "status" }, say.evidence.making));
    try {
      const { url, headers } = await fetchFile(path);
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be writing it
      const { items } = await getJson(`${path}/made`);
      // Somebody else may have made a package meanwhile: the digest must be that of this one.
      const made = items.find((one) => one.package_id === headers.get("Sightline-Package"));
      fill(place, h("p", { class: "note", role: "status" }, say.evidence.note, h("code", {}, made.manifest_sha256), made.left_out ? say.evidence.leftOut(made.left_out) : null));
    } catch (error) {
      showError(place, error);
    } finally {
      button.disabled = false;
    }
  });
  return [button, place];
}

/** Offer the package of the search that is shown. */
export function startEvidence() {
  store.subscribe((state, before) => {
    const [id, was] = [state.search.answer?.id, before.search.answer?.id];
    if (id === was) return;
    fill($("#evidence"), id ? evidenceButton(`/v1/searches/${encodeURIComponent(id)}/evidence`, `sightline-search-${id.slice(0, 12)}.zip`, "getSearchEvidence") : null);
  });
}
