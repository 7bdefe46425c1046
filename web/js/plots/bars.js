// SPDX-License-Identifier: Apache-2.0
// Histograms as scenes: bars of log10(n + 1) over their bins, and the curve over bin edges.

import { short } from "../pure/format.js";
import { axis } from "../pure/scale.js";
import { MARGIN, frameMarks } from "./frame.js";
import { pairScene } from "./pair.js";

/**
 * @typedef {{edges: number[], values: number[]}} Bins
 * @typedef {import("../core/app.js").Colours} Colours
 */

/**
 * Edges and values of a {bin_edges, bin_values} field; null when they do not fit together.
 * @param {unknown} value
 * @returns {Bins | null}
 */
export function readBins(value) {
  const { bin_edges: edges, bin_values: values } = /** @type {import("../pure/shapes.js").Loose} */ (value ?? {});
  /**
   * @param {unknown} list
   * @returns {list is number[]}
   */
  const numbers = (list) => Array.isArray(list) && list.every(Number.isFinite);
  return numbers(edges) && numbers(values) && values.length > 0 && edges.length === values.length + 1
    ? { edges, values }
    : null;
}

/**
 * Twenty equal bins over some values.
 * @param {number[]} list
 * @returns {Bins}
 */
export function binned(list, count = 20) {
  const low = Math.min(...list, 0);
  const high = Math.max(...list, low + 1e-6);
  const values = new Array(count).fill(0);
  for (const v of list) values[Math.min(count - 1, Math.floor(((v - low) / (high - low)) * count))]++;
  return { edges: Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count), values };
}

/**
 * Bars over bins. `even` gives every bin the same width, which is right where edges double;
 * `logY` makes heights log10(n + 1). `hot` is the bin under the pointer; `other` values of
 * the same bins are drawn as a line over them. `most` is the value the axis ends at, else the largest; `extent` where the
 * bins' axis begins and ends, else as they do.
 * @typedef {{colours: Colours, xLabel: string, yLabel: string, xFormat?: (value: number) => string, even?: boolean, logY?: boolean}} Look
 * @param {Look & {bins: Bins, width: number, height: number, hot?: number, other?: number[] | null, most?: number, extent?: number[]}} options
 * @returns {{scene: import("../pure/scene.js").Scene, bin: (x: number) => number}}
 */
export function barPlot({
  bins, width, height, colours, xLabel, yLabel, xFormat = short, even = false, logY = false, hot = -1,
  other = null, most = Math.max(...bins.values, ...(other ?? []), 0), extent = [bins.edges[0], bins.edges[bins.edges.length - 1]],
}) {
  const { edges, values } = bins;
  const high = (/** @type {number} */ v) => (logY ? Math.log10(Math.max(0, v) + 1) : v);
  const heights = values.map(high);
  const top = Math.max(high(most), 1e-9) * 1.06;
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const x = even
    ? axis([0, values.length], [left, right], { count: Math.min(values.length, 10) })
    : axis(extent, [left, right], { count: Math.round(width / 80) });
  if (even) {
    const every = Math.ceil(edges.length / Math.max(2, width / 46));
    x.ticks = edges.map((_, i) => i).filter((i) => i % every === 0);
  }
  const y = axis([0, top], [height - MARGIN.bottom, MARGIN.top], { count: 4 });
  if (logY) y.ticks = powers(Math.max(most, 1)).map((v) => Math.log10(v + 1));
  const marks = frameMarks({
    x, y, width, height, colours, xLabel, yLabel,
    xFormat: even ? (i) => xFormat(edges[i]) : xFormat,
    yFormat: logY ? (h) => short(Math.round(10 ** h - 1)) : short,
  });
  const place = (/** @type {number} */ i) => (even ? [x.at(i), x.at(i + 1)] : [x.at(edges[i]), x.at(edges[i + 1])]);
  values.forEach((_, i) => {
    const [from, to] = place(i);
    const upper = y.at(heights[i]);
    marks.push({
      kind: "rect", x: from + 0.5, y: upper, w: Math.max(0.5, to - from - 1), h: height - MARGIN.bottom - upper,
      fill: i === hot ? colours.given : colours.accent, alpha: 0.85,
    });
  });
  if (other) marks.push({
    kind: "line", points: other.flatMap((v, i) => [place(i)[0], y.at(high(v)), place(i)[1], y.at(high(v))]), stroke: colours.received, width: 2,
  });
  return {
    scene: { width, height, ground: colours.panel, marks },
    bin: (px) => values.findIndex((_, i) => px >= place(i)[0] && px < place(i)[1]),
  };
}

