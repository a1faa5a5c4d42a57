// The public HTTP API: signing in and out, problem+json errors, JSON calls, pictures and clips as object URLs.

import { say } from "./strings.js";

const ATTEMPTS = 4; // to get what is asked for too often
const LONGEST_PAUSE = 30; // seconds before the next of them
const STORED_REASON = "sightline.reason";

/**
 * An answer that was not a success, or none at all (status 0). `detail` may be shown to the user; `foreign` if it is in
 * the server's English and the page speaks another language.
 */
export class ApiError extends Error {
  constructor(status, title, detail, foreign = false) {
    super(detail || title);
    this.name = "ApiError";
    this.status = status;
    this.title = title;
    this.detail = detail || "";
    this.foreign = foreign;
  }
}

/** Whether words came from the server and stayed as they were, on a page in another language than its own. */
export const isForeign = (words, theirs) => words === theirs && say.lang !== "en";

export const isAbort = (error) => error?.name === "AbortError";

/** The value that the server wants back with whatever changes something; the session's own cookie no script sees. */
function csrfToken() {
  const cookies = new Map(document.cookie.split("; ").map((cookie) => cookie.split("=", 2)));
  return cookies.get("__Host-sightline-csrf") ?? cookies.get("sightline-csrf");
}

/** Which session the browser has, as far as the page can know; another tab may have signed in or out. */
export const sessionMark = () => csrfToken() ?? null;

let held = null;
/** Let calls wait for this promise: the page is being signed in, and can be used meanwhile. */
export function holdCalls(until) {
  held = until;
}

/** Why people are looked at: `{ purpose, caseNumber }`, sent with everything until the tab is closed. */
export const reason = () => JSON.parse(sessionStorage.getItem(STORED_REASON) ?? "{}");
export const setReason = (given) => sessionStorage.setItem(STORED_REASON, JSON.stringify(given));
export const forgetReason = () => sessionStorage.removeItem(STORED_REASON);

/** Headers are ASCII, so what they say is encoded as in a URL. */
function reasonHeaders() {
  const { purpose, caseNumber } = reason();
  return {
    ...(purpose && { "X-Purpose": encodeURIComponent(purpose) }),
    ...(caseNumber && { "X-Case-Number": encodeURIComponent(caseNumber) }),
  };
}

let askForReason = async () => false;
/** `ask()` resolves to true once a reason is stored; it is called when the server answers 428. */
export function onReasonMissing(ask) {
  askForReason = ask;
}

let askForKey = async () => false;
/** `ask()` resolves to true once the visitor is signed in; it is called when the server answers 401. */
export function onUnauthorised(ask) {
  askForKey = ask;
}

/** Requests go only to where the page came from, whatever an answer's links say. */
function ownUrl(path) {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) throw new ApiError(0, say.page.refused, say.page.otherHost(url.host));
  return url;
}

async function send(path, { method = "GET", headers = {}, body, signal }) {
  const token = method === "GET" ? undefined : csrfToken();
  const all = { ...headers, ...reasonHeaders(), ...(token && { "X-CSRF-Token": token }) };
  try {
    return await fetch(ownUrl(path), { method, headers: all, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError(0, say.page.noConnection, say.page.noAnswer);
  }
}

async function problem(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const body = type.includes("json") ? await response.json().catch(() => ({})) : {};
  const kind = typeof body.type === "string" ? body.type.split(":").at(-1) : "";
  const title = say.told.problems[kind] || body.title || response.statusText || say.page.failed(response.status);
  const theirs = typeof body.detail === "string" ? body.detail : "";
  const detail = say.told.problem(kind, theirs);
  return new ApiError(response.status, title, detail, isForeign(detail, theirs));
}

/** Exchange a key for a session, whose cookie the browser keeps; the page forgets the key. */
export async function signIn(key) {
  // A header takes no other characters, and no key has them.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new ApiError(401, say.signIn.invalid);
  const response = await send("/v1/session", { method: "POST", headers: { "X-API-Key": key } });
  if (!response.ok) throw await problem(response);
}

/** End the session, in all tabs. One that has ended by itself is no failure. */
export async function signOut() {
  const response = await send("/v1/session", { method: "DELETE" });
  if (!response.ok && ![401, 404].includes(response.status)) throw await problem(response);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(seconds, LONGEST_PAUSE) * 1000);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/**
 * Send and return the Response; on 401 ask for a key, on 428 why, and send again; what was asked for too often is asked
 * for again when the server says so. Raises ApiError for any other failure.
 */
export async function call(path, options = {}, attempt = 1) {
  await held;
  let response = await send(path, options);
  const asks = { 401: (error) => askForKey(error), 428: (error) => askForReason(error) };
  while (response.status in asks && (await asks[response.status](await problem(response)))) {
    options.signal?.throwIfAborted();
    response = await send(path, options);
  }
  if (response.status === 429 && attempt < ATTEMPTS && (options.method ?? "GET") === "GET") {
    await pause(Number(response.headers.get("Retry-After")) || 1, options.signal);
    return call(path, options, attempt + 1);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

/** GET or, with `json`, POST; returns the parsed answer. */
export async function getJson(path, { json, method, headers = {}, signal } = {}) {
  const options = { method: method ?? (json === undefined ? "GET" : "POST"), headers, signal };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers = { ...headers, "Content-Type": "application/json" };
  }
  const response = await call(path, options);
  return response.status === 204 ? null : response.json();
}

/** Every item of a paged list. */
export async function getAll(path, { signal } = {}) {
  const items = [];
  let cursor = null;
  do {
    const url = ownUrl(path);
    if (cursor) url.searchParams.set("cursor", cursor);
    const page = await getJson(url.pathname + url.search, { signal });
    items.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor);
  return items;
}

/** Fetch a picture or clip; the caller revokes the returned object URL. */
export async function objectUrl(path, options = {}) {
  return (await fetchFile(path, options)).url;
}

/** Fetch a file; the object URL, which the caller revokes, and the headers that came with it. */
export async function fetchFile(path, { signal } = {}) {
  const response = await call(path, { signal });
  return { url: URL.createObjectURL(await response.blob()), headers: response.headers };
}

/** Upload a photo; resolves to the probe with the persons found on it. */
export async function addProbe(file, { signal } = {}) {
  const body = new FormData();
  body.append("file", file, file.name || "photo.jpg");
  return (await call("/v1/probes", { method: "POST", body, signal })).json();
}
