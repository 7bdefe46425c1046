// SPDX-License-Identifier: Apache-2.0
// The points of clouds as their painters take them: of one head, or of two on one scale.

import { membership } from "../pure/clusters.js";
import { tokenRule } from "../pure/match.js";

/**
 * @typedef {import("../pure/clusters.js").Cluster} Cluster
 * @typedef {import("./clouds.js").Model} Model
 * @typedef {ReturnType<typeof pointsOf>} Points
 */

/**
 * What colours the points of a cloud, as the state says.
 * @param {import("../core/app.js").App} app
 * @param {Model} model
 * @param {Cluster[]} clusters
 */
export function pointsOf({ store }, { total, identity, norm, attention, tokensOf }, clusters) {
  const reader = tokenRule(store.state.rule);
  const side = store.state.side === "q" ? 1 : 2;
  return {
    total, identity, norm, attention, clusters, rule: store.state.rule ? reader : null,
    tokenAt: (/** @type {number} */ i) => tokensOf(i)?.[identity(i)[side]] ?? null,
    clusterOf: membership(clusters, total, identity), only: clusters.findIndex((c) => c.name === store.state.onlyCluster),
  };
}

/**
 * The clusters' names and the points of each.
 * @param {Model} model
 * @param {Cluster[]} clusters
 */
export function namesOf(model, clusters) {
  const of = clusters.length ? membership(clusters, model.total, model.identity) : [];
  return clusters.map((cluster, c) => ({
    text: cluster.name, sure: true, points: Array.from(of.keys()).filter((i) => of[i] === c),
  }));
}

/**
 * The points of two heads as one row, so that ranks and scales are over both.
 * @param {Points} first
 * @param {Points} second
 * @returns {Points}
 */
export function pooled(first, second) {
  const n = first.total;
  /** @type {<T>(read: (points: Points) => (i: number) => T) => (i: number) => T} */
  const either = (read) => (i) => (i < n ? read(first)(i) : read(second)(i - n));
  const later = first.clusters.length;
  return {
    total: n + second.total, rule: first.rule, only: first.only,
    identity: either((p) => p.identity), norm: either((p) => p.norm), attention: either((p) => p.attention),
    tokenAt: either((p) => p.tokenAt), clusters: [...first.clusters, ...second.clusters],
    clusterOf: Int16Array.from({ length: n + second.total }, (_, i) =>
      (i < n ? first.clusterOf[i] : second.clusterOf[i - n] < 0 ? -1 : second.clusterOf[i - n] + later)),
  };
}
