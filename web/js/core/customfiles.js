// SPDX-License-Identifier: Apache-2.0
// The custom sequences that a tree has stored: which heads have some, and what they are.

import { readJson } from "./json.js";
import { optional } from "./problems.js";
import { address, isHead } from "../pure/format.js";
import { fromRecord } from "../pure/sequence.js";

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 */

/**
 * Where the custom sequences of a head are stored.
 * @param {number} layer
 * @param {number} head
 */
export const customPath = (layer, head) => `custom_sequences/${address(layer, head)}.json`;

/**
 * The heads with custom sequences that a server_config.json names, by address; null where it names none.
 * @param {Loose} server
 */
const customHeadsOf = (server) => (Array.isArray(server.custom_heads)
  ? new Set(server.custom_heads.filter(isHead).map(([layer, head]) => address(layer, head))) : null);

/**
 * @param {(path: string) => string} url
 * @param {Pick<import("./tree.js").Opened, "base" | "server" | "problems">} opened
 */
export function createCustomFiles(url, { base, server, problems }) {
  // Heads with custom sequences, by address; null where the tree does not say.
  let customHeads = customHeadsOf(server);
  async function readCustomHeads() {
    customHeads = customHeadsOf(await optional(base, "server_config.json", server, problems));
  }
  const custom = {
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
      if (custom.hasCustom(layer, head) === false) return [];
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
  };
  return custom;
}
