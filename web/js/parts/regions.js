// SPDX-License-Identifier: Apache-2.0
// Contours and names of the dense regions of a 2-D cloud: where points crowd, and which tokens crowd there.

import { contour, densityOf, regionsOf, typical } from "../pure/density.js";
import { quoted } from "../pure/format.js";

const LEVELS = [0.1, 0.25, 0.5, 0.75];

/**
 * The lines and names of points in the plane.
 * @param {ReturnType<typeof import("./cloudmodel.js").createCloudModel>} model
 * @param {Float32Array} flat x, y of each point
 * @returns {{lines: {level: number, path: number[]}[], names: {text: string, points: number[]}[]}}
 */
export function regionsOfCloud(model, flat) {
  const density = densityOf(flat);
  if (!density) return { lines: [], names: [] };
  const tokens = Array.from({ length: model.total }, (_, i) => {
    const [, q, k] = model.identity(i);
    const all = model.tokensOf(i);
    return { query: all?.[q], key: all?.[k] };
  });
  const sides = /** @type {const} */ (["query", "key"]);
  const everywhere = sides.map((side) => tokens.map((t) => t[side]));
  const names = regionsOf(density, flat).flatMap((points) => {
    const [query, key] = sides.map((side, s) => typical(points.map((i) => tokens[i][side]), everywhere[s]));
    // The side that says more; where both do, the edge.
    const words = query && key ? `${quoted(query.value)} → ${quoted(key.value)}`
      : query ? `${quoted(query.value)} → …` : key ? `… → ${quoted(key.value)}` : "";
    return words ? [{ text: words, points }] : [];
  });
  return { lines: LEVELS.flatMap((level) => contour(density, level).map((path) => ({ level, path }))), names };
}
