// SPDX-License-Identifier: Apache-2.0
// How dense points lie in the plane: a kernel estimate on a grid, its contours, and the regions around its peaks.

const CELLS = 96; // of the grid, a side
const SEEN = 0.98; // share of the points the grid spans along an axis
const [PEAK, CORE] = [0.12, 0.35]; // a region's peak as a share of the highest, and its edge as a share of its peak
const MOST = 12; // regions

/**
 * @typedef {{values: Float64Array, cells: number, x: number, y: number, step: [number, number]}} Density `values` are 1 at
 *   most; cell (i, j) is at (x + i step[0], y + j step[1])
 */

/**
 * Density of x, y pairs: a Gaussian kernel of 0.4 of Scott's width (standard deviation times n to the power -1/6) on each
 * axis, as clouds have several humps.
 * @param {ArrayLike<number>} flat
 * @returns {Density | null} null without points
 */
export function densityOf(flat) {
  /** @type {[number, number][]} */
  const places = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    if (Number.isFinite(flat[i]) && Number.isFinite(flat[i + 1])) places.push([flat[i], flat[i + 1]]);
  }
  if (places.length < 10) return null;
  const axes = [0, 1].map((axis) => axisOf(places.map((p) => p[axis])));
  const values = new Float64Array(CELLS * CELLS);
  for (const place of places) {
    const [i, j] = axes.map(({ low, step }, axis) => Math.round((place[axis] - low) / step));
    if (i >= 0 && j >= 0 && i < CELLS && j < CELLS) values[j * CELLS + i]++;
  }
  blur(values, 1, CELLS, axes[0].width / axes[0].step);
  blur(values, CELLS, 1, axes[1].width / axes[1].step);
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (!(most > 0)) return null;
  for (let i = 0; i < values.length; i++) values[i] /= most;
  return { values, cells: CELLS, x: axes[0].low, y: axes[1].low, step: [axes[0].step, axes[1].step] };
}

/**
 * The span of an axis with room for the kernel at both ends, and the kernel's width.
 * @param {number[]} list
 */
function axisOf(list) {
  const sorted = Float64Array.from(list).sort();
  const n = sorted.length;
  const mean = sorted.reduce((a, b) => a + b, 0) / n;
  const deviation = Math.sqrt(sorted.reduce((a, b) => a + (b - mean) ** 2, 0) / n);
  const cut = Math.floor(((1 - SEEN) / 2) * n);
  const [low, high] = [sorted[cut], sorted[n - 1 - cut]];
  const width = Math.max(deviation * n ** (-1 / 6) * 0.4, (high - low) / CELLS, 1e-9);
  return { low: low - 3 * width, step: (high - low + 6 * width) / (CELLS - 1), width };
}

/**
 * Convolves lines of the grid, whose cells lie `along` apart and themselves `across`, with a Gaussian of `width` cells.
 * @param {Float64Array} values
 * @param {number} along
 * @param {number} across
 * @param {number} width
 */
function blur(values, along, across, width) {
  const reach = Math.ceil(3 * width);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / width) ** 2));
  const line = new Float64Array(CELLS);
  for (let l = 0; l < CELLS; l++) {
    for (let i = 0; i < CELLS; i++) line[i] = values[l * across + i * along];
    for (let i = 0; i < CELLS; i++) {
      let sum = 0;
      for (let k = -reach; k <= reach; k++) sum += kernel[k + reach] * (line[i + k] ?? 0);
      values[l * across + i * along] = sum;
    }
  }
}

/**
 * The lines along which the density has a value (marching squares), as polylines x, y, x, y ... in the plane.
 * @param {Density} density
 * @param {number} level
 * @returns {number[][]}
 */
