// SPDX-License-Identifier: Apache-2.0
// The attributions that a tree has stored: which edges have one, and what it says.

import { readJson } from "./json.js";
import { address } from "../pure/format.js";

/**
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {"qk" | "ov"} Kind
 * @typedef {Record<string, Partial<Record<Kind, [number, number][]>>>} Manifest edges by head and sequence, as L5H1S280
 */

/**
 * @param {(path: string) => string} url
 * @param {Manifest} manifest attributions/manifest.json
 */
export function createStoredAnswers(url, manifest) {
  const answers = {
    /**
     * Stored attribution of an edge; null when the manifest does not list it.
     * @param {Kind} kind
     * @param {number} layer
     * @param {number} head
     * @param {Edge} edge
     */
    async attribution(kind, layer, head, { seq, q, k }) {
      if (!answers.cachedEdges(kind, layer, head, seq).some(([a, b]) => a === q && b === k)) return null;
      const path = `attributions/${kind}/${address(layer, head)}S${encodeURIComponent(seq)}Q${q}K${k}.json`;
      try {
        return await readJson(url(path), path, { cache: "no-cache" });
      } catch (error) {
        if (error.missing) return null;
        throw error;
      }
    },

    /**
     * Cached edges [[q, k], ...] of a sequence of a head.
     * @param {string} kind qk or ov; there are none of another
     * @param {number} layer
     * @param {number} head
     * @param {string} seq
     */
    cachedEdges(kind, layer, head, seq) {
      const edges = manifest[`${address(layer, head)}S${seq}`]?.[/** @type {Kind} */ (kind)];
      return Array.isArray(edges) ? edges.filter((e) => Array.isArray(e) && e.length === 2) : [];
    },

    /**
     * Whether an answer of that kind is stored for some edge of a layer.
     * @param {string} kind
     * @param {number} layer
     */
    hasAttributions: (kind, layer) => Object.entries(manifest).some(([key, edges]) =>
      key.startsWith(`L${layer}H`) && (edges?.[/** @type {Kind} */ (kind)]?.length ?? 0) > 0),

    /**
     * An edge of a head whose answer is stored; null without.
     * @param {Kind} kind
     * @param {number} layer
     * @param {number} head
     * @returns {Edge | null}
     */
    firstCached(kind, layer, head) {
      const start = `${address(layer, head)}S`;
      for (const key of Object.keys(manifest)) {
        const seq = key.startsWith(start) ? key.slice(start.length) : "";
        const [edge] = seq ? answers.cachedEdges(kind, layer, head, seq) : [];
        if (edge) return { seq, q: edge[0], k: edge[1] };
      }
      return null;
    },

    /**
     * Remembers that the backend now has an edge in its cache.
     * @param {Kind} kind
     * @param {number} layer
     * @param {number} head
     * @param {Edge} edge
     */
    noteCached(kind, layer, head, { seq, q, k }) {
      const key = `${address(layer, head)}S${seq}`;
      /** @type {Record<Kind, [number, number][]>} */
      const entry = { qk: [], ov: [], ...manifest[key] };
      if (!entry[kind].some(([a, b]) => a === q && b === k)) entry[kind] = [...entry[kind], [q, k]];
      manifest[key] = entry;
    },
  };
  return answers;
}
