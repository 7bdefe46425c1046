// SPDX-License-Identifier: Apache-2.0
// The scatter of heads as a scene, and the places of its points for hover and selection.

import { MISSING, viridisStep } from "../pure/colour.js";
import { short, words } from "../pure/format.js";
import { nearestTo, nextAlong } from "../pure/near.js";
import { errorOf, valueOf } from "../pure/rank.js";
import { axis, padded } from "../pure/scale.js";
import { MARGIN, frameMarks } from "./frame.js";

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/scale.js").Scale} Scale
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {{row: Row, x: number, y: number}} Point where a head is drawn
 * @typedef {{x: string, y: string}} Axes the columns on both axes
 */

/**
 * Extent of a column on an axis; a logarithmic one sees only values above zero.
 * @param {Row[]} rows
 * @param {string} name
 * @param {boolean} log
 * @returns {[number, number]}
 */
function range(rows, name, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    const value = valueOf(row, name);
    if (value === null || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return log ? [1, 10] : [0, 1];
  return padded([low, high], log);
}

/**
 * Colour of a share 0..1 of a scale; the grey of the missing for null.
 * @param {number | null} share
 */
export const rowColour = (share) => (share === null ? MISSING : viridisStep(share));

/**
 * `shown`: whether a head passes the filter (all where null); `bars`: standard errors of all heads; `discrete`: columns of whole
 * numbers; `shareOf`: where a head lies on the scale of the colour.
 * @param {{rows: Row[], names: Axes & {color: string | null}, logs: {x: boolean, y: boolean}, bars: boolean,
 *   shown: ((row: Row) => boolean) | null, discrete: Set<string>, width: number, height: number, colours: Colours,
 *   extentOf: (name: string) => [number, number] | null, shareOf: (row: Row) => number | null}} options
 * @returns {{scene: import("../pure/scene.js").Scene, points: Point[], outliers: Point[], x: Scale, y: Scale, hidden: number}}
 *   `hidden` counts heads a log axis cannot show
 */
export function scatterPlot({ rows, names, logs, bars, shown, discrete, width, height, colours, extentOf, shareOf }) {
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top + (names.color === null ? 0 : 18), height - MARGIN.bottom];
  const x = axis(
    range(rows, names.x, logs.x), [left, right], { log: logs.x, count: Math.max(3, Math.round(width / 90)) },
  );
  const y = axis(
    range(rows, names.y, logs.y), [bottom, top], { log: logs.y, count: Math.max(3, Math.round(height / 60)) },
  );
  for (const [name, scale] of /** @type {[string, Scale][]} */ ([[names.x, x], [names.y, y]])) {
    if (discrete.has(name)) scale.ticks = [...new Set(scale.ticks.map(Math.round))];
  }
  const colourExtent = names.color === null ? null : extentOf(names.color);
  const marks = frameMarks({
    x, y, width, height, colours, xLabel: words(names.x) + (logs.x ? " (log)" : ""),
    yLabel: words(names.y) + (logs.y ? " (log)" : ""),
    margin: { ...MARGIN, top },
  });
  /** @type {Point[]} */
  const points = [];
  let hidden = 0;
  const radius = rows.length > 1500 ? 2.5 : rows.length > 300 ? 3.5 : 4.5;
  const order = shown ? [...rows].sort((a, b) => Number(shown(a)) - Number(shown(b))) : rows;
  for (const row of order) {
    const [px, py] = [x.at(valueOf(row, names.x) ?? NaN), y.at(valueOf(row, names.y) ?? NaN)];
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      hidden++;
      continue;
    }
    const out = shown && !shown(row);
    if (bars && !out) marks.push(...barMarks(row, names, x, y, colours));
    marks.push({
      kind: "circle", x: px, y: py, r: radius,
      fill: out ? colours.line : names.color === null ? colours.accent : rowColour(shareOf(row)),
      stroke: out ? undefined : colours.faint, width: 0.6, alpha: out ? 0.7 : 0.92,
    });
    if (!out) points.push({ row, x: px, y: py });
  }
  if (names.color !== null && colourExtent) marks.push(...legend(names.color, colourExtent, width, colours));
  return { scene: { width, height, ground: colours.panel, marks }, points, outliers: outliersOf(points), x, y, hidden };
}

