// SPDX-License-Identifier: Apache-2.0
// Colours of a cloud's points: by norm, attention, distance, a token rule or cluster.

import { rankShares } from "./cloud.js";
import { MISSING, viridisStep } from "./colour.js";

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
  token: ({ rule, tokenAt }) => (i) => (rule && tokenAt(i) !== null && rule.test(tokenAt(i)) ? MATCH : OTHER),
  cluster: ({ clusters, clusterOf }) => (i) => (clusterOf[i] >= 0 ? clusters[clusterOf[i]].color : UNCLUSTERED),
};

/**
 * A colour for each of `total` points. `identity(i)` is [sequence, query, key]; `norm(i)` and
 * `attention(i)` are NaN where unknown; `tokenAt(i)` is the token the rule reads, null without;
 * `clusterOf` the index of each point's cluster, -1 for none.
 */
export function paintPoints(paint, points) {
  const colour = (Object.hasOwn(PAINTERS, paint) ? PAINTERS[paint] : PAINTERS.norm)(points);
  return Array.from({ length: points.total }, (_, i) => colour(i));
}
