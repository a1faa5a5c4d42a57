// The state of the system: whether searches are answered and what that rests on, the model, queues, workers, the disk.

import { getAll, getJson } from "./api.js";
import { h, icon } from "./dom.js";
import { bytes, duration, number } from "./format.js";
import { say } from "./strings.js";

/** What was found, in the page's words; a note on the model is the server's own sentence. */
function finding({ code, detail, values }) {
  const words = say.system.found[code]?.({ ...values, room: bytes(values.free_bytes ?? 0) }) ?? h("span", { lang: "en" }, detail);
  return [words, values.note ? h("span", { lang: "en" }, `. ${values.note}`) : null];
}

function check([name, { ok, ...found }]) {
  return h("li", { class: ok ? "" : "failing" }, icon(ok ? "check" : "warning"), h("b", {}, say.system.checks[name] ?? name), h("span", { class: "name" }, ok ? null : say.system.fails, finding(found)));
}

function work({ kind, queued, running, overdue, oldest_queued_seconds: waiting }) {
  if (!queued && !running) return null;
  const late = overdue ? [" ", say.system.overdue(overdue)] : null;
  return [h("dt", {}, say.system.kinds[kind] ?? kind), h("dd", {}, say.system.work(queued, running, waiting ? duration(waiting) : null), late)];
}

const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];

/** The part of the panel. */
export async function system({ signal, again }) {
  const [found, models] = await Promise.all([getJson("/v1/system", { signal }), getAll("/v1/models", { signal })]);
  const { readiness } = found;
  const used = models.find((one) => one.in_use);
  const jobs = found.work.map(work).filter(Boolean);
  return [
    h("p", { class: `verdict ${readiness.ready ? "good" : "bad"}`, role: "status" }, icon(readiness.ready ? "check" : "warning"), h("strong", {}, readiness.ready ? say.system.ready : say.system.notReady)),
    h("ul", { class: "plain checks" }, Object.entries(readiness.checks).map(check)),
    h(
      "dl",
      { class: "facts-list" },
      fact(say.system.model, used ? [h("span", { class: "name" }, used.name), " ", h("span", { class: "note" }, say.models.holds(used.videos, used.tracklets, used.missing_videos))] : say.system.noModel),
      fact(say.system.holds, say.system.gallery(found.videos, found.tracklets, found.segments)),
      fact(say.system.change, number(found.change)),
      fact(say.system.disk, say.system.free(bytes(found.free_bytes), bytes(found.disk_bytes))),
      found.erased_on_disk ? fact(say.system.erased, say.erasure.unsettled) : null,
      fact(say.system.workers, say.system.busy(found.workers)),
      jobs.length ? jobs : fact(say.system.queue, say.system.nothingWaits),
      fact(say.system.version, [h("code", {}, found.version), " ", say.system.schema, h("code", {}, found.schema_version), " ", h("span", { class: "name" }, found.database)]),
    ),
    h("div", { class: "actions" }, h("button", { type: "button", on: { click: again } }, icon("retry"), say.system.again)),
  ];
}
