// SPDX-License-Identifier: Apache-2.0
// An open data/ tree: what of it is read when it is asked for, and what is kept.

import { readJson } from "./json.js";
import { optional } from "./problems.js";
import { address } from "../pure/format.js";
import { fromRecord, isCustomId } from "../pure/sequence.js";

const KEPT_HEADS = 6; // a large head file is some 15 MB unpacked

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/shapes.js").Address} Address
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {import("./reader.js").Tell} Tell
 * @typedef {"qk" | "ov"} Kind
 * @typedef {{sequences: Sequence[], rest: Loose}} Payload a head's file: its sequences, and all else as it is
 * @typedef {{discrete_axes?: unknown, default_x?: string, default_y?: string, default_color?: string}} Axes of the scatter
 * @typedef {Loose & {people_files?: string[], scatter?: Axes, metric_descriptions?: Loose,
 *   statistics_display?: Record<string, {label?: unknown, format?: string}>}} Config config.json; whoever reads a key checks it
 * @typedef {{base: string, config: Config, rows: Row[], heads: Address[], server: Loose,
 *   manifest: Record<string, Partial<Record<Kind, [number, number][]>>>, promptIndex: Loose, notes: Loose,
 *   problems: import("./problems.js").Problems, reader: import("./reader.js").Reader}} Opened
 * @typedef {ReturnType<typeof createTree>} Tree
 */

const customPath = (/** @type {number} */ layer, /** @type {number} */ head) => `custom_sequences/${address(layer, head)}.json`;

/**
 * Whether a value of a file is a head's layer and number.
 * @param {unknown} h
 * @returns {h is [number, number]}
 */
export const isHead = (h) => Array.isArray(h) && Number.isInteger(h[0]) && Number.isInteger(h[1]);

/**
 * The heads with custom sequences that a server_config.json names, by address; null where it names none.
 * @param {Loose} server
 */
