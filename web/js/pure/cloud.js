// SPDX-License-Identifier: Apache-2.0
// A head's projection cloud: points, their identity, and one position a space and layout.

/** Panels in the order they are shown; the names are the tree's. */
export const SPACES = ["O", "Q", "K", "V"];

/** What a space is, for titles. */
/** @type {Record<string, string>} */
export const SPACE_NAMES = { Q: "query", K: "key", V: "value", O: "output" };

/**
 * @typedef {{n: number, seq: string[], q: Int32Array, k: Int32Array, norms: Float64Array | null,
 *   attention: Float64Array | null, layouts: {name: string, label: string,
 *   spaces: Record<string, Float32Array>}[], explained: Record<string, number[]>, clusters: unknown,
 *   clustersVersion: string | undefined, projected: import("./shapes.js").ProjectedRecord[]}} Cloud
 * Positions are x, y, z of point after point; NaN where the file has none.
 * @typedef {import("./shapes.js").Loose} Loose
 * @typedef {{middle: number[], half: number}} Frame
 * @typedef {{x: number, y: number, z: number}} Vector
 * @typedef {{eye: Vector, up: Vector, center: Vector}} Camera
 */

/**
 * The cloud of a parsed umap file; accepts top-level `embeddings` and flat x / y points too.
 * @param {Loose | null | undefined} file
 * @returns {Cloud}
 */
export function packCloud(file, path = "The cloud") {
  if (!file || !Array.isArray(file.seq_idx)) throw new Error(`${path} has no seq_idx.`);
  const n = file.seq_idx.length;
  /** @param {unknown} list */
  const ints = (list) => {
    const given = Array.isArray(list) ? list : [];
    return Int32Array.from({ length: n }, (_, i) => (Number.isInteger(given[i]) ? given[i] : -1));
  };
  /** @param {unknown} list */
  const floats = (list) => (Array.isArray(list) ? Float64Array.from({ length: n }, (_, i) => list[i] ?? NaN) : null);
  /** @type {Cloud["layouts"]} */
  const layouts = [];
  /** @type {(name: string, label: string, spaces: unknown) => void} */
  const add = (name, label, spaces) => {
    const packed = packSpaces(spaces, n);
    if (Object.keys(packed).length) layouts.push({ name, label, spaces: packed });
  };
  if (file.pca) add("pca", "PCA", file.pca);
  /** @type {(Loose | null)[]} */
  const views = Array.isArray(file.views) ? file.views : file.embeddings ? [file] : [];
  views.forEach((view, i) => add(String(i), `UMAP ${viewLabel(view)}`.trim(), view?.embeddings));
  return {
    n,
    seq: file.seq_idx.map(String),
    q: ints(file.top_q),
    k: ints(file.top_k),
    norms: floats(file.norms),
    attention: floats(file.attention ?? file.attention_values),
    explained: packExplained(file.pca_explained_variance),
    layouts,
    clusters: file.clusters ?? [],
    clustersVersion: typeof file.clusters_version === "string" ? file.clusters_version : undefined,
    projected: Array.isArray(file.projected_points) ? file.projected_points : [],
  };
}

/**
 * Shares of the variance each axis of the PCA holds, by space; spaces without them are left out.
 * @param {unknown} given
 */
function packExplained(given) {
  /** @type {Record<string, number[]>} */
  const out = {};
  for (const space of SPACES) {
    const shares = /** @type {Loose | null | undefined} */ (given)?.[space];
    if (Array.isArray(shares) && shares.length && shares.every((v) => v >= 0 && v <= 1)) out[space] = shares.slice(0, 3);
  }
  return out;
}

/**
 * "25.5 % of the variance" and the shares of the axes; null where the file does not tell.
 * @param {number[] | undefined} shares
 */
export function explainedWords(shares) {
  if (!shares) return null;
  const percent = (/** @type {number} */ v) => `${(100 * v).toFixed(1)}%`;
  const total = percent(shares.reduce((a, b) => a + b, 0));
  return { total: `${total} of variance`, axes: `The axes hold ${shares.map(percent).join(", ")} of the variance, together ${total}.` };
}

/** @param {Loose | null} view */
function viewLabel(view) {
  const parts = [];
  if (view?.n_neighbors !== undefined) parts.push(`${view.n_neighbors} neighbours`);
  if (view?.min_dist !== undefined) parts.push(`min dist ${view.min_dist}`);
  return parts.join(", ");
}

/**
 * @param {unknown} spaces
 * @param {number} n
 */
function packSpaces(spaces, n) {
  /** @type {Record<string, Float32Array>} */
  const out = {};
  for (const [name, given] of Object.entries(spaces ?? {})) {
    const axes = /** @type {Record<string, number[]> | null} */ (given);
    const columns = axes?.d0 ? [axes.d0, axes.d1, axes.d2] : axes?.x ? [axes.x, axes.y, axes.z] : null;
    if (!columns || !SPACES.includes(name)) continue;
    const xyz = new Float32Array(3 * n);
    for (let i = 0; i < n; i++) {
      for (let d = 0; d < 3; d++) xyz[3 * i + d] = columns[d] ? columns[d][i] ?? NaN : 0;
    }
    out[name] = xyz;
  }
  return out;
}

