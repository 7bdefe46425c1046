// SPDX-License-Identifier: Apache-2.0
// Prompts that were run through all heads of the tree at once: their list, their order, and what each head does on them.

import { fromRecord, valueAt } from "../pure/sequence.js";

const KEPT = 32; // layers of prompts, and heads.json files, kept in memory

/**
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
  const heads = createMemory(KEPT);
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
      const record = file?.sequences?.find((/** @type {any} */ r) => r.head === head);
      return record ? fromRecord({ ...record, tokens: file.tokens, interval: -1 }) : null;
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
 * @param {number} most
 */
function createMemory(most) {
  /** @type {Map<string, Promise<any>>} */
  const kept = new Map();
  const put = (/** @type {string} */ key, /** @type {Promise<any>} */ value) => {
    kept.delete(key);
    kept.set(key, value);
    value.catch(() => kept.delete(key));
    while (kept.size > most) kept.delete(kept.keys().next().value ?? "");
    return value;
  };
  return { put, get: (/** @type {string} */ key, /** @type {() => Promise<any>} */ make) => put(key, kept.get(key) ?? make()) };
}

/**
 * @param {any} file
 * @returns {Prompt[]}
 */
function readIndex(file) {
  const list = Array.isArray(file?.prompts) ? file.prompts : [];
  return list.filter((/** @type {any} */ p) => /^c[0-9a-f]{1,64}$/.test(p?.sequence_id)).map((/** @type {any} */ p) => ({
    id: p.sequence_id, name: typeof p.name === "string" ? p.name : "", text: typeof p.text === "string" ? p.text : "",
    n: Number.isInteger(p.seq_len) ? p.seq_len : 0,
  }));
}

const NOT_METRICS = new Set(["layer", "head"]);

/**
 * @param {any} file
 * @returns {PromptHeads}
 */
function readHeads(file) {
  const side = Number.isInteger(file?.thumbnail_side) ? file.thumbnail_side : 0;
  const heads = (Array.isArray(file?.heads) ? file.heads : [])
    .filter((/** @type {any} */ h) => Number.isInteger(h?.layer) && Number.isInteger(h.head))
    .map((/** @type {any} */ h) => ({
      layer: h.layer, head: h.head, cells: cellsOf(h.thumbnail, side * side),
      values: Object.fromEntries(Object.entries(h).filter(([key, v]) => Number.isFinite(v) && !NOT_METRICS.has(key))),
    }));
  return {
    id: String(file?.sequence_id ?? ""), tokens: Array.isArray(file?.tokens) ? file.tokens.map(String) : [], side, heads,
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
