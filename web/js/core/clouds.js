// SPDX-License-Identifier: Apache-2.0
// The clouds of a tree: which heads have one, their points, clusters and texts.

import { address } from "../pure/format.js";

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("./reader.js").Tell} Tell
 */

/**
 * @param {(path: string) => string} url
 * @param {Pick<import("./tree.js").Opened, "config" | "reader" | "problems">} opened
 */
export function createClouds(url, { config, reader, problems }) {
  /** @type {Promise<Loose> | null} */
  let sequencesOfClouds = null;
  return {
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
  };
}
