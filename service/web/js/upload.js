// A video sent in chunks; after a broken line it goes on where the server says it stopped.

import { ApiError, call, getJson } from "./api.js";

const CHUNK = 8 * 1024 * 1024;
const ATTEMPTS = 4; // of one chunk
const PAUSE = 1500; // milliseconds before the next attempt, times the attempt

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether trying again may help: no connection, a busy server, a chunk that arrived without us hearing of it. */
const passing = (error) => error instanceof ApiError && [0, 409, 502, 503, 504].includes(error.status);

async function sendChunk(path, file, offset, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const body = file.slice(offset, offset + CHUNK);
      const response = await call(`${path}?offset=${offset}`, { method: "PUT", body, signal });
      return (await response.json()).size;
    } catch (error) {
      if (!passing(error) || attempt === ATTEMPTS) throw error;
      await wait(PAUSE * attempt);
      const { size } = await getJson(path, { signal }).catch(() => ({ size: offset }));
      if (size !== offset) return size;
    }
  }
}

/** Upload `file`; `onProgress(0..1)` after each chunk. Resolves to the upload's id. */
export async function upload(file, { onProgress, signal }) {
  const { id } = await getJson("/v1/uploads", { json: { file_name: file.name, size_bytes: file.size }, signal });
  const path = `/v1/uploads/${encodeURIComponent(id)}`;
  let offset = 0;
  while (offset < file.size) {
    offset = await sendChunk(path, file, offset, signal);
    onProgress(offset / file.size);
  }
  return id;
}

/** A random name for one request; `crypto.randomUUID` exists only on secure origins, and a LAN host is none. */
export function uniqueName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
