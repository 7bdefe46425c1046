// SPDX-License-Identifier: Apache-2.0
// The data/ tree as the page sees it: what is read, kept, missing and said about it.

import { FileError, readJson } from "./json.js";
import { address } from "../pure/format.js";
import { fromRecord, isCustomId } from "../pure/sequence.js";

const KEPT_HEADS = 6; // a large head file is some 15 MB unpacked

/**
 * Where the tree is: the `data` parameter, else beside the page, else beside its folder. Another
 * origin is refused.
 * @param {string} pageUrl
 * @param {string} given
 */
export function dataCandidates(pageUrl, given) {
  const page = new URL(pageUrl);
  if (given) {
    const url = new URL(given.endsWith("/") ? given : `${given}/`, page);
    if (url.origin !== page.origin) {
      throw new FileError(`The data folder ${given} is on another origin; serve it beside the page.`);
    }
    return [url.href];
  }
  const beside = new URL("data/", page).href;
  const above = new URL("../data/", page).href;
  if (beside === above) return [beside];
  return /\/web\/[^/]*$/.test(page.pathname) ? [above, beside] : [beside, above];
}

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{seq: string, q: number, k: number}} Edge
 * @typedef {"qk" | "ov"} Kind
 * @typedef {ReturnType<typeof createProblems>} Problems
 * @typedef {(bytes?: number) => void} Tell how much of a large file is there
 * @typedef {{sequences: Sequence[], rest: Record<string, any>}} Payload a head's file: its sequences, and all else as it is
 * @typedef {Record<string, any> & {people_files?: string[]}} Config config.json; whoever reads a key checks it
 * @typedef {{base: string, config: Config, rows: Row[], server: Loose, manifest: Record<string, Partial<Record<Kind, [number, number][]>>>,
 *   promptIndex: Loose, notes: Loose, problems: Problems, reader: ReturnType<typeof createReader>}} Opened
 */

/**
 * Opens the tree: config.json decides where it is; the other start files are read together.
 * @param {string} pageUrl
 * @param {string} given
 */
export async function openTree(pageUrl, given) {
  const reader = createReader();
  /** @type {any} */
  let failure;
  for (const base of dataCandidates(pageUrl, given)) {
    const problems = createProblems();
    // Asked for together: the second round trip of a far server would be felt.
    const rest = Promise.all([
      readScatter(base),
      optional(base, "server_config.json", {}, problems),
      optional(base, "attributions/manifest.json", {}, problems),
      optional(base, "scatter_errors.json", [], problems),
    ]);
    try {
      const config = await readConfig(base);
      const [scatter, server, manifest, errors] = await rest;
      const [promptIndex, notes] = await Promise.all(PEOPLE_FILES.map((path) =>
        (config.people_files?.includes?.(path) ? optional(base, path, {}, problems) : {})));
      const rows = withErrors(scatter.rows ?? listedHeads(config), errors);
      if (scatter.error) problems.add(
        "scatter_data.json", `${scatter.error.message} Heads are listed without metrics.`,
      );
      return createTree({ base, config, rows, server, manifest, promptIndex, notes, problems, reader });
    } catch (error) {
      if (!failure || !error.missing) failure = error;
      if (!error.missing) break;
    }
  }
  throw failure;
}

// What people make with a backend: a tree lists those that it has.
const PEOPLE_FILES = ["prompts/index.json", "notes.json"];

/**
 * @param {string} base
 * @returns {Promise<Config>}
 */
async function readConfig(base) {
  const path = `${new URL(base).pathname}config.json`;
  const config = await readJson(new URL("config.json", base), path, { cache: "no-cache" });
  if (config === null || typeof config !== "object" || Array.isArray(config)) {
    throw new FileError(`${path} is not an object.`);
  }
  return config;
}

const customPath = (/** @type {number} */ layer, /** @type {number} */ head) => `custom_sequences/${address(layer, head)}.json`;
/**
 * @param {unknown} h
 * @returns {h is [number, number]}
 */
const isHead = (h) => Array.isArray(h) && Number.isInteger(h[0]) && Number.isInteger(h[1]);