/**
 * Position [x, y, z] of a projected point in a layout ("pca" or a view's number); null without.
 * @param {import("./shapes.js").ProjectedRecord} point
 * @param {string} layout
 * @param {string} space
 */
export function projectedPosition(point, layout, space) {
  const source = layout === "pca" ? point.pca : point.umap_views?.[Number(layout)];
  const axes = source?.[space];
  if (!axes) return null;
  const xyz = Array.isArray(axes) ? axes : [axes.d0, axes.d1, axes.d2 ?? 0];
  return xyz.every(Number.isFinite) ? xyz : null;
}

/**
 * Rank of each value from 0 (smallest) to 1, equal values by order; missing: NaN.
 * @param {Float64Array | number[]} values
 */
export function rankShares(values) {
  const order = Array.from(values.keys())
    .filter((i) => Number.isFinite(values[i]))
    .sort((a, b) => values[a] - values[b]);
  const out = new Float64Array(values.length).fill(NaN);
  order.forEach((i, rank) => {
    out[i] = order.length > 1 ? rank / (order.length - 1) : 0;
  });
  return out;
}

/**
 * Middle and half-size of the box around all positions, per axis; equal sizes keep the shape.
 * @param {Float32Array} xyz
 * @returns {Frame}
 */
export function frame(xyz) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xyz.length; i++) {
    const v = xyz[i];
    if (v < low[i % 3]) low[i % 3] = v;
    if (v > high[i % 3]) high[i % 3] = v;
  }
  const middle = low.map((a, d) => (Number.isFinite(a) ? (a + high[d]) / 2 : 0));
  const half = Math.max(...low.map((a, d) => (Number.isFinite(a) ? (high[d] - a) / 2 : 0))) || 1;
  return { middle, half };
}

export const SEEN = 0.98; // share of the points that fills a panel; a few strays must not make the others small

/**
 * Least and largest of numbers without the strays on either side; null without any number.
 * @param {Float32Array} values
 * @returns {[number, number] | null}
 */
export function mostOf(values) {
  const sorted = values.filter(Number.isFinite).sort();
  const stray = Math.floor(((1 - SEEN) / 2) * sorted.length);
  return sorted.length ? [sorted[stray], sorted[sorted.length - 1 - stray]] : null;
}

/**
 * The ball that holds most positions, so that they fill a panel from wherever they are seen: its middle and radius, and how far
 * from that middle any position lies along an axis.
 * @param {Float32Array} xyz
 * @returns {{middle: number[], radius: number, reach: number}}
 */
export function seenBall(xyz) {
  const middle = [0, 1, 2].map((d) => {
    const [low, high] = mostOf(xyz.filter((_, i) => i % 3 === d)) ?? [0, 0];
    return (low + high) / 2;
  });
  const away = (/** @type {number} */ i, /** @type {number} */ d) => Math.abs(xyz[3 * i + d] - middle[d]);
  const distances = Float32Array.from({ length: xyz.length / 3 }, (_, i) => Math.hypot(away(i, 0), away(i, 1), away(i, 2)))
    .filter(Number.isFinite).sort();
  const radius = distances[Math.ceil(SEEN * distances.length) - 1] || 1;
  const reach = xyz.reduce((most, v, i) => (Number.isFinite(v) ? Math.max(most, Math.abs(v - middle[i % 3])) : most), 0);
  return { middle, radius, reach: reach || radius };
}

/**
 * Screen axes of an orthographic camera at `eye` looking at the middle: unit vectors right and up.
 * `up` is the direction kept upright.
 * @param {Vector} eye
 */
export function cameraAxes(eye, up = { x: 0, y: 0, z: 1 }) {
  const f = unit([-eye.x, -eye.y, -eye.z]);
  let right = cross(f, [up.x, up.y, up.z]);
  if (Math.hypot(...right) < 1e-6) right = [1, 0, 0];
  right = unit(right);
  return { right, up: cross(right, f) };
}

/** @type {(a: number[], b: number[]) => number[]} */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
/** @type {(a: number[]) => number[]} */
const unit = (a) => a.map((c) => c / (Math.hypot(...a) || 1));

/**
 * Positions seen by a camera, as x, y pairs about 0 (NaN where a point has none).
 * @param {Float32Array} xyz
 * @param {Frame} frame
 * @param {{right: number[], up: number[]}} axes
 */
export function project(xyz, { middle, half }, { right, up }) {
  const out = new Float32Array((xyz.length / 3) * 2);
  for (let i = 0, j = 0; i < xyz.length; i += 3, j += 2) {
    const x = (xyz[i] - middle[0]) / half;
    const y = (xyz[i + 1] - middle[1]) / half;
    const z = (xyz[i + 2] - middle[2]) / half;
    out[j] = x * right[0] + y * right[1] + z * right[2];
    out[j + 1] = x * up[0] + y * up[1] + z * up[2];
  }
  return out;
}

/**
 * Whether (x, y) lies inside a polygon of [x, y] corners (even-odd).
 * @param {number} x
 * @param {number} y
 * @param {number[][]} polygon
 */
export function inside(x, y, polygon) {
  let within = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}