const LETTER = 5.7; // pixels of a letter of the legend on average
const [FAR, LABELLED] = [5, 5]; // median distances from the median that make an outlier, and how many are named

/**
 * The points farthest out on either axis, the farthest first.
 * @param {Point[]} points
 * @returns {Point[]}
 */
function outliersOf(points) {
  if (points.length < 8) return [];
  const far = /** @type {const} */ (["x", "y"]).map((axis) => {
    const middle = median(points.map((p) => p[axis]));
    const spread = median(points.map((p) => Math.abs(p[axis] - middle))) || 1;
    return (/** @type {Point} */ p) => Math.abs(p[axis] - middle) / spread;
  });
  const reach = (/** @type {Point} */ p) => Math.max(...far.map((measure) => measure(p)));
  return points.filter((p) => reach(p) > FAR).sort((a, b) => reach(b) - reach(a)).slice(0, LABELLED);
}

/** @param {number[]} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1];
}

/**
 * Plus and minus one standard error of a row on both axes, where the tree has them.
 * @param {Row} row
 * @param {Axes} names
 * @param {Scale} x
 * @param {Scale} y
 * @param {{faint: string}} colours
 */
export function barMarks(row, names, x, y, colours) {
  /** @type {Mark[]} */
  const marks = [];
  const [vx, vy] = [valueOf(row, names.x) ?? NaN, valueOf(row, names.y) ?? NaN];
  const [ex, ey] = [errorOf(row, names.x), errorOf(row, names.y)];
  const finite = (/** @type {number[]} */ ...points) => points.every(Number.isFinite);
  if (ex !== null) {
    const points = [x.at(vx - ex), y.at(vy), x.at(vx + ex), y.at(vy)];
    if (finite(...points)) marks.push({ kind: "line", points, stroke: colours.faint, width: 1 });
  }
  if (ey !== null) {
    const points = [x.at(vx), y.at(vy - ey), x.at(vx), y.at(vy + ey)];
    if (finite(...points)) marks.push({ kind: "line", points, stroke: colours.faint, width: 1 });
  }
  return marks;
}

/**
 * @param {string} name
 * @param {[number, number]} extent
 * @param {number} width
 * @param {Colours} colours
 */
function legend(name, [low, high], width, colours) {
  const bar = { x: width - MARGIN.right - 122, y: 6, w: 90, h: 7 };
  const end = bar.x - 14 - 6.2 * short(low).length;
  const letters = Math.floor((end - 2) / LETTER);
  const title = words(name);
  /** @type {Mark[]} */
  const marks = [{
    kind: "text", x: end, y: 13, text: title.length > letters ? `${title.slice(0, Math.max(0, letters - 1))}…` : title, fill: colours.soft,
    size: 10.5, anchor: "end",
  }];
  for (let i = 0; i < 30; i++) marks.push({
    kind: "rect", x: bar.x + (i * bar.w) / 30, y: bar.y, w: bar.w / 30 + 0.4, h: bar.h, fill: viridisStep(i / 29),
  });
  marks.push({ kind: "text", x: bar.x - 5, y: 13, text: short(low), fill: colours.soft, size: 10, anchor: "end" });
  marks.push({ kind: "text", x: bar.x + bar.w + 5, y: 13, text: short(high), fill: colours.soft, size: 10 });
  return marks;
}

/** @type {(points: {x: number, y: number}[]) => import("../pure/near.js").Place} */
const placeIn = (points) => (i) => [points[i].x, points[i].y];

/**
 * The point nearest to a pixel within `reach`, or null.
 * @template {{x: number, y: number}} P
 * @param {P[]} points
 * @param {number} x
 * @param {number} y
 * @returns {P | null}
 */
export const nearest = (points, x, y, reach = 14) =>
  points[nearestTo(points.length, placeIn(points), x, y, reach)] ?? null;

/**
 * The nearest point in a direction [1, 0], [0, 1], ... from another, or null.
 * @template {{x: number, y: number}} P
 * @param {P[]} points
 * @param {{x: number, y: number}} from
 * @param {number[]} step
 * @returns {P | null}
 */
export const next = (points, from, step) =>
  points[nextAlong(points.length, placeIn(points), [from.x, from.y], step)] ?? null;
