// SPDX-License-Identifier: Apache-2.0
// A loaded cloud and its projected points as one row of points: who they are and where they lie.

import { SPACES, projectedPosition } from "../pure/cloud.js";
import { valueAt } from "../pure/sequence.js";

const COMMONEST = 6; // tokens and sequences told of a cluster

/**
 * @typedef {import("../pure/cloud.js").Cloud} Cloud
 * @typedef {Cloud["layouts"][number]} Layout
 */

/**
 * Points 0 to cloud.n - 1 are the cloud's, the projected ones follow. `tokens` is
 * umap/sequences.json, `session` the open head.
 * @param {{cloud: Cloud, tokens: Record<string, unknown>,
 *   session: {sequence: (id: string) => import("../pure/sequence.js").Sequence | null}}} of
 */
export function createCloudModel({ cloud, tokens, session }) {
  const own = (/** @type {number} */ i) => (i < cloud.n ? null : cloud.projected[i - cloud.n]);

  const model = {
    cloud,
    get total() {
      return cloud.n + cloud.projected.length;
    },

    /**
     * [sequence, query, key] of a point.
     * @param {number} i
     * @returns {[string, number, number]}
     */
    identity(i) {
      const point = own(i);
      return point ? [String(point.seq_idx), point.top_q, point.top_k] : [cloud.seq[i], cloud.q[i], cloud.k[i]];
    },

    /**
     * The tokens of a point's sequence, or null.
     * @param {number} i
     */
    tokensOf(i) {
      const [seq] = model.identity(i);
      const found = own(i)?.tokens ?? tokens[seq] ?? session.sequence(seq)?.tokens;
      return Array.isArray(found) ? found.map(String) : null;
    },

    /**
     * A[q, k] of a point where the cloud or the head's payload has it, else NaN.
     * @param {number} i
     */
    attention(i) {
      if (i < cloud.n && cloud.attention) return cloud.attention[i];
      const [seq, q, k] = model.identity(i);
      const sequence = session.sequence(seq);
      return sequence ? valueAt(sequence, q, k) || NaN : NaN;
    },

    /**
     * |Q| of a point, or NaN.
     * @param {number} i
     */
    norm: (i) => {
      const point = own(i);
      return point ? point.norm ?? NaN : cloud.norms ? cloud.norms[i] : NaN;
    },

    /**
     * How the URL calls a point: its number, or p and the number of a projected one.
     * @param {number} i
     */
    nameOf: (i) => (i < 0 ? "" : i < cloud.n ? String(i) : `p${i - cloud.n}`),

    /**
     * The point of a name, -1 for none.
     * @param {string} name
     */
    pointOf(name) {
      const match = /^(p?)(\d{1,9})$/.exec(name);
      if (!match) return -1;
      const i = Number(match[2]) + (match[1] ? cloud.n : 0);
      return i < model.total ? i : -1;
    },

    /**
     * The point of an edge, -1 for none.
     * @param {import("../pure/shapes.js").Edge} edge
     */
    find({ seq, q, k }) {
      const wanted = `${seq}|${q}|${k}`;
      for (let i = 0; i < model.total; i++) if (model.identity(i).join("|") === wanted) return i;
      return -1;
    },

    /**
     * What points given as triples are made of.
     * @param {{points: import("../pure/clusters.js").Triple[]}} cluster
     * @returns {import("../pure/clusters.js").Described}
     */
    describe({ points }) {
      const wanted = new Set(points.map((p) => p.join("|")));
      /** @type {Record<"queries" | "keys" | "sequences", Map<string, number>>} */
      const counts = { queries: new Map(), keys: new Map(), sequences: new Map() };
      /** @type {(map: Map<string, number>, key: string | undefined) => unknown} */
      const count = (map, key) => key !== undefined && map.set(key, (map.get(key) ?? 0) + 1);
      /** @type {Record<string, string>} */
      const first = {};
      let [sum, known] = [0, 0];
      for (let i = 0; i < model.total; i++) {
        const [seq, q, k] = model.identity(i);
        if (!wanted.has(`${seq}|${q}|${k}`)) continue;
        const tokens = model.tokensOf(i);
        count(counts.queries, tokens?.[q]);
        count(counts.keys, tokens?.[k]);
        count(counts.sequences, seq);
        first[seq] ??= model.nameOf(i);
        const value = model.attention(i);
        if (Number.isFinite(value)) [sum, known] = [sum + value, known + 1];
      }
      const top = (/** @type {Map<string, number>} */ map) => [...map].sort((a, b) => b[1] - a[1]).slice(0, COMMONEST);
      return {
        queries: top(counts.queries), keys: top(counts.keys), sequences: top(counts.sequences), first,
        attention: known ? sum / known : NaN,
      };
    },

    /**
     * The layout of that name, else the first UMAP view, else what there is.
     * @param {string} name
     * @returns {Layout}
     */
    layout: (name) =>
      cloud.layouts.find((l) => l.name === name) ?? cloud.layouts.find((l) => l.name !== "pca") ?? cloud.layouts[0],

    /**
     * The spaces of a layout that are among `wanted`; at least one.
     * @param {Layout} layout
     * @param {string} wanted
     */
    spaces(layout, wanted) {
      const have = SPACES.filter((s) => layout.spaces[s]);
      const chosen = have.filter((s) => wanted.includes(s));
      return chosen.length ? chosen : have.slice(0, 1);
    },

    /**
     * x, y, z of every point in a space of a layout.
     * @param {Layout} layout
     * @param {string} space
     */
    positions(layout, space) {
      const xyz = new Float32Array(3 * model.total).fill(NaN);
      xyz.set(layout.spaces[space]);
      cloud.projected.forEach((point, i) => {
        const at = projectedPosition(point, layout.name, space);
        if (at) xyz.set(at, 3 * (cloud.n + i));
      });
      return xyz;
    },
  };
  return model;
}
