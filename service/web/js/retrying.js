// Trying recordings again that could not be indexed: a button where that can be done, else why it cannot.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { say } from "./strings.js";
import { uniqueName } from "./upload.js";
import { momentOf } from "./when.js";

/**
 * A button that files recordings of a job again: those of `ids`, or with null all that can be. `onFiled(job)` is called
 * with the job that tries them, `onError(error)` where there is none. `data` goes to the button.
 */
export function retryButton(jobId, ids, { label = say.jobs.again, name = label, data = {}, onFiled, onError }) {
  const key = uniqueName(); // pressed again after a broken line, they are filed once
  const button = h("button", { type: "button", class: "again", data: { needs: "retryIndexJob", ...data }, "aria-label": name === label ? undefined : name }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const path = `/v1/index-jobs/${encodeURIComponent(jobId)}/retry`;
      onFiled(await getJson(path, { json: { recordings: ids }, headers: { "Idempotency-Key": key } }));
    } catch (error) {
      onError(error);
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

/** Of a recording that failed: why it cannot be tried again, or for how long it can; null where there is nothing to say. */
export function retryNote({ retry }, zone) {
  if (retry.obstacle) return h("p", { class: "note" }, say.jobs.obstacles[retry.obstacle] ?? retry.obstacle);
  return retry.kept_until ? h("p", { class: "note" }, say.jobs.keptUntil, momentOf(retry.kept_until, zone)) : null;
}
