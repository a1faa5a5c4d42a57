// The public HTTP API: the key, problem+json errors, JSON calls, pictures and clips as object URLs.

import { say } from "./strings.js";

const STORED_KEY = "sightline.key";

/** An answer that was not a success, or none at all (status 0). `detail` may be shown to the user. */
export class ApiError extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.name = "ApiError";
    this.status = status;
    this.title = title;
    this.detail = detail || "";
  }
}

export const isAbort = (error) => error?.name === "AbortError";

export const hasKey = () => sessionStorage.getItem(STORED_KEY) !== null;
export const setKey = (key) => sessionStorage.setItem(STORED_KEY, key);
export const forgetKey = () => sessionStorage.removeItem(STORED_KEY);

let askForKey = async () => false;
/** `ask()` resolves to true once a new key is stored; it is called when the server answers 401. */
export function onUnauthorised(ask) {
  askForKey = ask;
}

/** The key travels only to where the page came from, whatever an answer's links say. */
function ownUrl(path) {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) throw new ApiError(0, say.page.refused, say.page.otherHost(url.host));
  return url;
}

async function send(path, { method = "GET", headers = {}, body, signal }) {
  const key = sessionStorage.getItem(STORED_KEY);
  const all = key ? { ...headers, "X-API-Key": key } : headers;
  try {
    return await fetch(ownUrl(path), { method, headers: all, body, signal, credentials: "omit" });
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError(0, say.page.noConnection, say.page.noAnswer);
  }
}

async function problem(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const body = type.includes("json") ? await response.json().catch(() => ({})) : {};
  const title = body.title || response.statusText || say.page.failed(response.status);
  return new ApiError(response.status, title, typeof body.detail === "string" ? body.detail : "");
}

/** Send and return the Response; on 401 ask for a key and send again; raise ApiError for any other failure. */
export async function call(path, options = {}) {
  let response = await send(path, options);
  while (response.status === 401 && (await askForKey(await problem(response)))) {
    options.signal?.throwIfAborted();
    response = await send(path, options);
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

/** Fetch a picture or clip with the key; the caller revokes the returned object URL. */
export async function objectUrl(path, options = {}) {
  return (await fetchFile(path, options)).url;
}

/** Fetch a file with the key; the object URL, which the caller revokes, and the headers that came with it. */
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
