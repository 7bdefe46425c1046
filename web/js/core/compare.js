// SPDX-License-Identifier: Apache-2.0
// A second head beside the open one: its payload, and its pattern on the sequences of the open head.

import { address, parseAddress } from "../pure/format.js";
import { canRun, runPattern } from "./pattern.js";
import { isCustomId } from "../pure/sequence.js";

/** @typedef {import("../pure/sequence.js").Sequence} Sequence */

/**
 * Follows `vs` in the store; every change bumps `vsVersion`.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {import("./app.js").Backend} backend
 * @param {ReturnType<typeof import("./prompts.js").createPrompts>} prompts
 */
export function createCompare(tree, store, backend, prompts) {
  let version = 0;
  /** @type {import("../pure/shapes.js").Address | null} */
  let other = null;
  /** @type {Awaited<ReturnType<typeof tree.head>> | null} */
  let data = null;
  /** @type {Map<string, Promise<Sequence | null>>} */
  let told = new Map();

  async function follow() {
    const wanted = parseAddress(store.state.vs);
    const found = wanted && tree.heads.find((h) => h.layer === wanted.layer && h.head === wanted.head);
    const next = found ?? null;
    if (next?.layer === other?.layer && next?.head === other?.head) return;
    other = next;
    data = null;
    told = new Map();
    store.set({ vsVersion: ++version });
    if (!next) return;
    const read = await tree.head(next.layer, next.head).catch(() => null);
    if (other !== next) return;
    data = read;
    told = new Map(); // what was asked before it came
    store.set({ vsVersion: ++version });
  }

  /**
   * @param {string} id
   * @returns {Promise<Sequence | null>}
   */
  async function find(id) {
    if (!other) return null;
    const { layer, head } = other;
    const stored = data?.sequences.find((s) => s.id === id);
    if (stored) return stored;
    if (prompts.find(id)) return prompts.sequence(id, layer, head);
    if (isCustomId(id)) return (await tree.custom(layer, head).catch(() => [])).find((s) => s.id === id) ?? null;
    return runPattern(backend, store.state, other, id);
  }

  store.on(["vs"], follow);
  let offered = false;
  store.on(["backendStatus"], () => {
    const now = canRun(backend, store.state);
    if (now && !offered && other) {
      told = new Map(); // what nobody knew before
      store.set({ vsVersion: ++version });
    }
    offered = now;
  });
  follow();
  return {
    /** The other head's address; "" while none is pinned or it is the open one. */
    get name() {
      const { layer, head } = store.state;
      return other && (other.layer !== layer || other.head !== head) ? address(other.layer, other.head) : "";
    },
    get head() {
      return this.name ? other : null;
    },
    /** The other head's payload; null while it is not there. */
    get data() {
      return this.name ? data : null;
    },
    /** Its largest max_activation, for one scale over both. */
    get largest() {
      return (this.data?.sequences ?? []).reduce((most, s) => Math.max(most, s.max), 0);
    },
    /**
     * Its pattern on a sequence of the open head: stored, of a prompt, or told by the model; null where nobody knows it.
     * @param {string} id
     */
    sequence(id) {
      const found = told.get(id) ?? find(id);
      told.set(id, found);
      found.catch(() => told.delete(id));
      return found;
    },
  };
}