const [PANEL_WIDTH, PANEL_HEIGHT] = [420, 260]; // of one of two heads

/**
 * The bins of two heads on the same axes; bins that go on where the other's end are followed by empty ones.
 * @param {{title: string, bins: Bins}[]} heads
 * @param {Look} options what barPlot takes beside bins and size
 */
export function barPair(heads, options) {
  const longest = heads.map((h) => h.bins.edges).reduce((a, b) => (b.length > a.length ? b : a));
  const all = heads.map(({ bins: { edges, values } }) => (edges.every((e, i) => e === longest[i])
    ? { edges: longest, values: [...values, ...new Array(longest.length - edges.length).fill(0)] } : { edges, values }));
  const even = options.even && all.every((bins) => bins.edges === longest);
  const most = Math.max(...all.flatMap((bins) => bins.values), 0);
  const extent = [Math.min(...all.map((b) => b.edges[0])), Math.max(...all.map((b) => b.edges[b.edges.length - 1]))];
  return pairScene(heads.map(({ title }, i) => ({
    title, scene: barPlot({ ...options, bins: all[i], width: PANEL_WIDTH, height: PANEL_HEIGHT, even, most, extent }).scene,
  })), options.colours);
}

/** @param {number} most */
function powers(most) {
  const out = [0];
  for (let v = 1; v <= most * 1.0001; v *= 10) out.push(v);
  return out.length > 2 ? out : [0, Math.max(1, Math.round(most))];
}

const [TICKS, DENSITY_STEP] = [150, 4]; // more heads than that are told as a density, in steps of so many pixels

/**
 * How many values lie in each step across, as the height of a bar from the middle.
 * @param {number[]} values
 * @param {import("../pure/scale.js").Scale} x
 * @param {number} middle
 * @param {number} width
 * @param {Colours} colours
 * @returns {import("../pure/scene.js").Mark[]}
 */
function densityMarks(values, x, middle, width, colours) {
  const counts = new Array(Math.ceil(width / DENSITY_STEP)).fill(0);
  for (const v of values) counts[Math.min(counts.length - 1, Math.max(0, Math.floor(x.at(v) / DENSITY_STEP)))]++;
  const most = Math.max(...counts);
  return counts.flatMap((count, i) => {
    const half = (0.9 * middle * Math.sqrt(count)) / Math.sqrt(most);
    return count ? [{
      kind: "rect", x: i * DENSITY_STEP, y: middle - half, w: DENSITY_STEP - 0.5, h: 2 * half, fill: colours.faint, alpha: 0.6,
    }] : [];
  });
}

/**
 * Where a value stands among all heads: a tick for each, this one marked, and the value of an `other`.
 * @param {{values: number[], value: number, error: number | null, width: number, height: number,
 *   colours: import("../core/app.js").Colours, other?: number | null}} options
 */
export function stripPlot({ values, value, error, width, height, colours, other = null }) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const x = axis([low, high > low ? high : low + 1], [5, width - 5]);
  const middle = height / 2;
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [{ kind: "line", points: [5, middle, width - 5, middle], stroke: colours.line, width: 1 }];
  if (values.length > TICKS) marks.push(...densityMarks(values, x, middle, width, colours));
  else for (const v of values) marks.push({
    kind: "line", points: [x.at(v), middle - 4, x.at(v), middle + 4], stroke: colours.faint, width: 1, alpha: 0.55,
  });
  if (error) marks.push({
    kind: "line", points: [x.at(value - error), middle, x.at(value + error), middle], stroke: colours.ring, width: 2,
  });
  if (other !== null) marks.push({
    kind: "circle", x: x.at(other), y: middle, r: 4, fill: colours.received, stroke: colours.panel, width: 1.25,
  });
  marks.push({
    kind: "circle", x: x.at(value), y: middle, r: 4.5, fill: colours.ring, stroke: colours.panel, width: 1.25,
  });
  return { width, height, marks };
}
