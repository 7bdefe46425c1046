// SPDX-License-Identifier: Apache-2.0
// The files of a tree's heads: read when they are asked for, the latest few kept.

import { address } from "../pure/format.js";

const KEPT_HEADS = 6; // a large head file is some 15 MB unpacked

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("./reader.js").Tell} Tell
 * @typedef {{sequences: import("../pure/sequence.js").Sequence[], rest: Loose}} Payload a head's file: its sequences, and all else as it is
 */

/**
 * @param {(path: string) => string} url
 * @param {Pick<import("./tree.js").Opened, "config" | "reader" | "problems">} opened
 */
export function createPayloads(url, { config, reader, problems }) {
  /** @type {Map<string, Promise<Payload>>} */
  const kept = new Map();
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
    headPath,
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
