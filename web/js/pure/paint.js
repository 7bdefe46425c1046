// SPDX-License-Identifier: Apache-2.0
// Colours of a cloud's points: by norm, attention, distance, a token rule or cluster.

import { rankShares } from "./cloud.js";
import { MISSING, viridisStep } from "./colour.js";

export const PAINTS = [["norm", "query norm (rank)"], ["attention", "attention"], ["distance", "distance |q − k|"], ["token", "token rule"], ["cluster", "cluster"]];

const OTHER = "#b9b6ae";
const MATCH = "#d94801";

/**
 * A colour a point. `points` has {n, q, k, norms, attention}; `tokenAt(i)` is the token the rule
 * reads; `clusterOf` the cluster index a point.
 */
export function paintPoints(paint, { points, attention, rule, tokenAt, clusters, clusterOf }) {
  const each = (colour) => Array.from({ length: points.n }, (_, i) => colour(i));
  if (paint === "cluster") return each((i) => (clusterOf[i] >= 0 ? clusters[clusterOf[i]].color : "#cccccc"));
  if (paint === "token") return each((i) => (rule && tokenAt(i) !== null && rule.test(tokenAt(i)) ? MATCH : OTHER));
  if (paint === "distance") {
    const distances = each((i) => Math.abs(points.q[i] - points.k[i]));
    const most = Math.log1p(Math.max(1, ...distances));
    return distances.map((d) => viridisStep(Math.log1p(d) / most));
  }
  if (paint === "attention") return each((i) => (Number.isFinite(attention(i)) ? viridisStep(attention(i)) : MISSING));
  if (!points.norms) return each(() => MISSING);
  const shares = rankShares(points.norms);
  return each((i) => (Number.isFinite(shares[i]) ? viridisStep(shares[i]) : MISSING));
}
