// SPDX-License-Identifier: Apache-2.0
// Large files are read and parsed by a worker: that must not stop the page.

import { FileError } from "./json.js";

/**
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {import("./worker.js").Made} Made
 * @typedef {(bytes?: number) => void} Tell how much of a large file is there
 * @typedef {ReturnType<typeof createReader>} Reader
 */

/** Starts the worker. */
export function createReader() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, {resolve: (made: never) => void, reject: (error: Error) => void, tell: Tell}>} */
  const waiting = new Map();
  let next = 0;
  worker.onmessage = ({ data: { id, result, error, bytes } }) => {
    const call = waiting.get(id);
    if (bytes) {
      call?.tell(bytes);
      return;
    }
    waiting.delete(id);
    if (!call) return;
    if (error) call.reject(new FileError(error.message, error.missing));
    else call.resolve(/** @type {never} */ (result));
  };
  worker.onerror = () => {
    for (const call of waiting.values()) call.reject(new FileError("The worker that reads the files could not start."));
    waiting.clear();
  };
  return {
    /**
     * `ask` is what a reader is asked about the file, beside its kind; `tell(bytes)` hears how far a large one is.
     * @template {keyof Made} K
     * @param {K} kind
     * @param {string} href
     * @param {string} path
     * @param {AbortSignal} [signal]
     * @param {Edge | null} ask
     * @param {Tell} tell
     * @returns {Promise<Made[K]>} what that reader of the worker makes of it
     */
    read(kind, href, path, signal, ask = null, tell = () => {}) {
      const id = next++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, tell });
        signal?.addEventListener("abort", () => {
          if (!waiting.delete(id)) return;
          worker.postMessage({ id, cancel: true });
          reject(new DOMException("superseded", "AbortError"));
        }, { once: true });
        worker.postMessage({ id, kind, url: href, path, ask });
      });
    },
  };
}
