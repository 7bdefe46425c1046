// SPDX-License-Identifier: Apache-2.0
// What is missing or broken in a tree, and files that it need not have.

import { readJson } from "./json.js";

/** @typedef {ReturnType<typeof createProblems>} Problems */

/** What is missing or broken, one sentence a file; the latest word on a file counts. */
export function createProblems() {
  /** @type {Map<string, string>} */
  const all = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const tell = () => listeners.forEach((run) => run());
  return {
    /**
     * @param {string} path
     * @param {string} message
     */
    add(path, message) {
      all.set(path, message);
      tell();
    },
    /** @param {string} path */
    clear(path) {
      if (all.delete(path)) tell();
    },
    get list() {
      return [...all].map(([path, message]) => ({ path, message }));
    },
    /** @param {() => void} run */
    on(run) {
      listeners.add(run);
    },
  };
}

/**
 * A file that a tree may leave out: `fallback` without it; one that is broken is a problem.
 * @param {string} base
 * @param {string} path
 * @param {import("../pure/shapes.js").Loose} fallback
 * @param {Problems} problems
 * @returns {Promise<import("../pure/shapes.js").Loose>} an object of JSON
 */
export async function optional(base, path, fallback, problems) {
  try {
    const value = await readJson(new URL(path, base), path, { cache: "no-cache" });
    return value !== null && typeof value === "object" ? value : fallback;
  } catch (error) {
    if (!error.missing) problems.add(path, error.message);
    return fallback;
  }
}