export function contour({ values, cells, x, y, step }, level) {
  const at = (/** @type {number} */ i, /** @type {number} */ j) => values[j * cells + i];
  // Where the line crosses the side between two corners; sides have a name each, so that squares find each other.
  /** @type {Map<string, [number, number]>} */
  const places = new Map();
  /** @type {(i: number, j: number, isUp: boolean) => string} */
  const cross = (i, j, isUp) => {
    const name = `${i},${j},${isUp ? 1 : 0}`;
    const [a, b] = [at(i, j), isUp ? at(i, j + 1) : at(i + 1, j)];
    const share = (level - a) / (b - a);
    places.set(name, [x + (i + (isUp ? 0 : share)) * step[0], y + (j + (isUp ? share : 0)) * step[1]]);
    return name;
  };
  /** @type {Map<string, string[]>} */
  const next = new Map();
  /** @type {(a: string, b: string) => void} */
  const join = (a, b) => {
    next.set(a, [...(next.get(a) ?? []), b]);
    next.set(b, [...(next.get(b) ?? []), a]);
  };
  for (let j = 0; j + 1 < cells; j++) for (let i = 0; i + 1 < cells; i++) {
    const above = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)].map((v) => v >= level);
    const sides = [
      above[0] !== above[1] && cross(i, j, false), above[1] !== above[2] && cross(i + 1, j, true),
      above[2] !== above[3] && cross(i, j + 1, false), above[3] !== above[0] && cross(i, j, true),
    ].flatMap((side) => (side === false ? [] : [side]));
    for (let s = 0; s + 1 < sides.length; s += 2) join(sides[s], sides[s + 1]);
  }
  const lines = [];
  while (next.size) {
    const [start] = next.keys();
    const path = [start];
    for (let here = start; ;) {
      const ways = next.get(here) ?? [];
      const to = ways.shift();
      if (!ways.length) next.delete(here);
      if (to === undefined) break;
      const back = next.get(to) ?? [];
      back.splice(back.indexOf(here), 1);
      if (!back.length) next.delete(to);
      path.push(to);
      here = to;
    }
    if (path.length > 3) lines.push(path.flatMap((name) => places.get(name) ?? []));
  }
  return lines;
}

/**
 * The densest regions, each as the indices of its points: those from which the way uphill ends at one peak, not far below it.
 * @param {Density} density
 * @param {ArrayLike<number>} flat
 * @returns {number[][]} the highest peak first
 */
export function regionsOf(density, flat) {
  const { values, cells, x, y, step } = density;
  const peaks = summits(density);
  /** @type {Map<number, number[]>} */
  const regions = new Map();
  for (let p = 0; 2 * p + 1 < flat.length; p++) {
    const [i, j] = [Math.round((flat[2 * p] - x) / step[0]), Math.round((flat[2 * p + 1] - y) / step[1])];
    if (!(i >= 0 && j >= 0 && i < cells && j < cells)) continue;
    const cell = j * cells + i;
    const peak = peaks[cell];
    if (values[peak] < PEAK || values[cell] < CORE * values[peak]) continue;
    regions.set(peak, [...(regions.get(peak) ?? []), p]);
  }
  return [...regions].sort(([a], [b]) => values[b] - values[a]).slice(0, MOST).map(([, points]) => points);
}

/**
 * The peak that the way uphill from each cell ends at.
 * @param {Density} density
 */
function summits({ values, cells }) {
  const peaks = new Int32Array(cells * cells).fill(-1);
  const uphill = (/** @type {number} */ cell) => {
    const [i, j] = [cell % cells, Math.floor(cell / cells)];
    let best = cell;
    for (let dj = -1; dj <= 1; dj++) for (let di = -1; di <= 1; di++) {
      const [a, b] = [i + di, j + dj];
      if (a >= 0 && b >= 0 && a < cells && b < cells && values[b * cells + a] > values[best]) best = b * cells + a;
    }
    return best;
  };
  for (let cell = 0; cell < peaks.length; cell++) {
    const way = [];
    let here = cell;
    while (peaks[here] < 0) {
      way.push(here);
      const to = uphill(here);
      if (to === here) peaks[here] = here;
      else here = to;
    }
    for (const step of way) peaks[step] = peaks[here];
  }
  return peaks;
}

/**
 * The value that is most over-represented among `part` against `all`, by difference of shares; null where none is at least
 * a quarter of the part and twice as frequent as in all.
 * @param {(string | undefined)[]} part
 * @param {(string | undefined)[]} all
 */
export function typical(part, all) {
  const sharesOf = (/** @type {(string | undefined)[]} */ list) => {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const value of list) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1 / list.length);
    return counts;
  };
  const [here, everywhere] = [sharesOf(part), sharesOf(all)];
  let best = null;
  for (const [value, share] of here) {
    const usual = everywhere.get(value) ?? 0;
    if (share >= 0.25 && share >= 2 * usual && (!best || share - usual > best.lift)) best = { value, share, lift: share - usual };
  }
  return best;
}