const customHeadsOf = (server) => (Array.isArray(server.custom_heads)
  ? new Set(server.custom_heads.filter(isHead).map(([layer, head]) => address(layer, head))) : null);

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
export function createTree({ base, config, rows, heads, server, manifest, promptIndex, notes, problems, reader }) {
  /** @type {Map<string, Promise<Payload>>} */
  const kept = new Map();
  /** @type {Promise<Loose> | null} */
  let sequencesOfClouds = null;
  /** @type {Promise<Loose> | null} */
  let headMap = null;
  // Heads with custom sequences, by address; null where the tree does not say.
  let customHeads = customHeadsOf(server);
  async function readCustomHeads() {
    customHeads = customHeadsOf(await optional(base, "server_config.json", server, problems));
  }

  const url = (/** @type {string} */ path) => new URL(path, base).href;
  const pathOf = (/** @type {number} */ layer, /** @type {number} */ head, pattern = "L{layer}H{head}.json") =>
    pattern.replaceAll("{layer}", String(layer)).replaceAll("{head}", String(head));

  const headPath = (/** @type {number} */ layer, /** @type {number} */ head) =>
    `heads/${pathOf(layer, head, typeof config.head_data_pattern === "string" ? config.head_data_pattern : undefined)}`;

  /**
   * @param {number} layer
   * @param {number} head
   * @param {AbortSignal} [signal]
   * @param {Tell} [tell]
   * @returns {Promise<Payload>}
   */
  async function loadHead(layer, head, signal, tell) {
    const path = headPath(layer, head);
    try {
      const packed = await reader.read("head", url(path), path, signal, null, tell);
      const data = unpackHead(packed);
      problems.clear(path);
      if (packed.skipped) problems.add(path, `${path}: ${packed.skipped} sequences have no tokens and are left out.`);
      const dropped = data.sequences.reduce((sum, s) => sum + s.dropped, 0);
      if (dropped) problems.add(
        path, `${path}: ${dropped} attention entries lie outside their sequence and are left out.`,
      );
      return data;
    } catch (error) {
      if (error.name !== "AbortError") problems.add(path, error.message);
      throw error;
    }
  }

  return {
    base, config, rows, heads, server, manifest, promptIndex, notes, problems,
    metricNames: Array.isArray(config.metrics) ? config.metrics : [],

    /** What files that are saved are called after: the model without its publisher. */
    shortName: (typeof config.model_name === "string" && config.model_name.split("/").pop()) || "headvis",

    /**
     * The payload of a head; the latest few are kept, so that memory does not grow.
     * @param {number} layer
     * @param {number} head
     * @param {AbortSignal} [signal]
     * @param {Tell} [tell]
     */
    head(layer, head, signal, tell) {
      const key = address(layer, head);
      const found = kept.get(key);
      if (found) {
        kept.delete(key);
        kept.set(key, found);
        return found;
      }
      const loading = loadHead(layer, head, signal, tell);
      kept.set(key, loading);
      loading.catch(() => kept.get(key) === loading && kept.delete(key));
      while (kept.size > KEPT_HEADS) kept.delete([...kept.keys()][0]);
      return loading;
    },

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
      if (isCustom && this.hasCustom(layer, head) === false) return null;
      const path = isCustom ? customPath(layer, head) : headPath(layer, head);
      try {
        return await reader.read("edge", url(path), path, signal, edge);
      } catch (error) {
        if (isCustom && error.missing) return null;
        throw error;
      }
    },

    /**
     * Whether a head has custom sequences; null when the tree does not say, and only asking for them would tell.
     * @param {number} layer
     * @param {number} head
     */
    hasCustom: (layer, head) => customHeads && customHeads.has(address(layer, head)),

    /**
     * Remembers that the backend now has a custom sequence of a head.
     * @param {number} layer
     * @param {number} head
     */
    noteCustom: (layer, head) => customHeads?.add(address(layer, head)),

    /**
     * The stored custom sequences of a head; none when there is no such file. `changed`: the tree is not what it was when
     * it told which heads have some.
     * @param {number} layer
     * @param {number} head
     * @returns {Promise<Sequence[]>}
     */
    async custom(layer, head, changed = false) {
      if (changed) await readCustomHeads();
      if (this.hasCustom(layer, head) === false) return [];
      const path = customPath(layer, head);
      try {
        const file = await readJson(url(path), path, { cache: "no-cache" });
        problems.clear(path);
        const records = Array.isArray(file) ? file : file?.sequences;
        return Array.isArray(records) ? records.flatMap((/** @type {Loose} */ record) => fromRecord(record) ?? []) : [];
      } catch (error) {
        if (error.missing) return [];
        problems.add(path, error.message);
        throw error;
      }
    },

    /**
     * @param {number} layer
     * @param {number} head
     */
    hasCloud(layer, head) {
      if (config.has_umap !== true) return false;
      return !Array.isArray(config.umap_heads) || config.umap_heads.some((/** @type {number[] | null} */ h) => h?.[0] === layer && h?.[1] === head);
    },

    /**
     * @param {number} layer
     * @param {number} head
     * @param {AbortSignal} [signal]
     * @param {Tell} [tell]
     * @returns {Promise<import("../pure/cloud.js").Cloud>}
     */
    cloud(layer, head, signal, tell) {
      const path = `umap/${address(layer, head)}.json`;
      return reader.read("cloud", url(path), path, signal, null, tell);
    },

    /**
     * {clusters, version} of a head's cloud as they are now.
     * @param {number} layer
     * @param {number} head
     */
    clusters(layer, head) {
      const path = `umap/${address(layer, head)}.json`;
      return reader.read("clusters", url(path), path);
    },

    /** Tokens of the sequences the clouds point into, by id; empty when the file is missing. */
    cloudTokens() {
      sequencesOfClouds ??= reader.read("json", url("umap/sequences.json"), "umap/sequences.json").then((file) => file ?? {}, (/** @type {Error} */ error) => {
        problems.add("umap/sequences.json", `${error.message} Points of the projection have no text.`);
        return {};
      });
      return sequencesOfClouds;
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
      const ofClouds = config.has_umap === true ? (await this.cloudTokens())[id] : null;
      if (Array.isArray(ofClouds)) return ofClouds.map(String);
      for (const { layer, head } of far ? heads : []) {
        const path = headPath(layer, head);
        /** @type {string[] | null} */
        const found = await reader.read("text", url(path), path, signal, { seq: id, q: 0, k: 0 }).catch(passAbort);
        if (found) return found;
      }
      return null;
    },

    /**
     * Stored attribution of an edge; null when the manifest does not list it.
     * @param {Kind} kind
     * @param {number} layer
     * @param {number} head
     * @param {Edge} edge
     */
    async attribution(kind, layer, head, { seq, q, k }) {
      if (!this.cachedEdges(kind, layer, head, seq).some(([a, b]) => a === q && b === k)) return null;
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
        const [edge] = seq ? this.cachedEdges(kind, layer, head, seq) : [];
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
}

/**
 * @param {import("./worker.js").Packed} packed
 * @returns {Payload}
 */
function unpackHead({ vocabulary, sequences, rest }) {
  return {
    sequences: sequences.map(({ tokenIds, ...sequence }) => ({
      ...sequence,
      // Strings are looked up only for the sequences that are shown.
      get tokens() {
        const tokens = Array.from(tokenIds, (id) => vocabulary[id]);
        Object.defineProperty(this, "tokens", { value: tokens });
        return tokens;
      },
    })),
    rest,
  };
}
