// SPDX-License-Identifier: Apache-2.0
// Named clusters of cloud points: each a list of [sequence, query, key], a point in one at most.

import { PALETTE } from "./colour.js";

const keyOf = (point) => `${point[0]}|${point[1]}|${point[2]}`;

/** Clusters of a cloud file, without whatever does not have their shape. */
export function readClusters(value) {
  if (!Array.isArray(value)) return [];
  return value
    .filter((c) => c && typeof c.name === "string" && Array.isArray(c.points))
    .map((c, i) => ({
      name: c.name,
      color: typeof c.color === "string" && /^#[0-9a-f]{6}$/i.test(c.color) ? c.color : PALETTE[i % PALETTE.length],
      points: c.points.filter((p) => Array.isArray(p) && p.length === 3),
    }));
}

/** Adds points under a name: an existing one grows, and the points leave every other cluster. */
export function addToCluster(clusters, name, points) {
  const taken = new Set(points.map(keyOf));
  const rest = clusters.map((c) => ({ ...c, points: c.points.filter((p) => !taken.has(keyOf(p))) }));
  const there = rest.find((c) => c.name === name);
  if (there) there.points = [...there.points, ...points];
  else rest.push({ name, color: freeColour(rest), points: [...points] });
  return rest.filter((c) => c.points.length);
}

function freeColour(clusters) {
  const used = new Set(clusters.map((c) => c.color));
  return PALETTE.find((colour) => !used.has(colour)) ?? PALETTE[clusters.length % PALETTE.length];
}

/** Renames a cluster; taking the name of another merges the two. */
export function renameCluster(clusters, from, to) {
  const moved = clusters.find((c) => c.name === from);
  if (!moved || from === to || !to) return clusters;
  if (clusters.some((c) => c.name === to)) return addToCluster(clusters.filter((c) => c !== moved), to, moved.points);
  return clusters.map((c) => (c === moved ? { ...c, name: to } : c));
}

/** Without the cluster of that name. */
export const deleteCluster = (clusters, name) => clusters.filter((c) => c.name !== name);

/** Index of the cluster of each point (-1: none); `identity(i)` gives the point's triple. */
export function membership(clusters, count, identity) {
  const of = new Map();
  clusters.forEach((cluster, index) => cluster.points.forEach((point) => of.set(keyOf(point), index)));
  return Int16Array.from({ length: count }, (_, i) => of.get(keyOf(identity(i))) ?? -1);
}
