// SPDX-License-Identifier: Apache-2.0
// An open data/ tree: its start files, and all that can be read of it.

import { createClouds } from "./clouds.js";
import { createCustomFiles, customPath } from "./customfiles.js";
import { createPayloads } from "./payloads.js";
import { optional } from "./problems.js";
import { createStoredAnswers } from "./storedanswers.js";
import { isCustomId } from "../pure/sequence.js";

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/shapes.js").Address} Address
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {import("./storedanswers.js").Kind} Kind
 * @typedef {import("./payloads.js").Payload} Payload
 * @typedef {{discrete_axes?: unknown, default_x?: string, default_y?: string, default_color?: string}} Axes of the scatter
 * @typedef {Loose & {people_files?: string[], scatter?: Axes, metric_descriptions?: Loose,
 *   statistics_display?: Record<string, {label?: unknown, format?: string}>}} Config config.json; whoever reads a key checks it
 * @typedef {{base: string, config: Config, rows: Row[], heads: Address[], server: Loose,
 *   manifest: import("./storedanswers.js").Manifest, promptIndex: Loose, notes: Loose,
 *   problems: import("./problems.js").Problems, reader: import("./reader.js").Reader}} Opened the start files, and how others are read
 * @typedef {ReturnType<typeof createTree>} Tree
 */

/**
 * Null for a file that cannot be read, while nobody gave up.
 * @param {Error} error
 */
function passAbort(error) {
  if (error.name === "AbortError") throw error;
  return null;
}

/**
 * The tree of these start files; `heads` in the order in which they are shown.
 * @param {Opened} opened
 */
export function createTree(opened) {
  const { base, config, rows, heads, server, manifest, promptIndex, notes, problems, reader } = opened;
  /** @type {Promise<Loose> | null} */
  let headMap = null;
  const url = (/** @type {string} */ path) => new URL(path, base).href;
  const { headPath, ...payloads } = createPayloads(url, opened);
  const custom = createCustomFiles(url, opened);
  const clouds = createClouds(url, opened);
  return {
    base, config, rows, heads, server, manifest, promptIndex, notes, problems,
    ...payloads, ...custom, ...clouds, ...createStoredAnswers(url, manifest),
    metricNames: Array.isArray(config.metrics) ? config.metrics : [],

    /** What files that are saved are called after: the model without its publisher. */
    shortName: (typeof config.model_name === "string" && config.model_name.split("/").pop()) || "headvis",

    /** head_map.json, where the tree has one: {} otherwise. */
    headMap: () => (headMap ??= config.has_head_map === true ? optional(base, "head_map.json", {}, problems) : Promise.resolve({})),

    /**
     * A file of what people make, as it is.
     * @param {"prompt" | "notes"} kind
     * @param {string} path
     * @param {AbortSignal} [signal]
     */
    read: (kind, path, signal) => reader.read(kind, url(path), path, signal),

    /**
     * {value, interval} of an edge in a head's file; null when the file does not hold the sequence.
     * @param {number} layer
     * @param {number} head
     * @param {Edge} edge
     * @param {AbortSignal} [signal]
     * @returns {Promise<{value: number, interval: number} | null>}
     */
    async edge(layer, head, edge, signal) {
      const isCustom = isCustomId(edge.seq);
      if (isCustom && custom.hasCustom(layer, head) === false) return null;
      const path = isCustom ? customPath(layer, head) : headPath(layer, head);
      try {
        return await reader.read("edge", url(path), path, signal, edge);
      } catch (error) {
        if (isCustom && error.missing) return null;
        throw error;
      }
    },

    /**
     * The tokens of a sequence of the corpus as some file of the tree has them: that of the clouds, else, where `far`, the
     * first head's that stores it; null where none does.
     * @param {string} id
     * @param {boolean} far
     * @param {AbortSignal} [signal]
     * @returns {Promise<string[] | null>}
     */
    async textOf(id, far, signal) {
      if (isCustomId(id)) return null;
      const ofClouds = config.has_umap === true ? (await clouds.cloudTokens())[id] : null;
      if (Array.isArray(ofClouds)) return ofClouds.map(String);
      for (const { layer, head } of far ? heads : []) {
        const path = headPath(layer, head);
        /** @type {string[] | null} */
        const found = await reader.read("text", url(path), path, signal, { seq: id, q: 0, k: 0 }).catch(passAbort);
        if (found) return found;
      }
      return null;
    },
  };
}
