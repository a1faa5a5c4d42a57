// Pictures behind the sign-in: fetched as all else, so that a 401 asks for it, shown as object URLs, revoked when their element goes.

import { ApiError, fetchFile, isAbort } from "./api.js";
import { callerKnown, mayDo } from "./caller.js";
import { fill, h } from "./dom.js";
import { say } from "./strings.js";

const STAY = 100; // milliseconds for which a picture is near before it is asked for while the page is scrolled

let scrolled = -Infinity;
addEventListener("scroll", () => (scrolled = performance.now()), { passive: true, capture: true });

/** A set of object URLs and requests that end together. */
export class MediaScope {
  #abort = new AbortController();
  #urls = new Set();

  get signal() {
    return this.#abort.signal;
  }

  /** Fetch to an object URL that lives as long as this scope. */
  async url(path) {
    return (await this.file(path)).url;
  }

  /** The same of a tracklet's strip or a photo. Raises ApiError, without asking, where the caller may not look at any. */
  async strip(path) {
    await callerKnown();
    if (!mayDo(path.startsWith("/v1/probes/") ? "getProbeImage" : "getThumbnail")) throw new ApiError(403, say.results.noPicture);
    return this.url(path);
  }

  /** The same, with the headers that came with the file. */
  async file(path) {
    const file = await fetchFile(path, { signal: this.signal });
    if (this.signal.aborted) {
      URL.revokeObjectURL(file.url);
      throw this.signal.reason;
    }
    this.#urls.add(file.url);
    return file;
  }

  /** Keep an object URL made elsewhere. */
  keep(url) {
    this.#urls.add(url);
    return url;
  }

  close() {
    this.#abort.abort();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls.clear();
  }
}

/** Load strips when they come near the screen: hundreds of hits would otherwise all load at once. */
export class LazyPictures {
  #scope = new MediaScope();
  #paths = new WeakMap();
  #near = new Map(); // timers of pictures that came near while the page is scrolled
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "500px 0px" });
  #holders = new IntersectionObserver((entries) => this.#held(entries), { rootMargin: "1500px 0px" });
  #isHeld;

  /** `held`: pictures wait until `lookInto` is told where they stand. */
  constructor({ held = false } = {}) {
    this.#isHeld = held;
  }

  add(image, path, onFailure) {
    this.#paths.set(image, { path, onFailure });
    if (!this.#isHeld) this.#observer.observe(image);
  }

  /** Load the pictures in `holder`, as it is now, when they come near. Each of thousands would be looked at every frame. */
  lookInto(holder) {
    this.#holders.unobserve(holder);
    this.#holders.observe(holder);
  }

  #held(entries) {
    for (const { target, isIntersecting } of entries) {
      for (const image of target.querySelectorAll("img.waiting")) {
        if (!isIntersecting) this.#observer.unobserve(image);
        else if (this.#paths.has(image)) this.#observer.observe(image);
      }
    }
  }

  /** What only rushes past is not asked for: its pictures would come before those of where the scrolling ends. */
  #seen(entries) {
    const rushing = performance.now() - scrolled < 500;
    for (const { target, isIntersecting } of entries) {
      clearTimeout(this.#near.get(target));
      this.#near.delete(target);
      if (!isIntersecting) continue;
      if (rushing) this.#near.set(target, setTimeout(() => this.#load(target), STAY));
      else this.#load(target);
    }
  }

  async #load(image) {
    this.#observer.unobserve(image);
    this.#near.delete(image);
    const { path, onFailure } = this.#paths.get(image);
    this.#paths.delete(image);
    try {
      image.src = await this.#scope.strip(path);
    } catch (error) {
      if (!isAbort(error)) onFailure(error);
    }
  }

  close() {
    this.#holders.disconnect();
    this.#observer.disconnect();
    for (const timer of this.#near.values()) clearTimeout(timer);
    this.#scope.close();
  }
}

/** The strip of four crops of a hit; `lazy` loads it, and `without` is said in its place when that fails. */
export const stripOf = (hit, lazy, without) => pictureOf(hit.thumbnail_url, lazy, without, "strip");

/** A photo that was searched with, in the same way. */
export const photoOf = (probeId, lazy, without) => pictureOf(`/v1/probes/${encodeURIComponent(probeId)}/image`, lazy, without, "thumb");

function pictureOf(path, lazy, without, kind) {
  const image = h("img", { alt: "", class: "waiting", decoding: "async" });
  image.addEventListener("load", () => image.classList.remove("waiting"));
  const frame = h("span", { class: kind }, image);
  lazy.add(image, path, () => fill(frame, h("span", { class: "failed" }, without)));
  return frame;
}
