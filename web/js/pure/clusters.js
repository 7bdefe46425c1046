// SPDX-License-Identifier: Apache-2.0
// Named clusters of cloud points: each a list of [sequence, query, key], a point in one at most.

import { PALETTE } from "./colour.js";
import { quoted } from "./format.js";

/**
 * @typedef {[number | string, number, number]} Triple sequence, query, key
 * @typedef {{name: string, color: string, points: Triple[]}} Cluster
 * @typedef {{queries: [string, number][], keys: [string, number][], attention: number, sequences: [string, number][],
 *   first: Record<string, string>}} Described commonest tokens and sequences with how often; `attention` is their mean (NaN
 *   unknown); `first` names a point of each sequence
 */

/** @param {ArrayLike<unknown>} point */
const keyOf = (point) => `${point[0]}|${point[1]}|${point[2]}`;

/**
 * Clusters of a cloud file, without whatever does not have their shape.
 * @param {unknown} value
 * @returns {Cluster[]}
 */
export function readClusters(value) {
  if (!Array.isArray(value)) return [];
  return value
    .filter((c) => c && typeof c.name === "string" && Array.isArray(c.points))
    .map((c, i) => ({
      name: c.name,
      color: typeof c.color === "string" && /^#[0-9a-f]{6}$/i.test(c.color) ? c.color : PALETTE[i % PALETTE.length],
      points: c.points.filter((/** @type {unknown} */ p) => Array.isArray(p) && p.length === 3),
    }));
}

/**
 * Adds points under a name: an existing one grows, and the points leave every other cluster.
 * @param {Cluster[]} clusters
 * @param {string} name
 * @param {Triple[]} points
 */
export function addToCluster(clusters, name, points) {
  const taken = new Set(points.map(keyOf));
  const rest = clusters.map((c) => ({ ...c, points: c.points.filter((p) => !taken.has(keyOf(p))) }));
  const there = rest.find((c) => c.name === name);
  if (there) there.points = [...there.points, ...points];
  else rest.push({ name, color: freeColour(rest.map((c) => c.color)), points: [...points] });
  return rest.filter((c) => c.points.length);
}

/** @param {string[]} used */
function freeColour(used) {
  return PALETTE.find((colour) => !used.includes(colour)) ?? PALETTE[used.length % PALETTE.length];
}

/**
 * What giving points a name costs other clusters, in words: "Takes 634 from X, removes Y."; empty when nothing.
 * @param {Cluster[]} clusters
 * @param {string} name
 * @param {Triple[]} points
 */
export function losses(clusters, name, points) {
  const taken = new Set(points.map(keyOf));
  const hit = clusters.filter((c) => c.name !== name)
    .map((c) => ({ name: c.name, left: c.points.filter((p) => !taken.has(keyOf(p))).length, of: c.points.length }))
    .filter(({ left, of }) => left < of);
  const takes = hit.filter(({ left }) => left > 0).map((c) => `takes ${c.of - c.left} from ${c.name}`);
  const removes = hit.filter(({ left }) => left === 0).map((c) => `removes ${c.name}`);
  const words = [...takes, ...removes].join(", ");
  return words && `${words[0].toUpperCase()}${words.slice(1)}.`;
}

/**
 * "the → cat": the commonest query and key of points as a name for them; empty where their tokens are not known.
 * @param {Described | null | undefined} described
 */
export const suggestedName = (described) => (described?.queries.length && described.keys.length
  ? `${quoted(described.queries[0][0])} → ${quoted(described.keys[0][0])}` : "");

/**
 * Clusters in which the changes from `base` to `mine` and from `base` to `theirs` both count; a point that both moved is
 * where `mine` has it.
 * @param {Cluster[]} base
 * @param {Cluster[]} mine
 * @param {Cluster[]} theirs
 * @returns {Cluster[]}
 */
export function mergeClusters(base, mine, theirs) {
  const before = placesOf(base);
  const here = placesOf(mine);
  const there = placesOf(theirs);
  const colours = new Map([...mine, ...theirs].map((c) => [c.name, c.color]));
  // What both sides made first has the first colour on both.
  for (const { name, color } of mine) {
    const isNew = [...base, ...theirs].every((c) => c.name !== name);
    if (isNew && theirs.some((c) => c.color === color)) colours.set(name, freeColour([...colours.values()]));
  }
  /** @type {Map<string, Triple[]>} */
  const merged = new Map([...theirs, ...mine].map((c) => [c.name, []]));
  const points = new Map([...base, ...theirs, ...mine].flatMap((c) => c.points.map((p) => [keyOf(p), p])));
  for (const [key, point] of points) {
    const name = here.get(key) === before.get(key) ? there.get(key) : here.get(key);
    if (name !== undefined) merged.get(name)?.push(point);
  }
  return [...merged].filter(([, list]) => list.length)
    .map(([name, list]) => ({ name, color: colours.get(name) ?? PALETTE[0], points: list }));
}

/**
 * The cluster of each point by name.
 * @param {Cluster[]} clusters
 */
const placesOf = (clusters) => new Map(clusters.flatMap((c) => c.points.map((p) => [keyOf(p), c.name])));

/**
 * Renames a cluster; taking the name of another merges the two.
 * @param {Cluster[]} clusters
 * @param {string} from
 * @param {string} to
 */
export function renameCluster(clusters, from, to) {
  const moved = clusters.find((c) => c.name === from);
  if (!moved || from === to || !to) return clusters;
  if (clusters.some((c) => c.name === to)) return addToCluster(clusters.filter((c) => c !== moved), to, moved.points);
  return clusters.map((c) => (c === moved ? { ...c, name: to } : c));
}

/**
 * Without the cluster of that name.
 * @param {Cluster[]} clusters
 * @param {string} name
 */
export const deleteCluster = (clusters, name) => clusters.filter((c) => c.name !== name);

/**
 * Index of the cluster of each point (-1: none); `identity(i)` gives the point's triple.
 * @param {Cluster[]} clusters
 * @param {number} count
 * @param {(i: number) => ArrayLike<unknown>} identity
 */
export function membership(clusters, count, identity) {
  const of = new Map();
  clusters.forEach((cluster, index) => cluster.points.forEach((point) => of.set(keyOf(point), index)));
  return Int16Array.from({ length: count }, (_, i) => of.get(keyOf(identity(i))) ?? -1);
}
