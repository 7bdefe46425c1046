// SPDX-License-Identifier: Apache-2.0
// Prompts that were run through all heads of the tree at once: their list, their order, and what each head does on them.

import { fromRecord, valueAt } from "../pure/sequence.js";

const KEPT = 32; // layers of prompts, and heads.json files, kept in memory

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/shapes.js").Parsed} Parsed
 * @typedef {{id: string, name: string, text: string, n: number}} Prompt
 * @typedef {{id: string, tokens: string[], side: number, metrics: string[], heads: PromptHead[]}} PromptHeads
 * @typedef {{layer: number, head: number, values: Record<string, number>, cells: Uint8Array}} PromptHead `cells` are side x side
 *   strongest attentions, 255 for 1
 */

/**
 * `prompts.list` follows the tree; every change bumps the store's `promptVersion`.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {import("./app.js").Backend} backend
 */
export function createPrompts(tree, store, backend) {
  let version = 0;
  /** @type {ReturnType<typeof createMemory<PromptHeads>>} */
  const heads = createMemory(KEPT);
  /** @type {ReturnType<typeof createMemory<Parsed>>} */
  const layers = createMemory(KEPT);
  const prompts = {
    list: readIndex(tree.promptIndex),

    /**
     * Runs a text through all heads; answers its id.
     * @param {string} text
     * @param {string} [name]
     */
    async add(text, name = "") {
      const answer = await ask("add_prompt", { text, name });
      const found = readHeads(answer);
      heads.put(found.id, Promise.resolve(found));
      await prompts.refresh();
      return found.id;
    },
    /**
     * Another order, other names, or fewer.
     * @param {Prompt[]} next
     */
    async arrange(next) {
      const known = prompts.list.map((p) => p.id);
      const body = { prompts: next.map((p) => ({ sequence_id: p.id, name: p.name })), known };
      put(readIndex(await ask("arrange_prompts", body)));
    },
    /**
     * What all heads do on a prompt, in small.
     * @param {string} id
     * @returns {Promise<PromptHeads>}
     */
    heads: (id) => heads.get(id, () => tree.read("prompt", `prompts/${id}/heads.json`).then(readHeads)),

    /**
     * The pattern of one head on a prompt; null where it was not run for the head.
     * @param {string} id
     * @param {number} layer
     * @param {number} head
     */
    async sequence(id, layer, head) {
      const file = await layers.get(`${id} ${layer}`, () => tree.read("prompt", `prompts/${id}/L${layer}.json`));
      const { sequences = [], tokens } = /** @type {{sequences?: Loose[], tokens?: unknown}} */ (file ?? {});
      const record = sequences.find((r) => r.head === head);
      return record ? fromRecord({ ...record, tokens, interval: -1 }) : null;
    },
    /**
     * The patterns of a head on all prompts, in their order.
     * @param {number} layer
     * @param {number} head
     */
    async of(layer, head) {
      const found = await Promise.all(prompts.list.map(({ id }) =>
        prompts.sequence(id, layer, head).catch((error) => (error.missing ? null : Promise.reject(error)))));
      return found.flatMap((s) => s ?? []);
    },
    /**
     * Attention of each head on an edge of a prompt, by address, as far as it is stored.
     * @param {string} id
     * @param {number} q
     * @param {number} k
     */
    async edge(id, q, k) {
      const { heads: all } = await prompts.heads(id);
      return Promise.all(all.map(async ({ layer, head }) => {
        const sequence = await prompts.sequence(id, layer, head);
        return { layer, head, value: sequence ? valueAt(sequence, q, k) : 0 };
      }));
    },
    /** Reads the list anew; others may have changed it. */
    async refresh() {
      const now = readIndex(await tree.read("prompt", "prompts/index.json").catch(() => null));
      if (JSON.stringify(now) !== JSON.stringify(prompts.list)) put(now);
    },
    /**
     * The prompt of an id, if it is one.
     * @param {string} id
     */
    find: (id) => prompts.list.find((p) => p.id === id) ?? null,
  };

  /**
   * @param {string} name
   * @param {object} body
   */
  async function ask(name, body) {
    if (!backend) throw new Error("Without a backend prompts can be read, not run: make serve starts one.");
    return backend.call(name, body);
  }
  /** @param {Prompt[]} next */
  function put(next) {
    prompts.list = next;
    store.set({ promptVersion: ++version });
  }
  store.on(["treeChanges"], () => prompts.refresh());
  return prompts;
}

/**
 * The latest results of asynchronous readings; what failed is not kept.
 * @template T
 * @param {number} most
 */
function createMemory(most) {
  /** @type {Map<string, Promise<T>>} */
  const kept = new Map();
  const put = (/** @type {string} */ key, /** @type {Promise<T>} */ value) => {
    kept.delete(key);
    kept.set(key, value);
    value.catch(() => kept.delete(key));
    while (kept.size > most) kept.delete(kept.keys().next().value ?? "");
    return value;
  };
  return { put, get: (/** @type {string} */ key, /** @type {() => Promise<T>} */ make) => put(key, kept.get(key) ?? make()) };
}

/** @type {(value: unknown) => (Loose | null)[]} */
const listOf = (value) => (Array.isArray(value) ? value : []);
const wholeOf = (/** @type {unknown} */ value) => (typeof value === "number" && Number.isInteger(value) ? value : 0);

/**
 * @param {Parsed} file
 * @returns {Prompt[]}
 */
function readIndex(file) {
  const list = listOf(file?.prompts);
  const text = (/** @type {unknown} */ value) => (typeof value === "string" ? value : "");
  return list.map((p) => ({ id: text(p?.sequence_id), name: text(p?.name), text: text(p?.text), n: wholeOf(p?.seq_len) }))
    .filter(({ id }) => /^c[0-9a-f]{1,64}$/.test(id));
}

const NOT_METRICS = new Set(["layer", "head"]);

/**
 * What was measured of a head.
 * @param {Loose} head
 */
function valuesOf(head) {
  /** @type {Record<string, number>} */
  const values = {};
  for (const [key, v] of Object.entries(head)) if (typeof v === "number" && !NOT_METRICS.has(key)) values[key] = v;
  return values;
}

/**
 * @param {Parsed} file
 * @returns {PromptHeads}
 */
function readHeads(file) {
  const side = wholeOf(file?.thumbnail_side);
  const heads = listOf(file?.heads).filter((h) => Number.isInteger(h?.layer) && Number.isInteger(h?.head)).map((h) => ({
    layer: wholeOf(h?.layer), head: wholeOf(h?.head), cells: cellsOf(h?.thumbnail, side * side), values: valuesOf(h ?? {}),
  }));
  return {
    id: String(file?.sequence_id ?? ""), tokens: listOf(file?.tokens).map(String), side, heads,
    metrics: Object.keys(heads[0]?.values ?? {}),
  };
}

/**
 * Bytes of base64; zeros where they are not as many as they should be.
 * @param {unknown} text
 * @param {number} count
 */
function cellsOf(text, count) {
  const cells = new Uint8Array(count);
  try {
    const bytes = atob(String(text));
    if (bytes.length === count) for (let i = 0; i < count; i++) cells[i] = bytes.charCodeAt(i);
  } catch {
    // Not base64: an empty picture.
  }
  return cells;
}