/**
 * The heads with custom sequences that a server_config.json names, by address; null where it names none.
 * @param {Loose} server
 */
const customHeadsOf = (server) => (Array.isArray(server.custom_heads)
  ? new Set(server.custom_heads.filter(isHead).map(([layer, head]) => address(layer, head))) : null);

/**
 * The heads config.json names, as rows without metrics.
 * @param {Config} config
 * @returns {Row[]}
 */
function listedHeads(config) {
  return (Array.isArray(config.heads) ? config.heads : []).filter(isHead).map(([layer, head]) => ({ layer, head }));
}

/**
 * The rows with the standard errors of scatter_errors.json, which a tree need not have.
 * @param {Row[]} rows
 * @param {unknown} errors
 * @returns {Row[]}
 */
function withErrors(rows, errors) {
  if (!Array.isArray(errors)) return rows;
  const key = (/** @type {Row | null} */ row) => `${row?.layer}.${row?.head}`;
  const byHead = new Map(errors.map((row) => [key(row), row]));
  return rows.map((row) => (byHead.has(key(row)) ? { ...row, standard_errors: byHead.get(key(row)) } : row));
}

/**
 * {rows} of scatter_data.json, or {error}.
 * @param {string} base
 * @returns {Promise<{rows?: Row[], error?: Error}>}
 */
async function readScatter(base) {
  try {
    const rows = await readJson(new URL("scatter_data.json", base), "scatter_data.json", { cache: "no-cache" });
    if (!Array.isArray(rows)) throw new FileError("scatter_data.json is not a list.");
    return { rows: rows.filter((/** @type {Row | null} */ row) => Number.isInteger(row?.layer) && Number.isInteger(row?.head)) };
  } catch (error) {
    return { error };
  }
}

/**
 * @param {string} base
 * @param {string} path
 * @param {object} fallback
 * @param {Problems} problems
 * @returns {Promise<any>} an object of JSON
 */
async function optional(base, path, fallback, problems) {
  try {
    const value = await readJson(new URL(path, base), path, { cache: "no-cache" });
    return value !== null && typeof value === "object" ? value : fallback;
  } catch (error) {
    if (!error.missing) problems.add(path, error.message);
    return fallback;
  }
}

/** What is missing or broken, one sentence a file; the latest word on a file counts. */
function createProblems() {
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

/** @param {Opened} opened */
function createTree({ base, config, rows, server, manifest, promptIndex, notes, problems, reader }) {
  const listed = listedHeads(config);
  const heads = listed.length ? listed : rows.map(({ layer, head }) => ({ layer, head }));
  /** @type {Map<string, Promise<Payload>>} */
  const kept = new Map();
  /** @type {Promise<Record<string, string[]>> | null} */
  let sequencesOfClouds = null;
  /** @type {Promise<any> | null} */
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
     * A file as a reader of the worker's makes it.
     * @param {string} kind
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
        const list = Array.isArray(file) ? file : Array.isArray(file?.sequences) ? file.sequences : [];
        return list.flatMap((/** @type {Loose} */ record) => fromRecord(record) ?? []);
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
      sequencesOfClouds ??= reader.read("json", url("umap/sequences.json"), "umap/sequences.json").catch((/** @type {Error} */ error) => {
        problems.add("umap/sequences.json", `${error.message} Points of the projection have no text.`);
        return {};
      });
      return sequencesOfClouds;
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

/** Reads through the worker: parsing a large file must not stop the page. */
function createReader() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, tell: Tell}>} */
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
    else call.resolve(result);
  };
  worker.onerror = () => {
    for (const call of waiting.values()) call.reject(new FileError("The worker that reads the files could not start."));
    waiting.clear();
  };
  return {
    /**
     * `ask` is what a reader is asked about the file, beside its kind; `tell(bytes)` hears how far a large one is.
     * @param {string} kind
     * @param {string} href
     * @param {string} path
     * @param {AbortSignal} [signal]
     * @param {Edge | null} ask
     * @param {Tell} tell
     * @returns {Promise<any>} what that reader of the worker makes of it
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
