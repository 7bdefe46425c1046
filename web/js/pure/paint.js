// SPDX-License-Identifier: Apache-2.0
// Colours of a cloud's points: by norm, attention, distance, a token rule or cluster.

import { rankShares } from "./cloud.js";
import { MISSING, viridisStep } from "./colour.js";

/**
 * Points as a painter takes them: `identity(i)` is [sequence, query, key]; `norm(i)` and `attention(i)` are NaN where unknown;
 * `tokenAt(i)` is the token the rule reads, null without; `clusterOf` the index of each point's cluster, -1 for none.
 * @typedef {{total: number, identity: (i: number) => [string, number, number], norm: (i: number) => number,
 *   attention: (i: number) => number, rule: import("./match.js").Rule | null, tokenAt: (i: number) => string | null,
 *   clusters: import("./clusters.js").Cluster[], clusterOf: ArrayLike<number>, only?: number}} Points
 */

export const PAINTS = [
  ["norm", "query norm (rank)"],
  ["attention", "attention"],
  ["distance", "distance |q − k|"],
  ["token", "token rule"],
  ["cluster", "cluster"],
];

/** Colour of the points a token rule matches; the others stand back. */
export const MATCH = "#d94801";
const OTHER = "#b9b6ae";
const UNCLUSTERED = "#cccccc";

/** @type {Record<string, (points: Points) => (i: number) => string>} */
const PAINTERS = {
  norm({ total, norm }) {
    const shares = rankShares(Float64Array.from({ length: total }, (_, i) => norm(i)));
    return (i) => (Number.isFinite(shares[i]) ? viridisStep(shares[i]) : MISSING);
  },
  attention: ({ attention }) => (i) => (Number.isFinite(attention(i)) ? viridisStep(attention(i)) : MISSING),
  distance({ total, identity }) {
    const logs = Float64Array.from({ length: total }, (_, i) => Math.log1p(Math.abs(identity(i)[1] - identity(i)[2])));
    const most = logs.reduce((a, b) => Math.max(a, b), Math.LN2);
    return (i) => viridisStep(logs[i] / most);
  },
  token: ({ rule, tokenAt }) => (i) => {
    const token = tokenAt(i);
    return rule && token !== null && rule.test(token) ? MATCH : OTHER;
  },
  cluster: ({ clusters, clusterOf, only = -1 }) => (i) =>
    (clusterOf[i] >= 0 && (only < 0 || only === clusterOf[i]) ? clusters[clusterOf[i]].color : UNCLUSTERED),
};

/**
 * Whether a colour is of points that stand back.
 * @param {string} colour
 */
export const isBackground = (colour) => colour === OTHER || colour === UNCLUSTERED;

const RAMP = Array.from({ length: 9 }, (_, i) => viridisStep(i / 8));

/**
 * What the colours of a painting mean: its scale, or its colours by name; `stops` from the first to the last.
 * @param {string} paint
 * @param {Points} points
 */
export function legendOf(paint, points) {
  const most = (/** @type {(i: number) => number} */ read) => Array.from({ length: points.total }, (_, i) => read(i)).reduce((a, b) => (b > a ? b : a), 0);
  const longest = () => most((i) => Math.abs(points.identity(i)[1] - points.identity(i)[2]));
  switch (paint) {
    case "attention": return [{ text: "attention, 0 to 1", stops: RAMP }];
    case "distance": return [{ text: `|q − k|, 0 to ${longest()}, logarithmic`, stops: RAMP }];
    case "token": return [{ text: "matches the rule", stops: [MATCH] }, { text: "does not", stops: [OTHER] }];
    case "cluster": return [
      ...points.clusters.map((c) => ({ text: c.name, stops: [c.color] })), { text: "in no cluster", stops: [UNCLUSTERED] },
    ];
    default: return [{ text: "rank of |Q|, smallest to largest", stops: RAMP }];
  }
}

/**
 * A colour for each point.
 * @param {string} paint
 * @param {Points} points
 */
export function paintPoints(paint, points) {
  const colour = (Object.hasOwn(PAINTERS, paint) ? PAINTERS[paint] : PAINTERS.norm)(points);
  return Array.from({ length: points.total }, (_, i) => colour(i));
}
