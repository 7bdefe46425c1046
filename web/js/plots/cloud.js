// SPDX-License-Identifier: Apache-2.0
// A projection panel in two dimensions as a scene, seen by an orthographic camera.

import { SEEN, mostOf } from "../pure/cloud.js";
import { isBackground } from "../pure/paint.js";
import { nearestTo, nextAlong } from "../pure/near.js";

/**
 * @typedef {{zoom: number, x: number, y: number}} Lens magnification, and what of the plane is in the middle
 * @typedef {{width: number, height: number, lens?: Lens, unit?: number}} Window the panel a plane is seen in; `unit` (pixels) where
 *   the panel's own does not count
 * @typedef {{text: string, x: number, y: number, sure?: boolean}} Label drawn in any case where it is sure
 */

/** @type {Lens} all points in sight */
export const WHOLE = { zoom: 1, x: 0, y: 0 };

/**
 * Pixels a unit of the plane takes in a panel of `width` x `height`, which most points fill at zoom 1.
 * @param {Float32Array} flat
 * @param {Window} panel
 */
export function unitOf(flat, { width, height, lens = WHOLE }) {
  const [across, up] = [reach(flat, 0), reach(flat, 1)];
  return 0.92 * lens.zoom * Math.min(width / 2 / across, height / 2 / up);
}

/**
 * The points moved so that what lies between the strays on either side has its middle at 0.
 * @param {Float32Array} flat
 */
export function centred(flat) {
  const middle = [0, 1].map((axis) => {
    const [low, high] = mostOf(flat.filter((_, i) => i % 2 === axis)) ?? [0, 0];
    return (low + high) / 2;
  });
  return flat.map((v, i) => v - middle[i % 2]);
}

/**
 * How far from the middle that share of the points lies along an axis.
 * @param {Float32Array} flat
 * @param {number} axis
 */
function reach(flat, axis) {
  const sizes = new Float32Array(flat.length / 2);
  let n = 0;
  for (let i = axis; i < flat.length; i += 2) if (Number.isFinite(flat[i])) sizes[n++] = Math.abs(flat[i]);
  sizes.subarray(0, n).sort();
  return Math.max(1e-6, sizes[Math.min(n - 1, Math.ceil(SEEN * n))] ?? 0);
}

/**
 * Pixel positions of projected x, y pairs in a panel, under a lens.
 * @param {Float32Array} flat
 * @param {Window} panel
 */
export function placePoints(flat, { width, height, lens = WHOLE, unit = unitOf(flat, { width, height, lens }) }) {
  const out = new Float32Array(flat.length);
  for (let i = 0; i < flat.length; i += 2) {
    out[i] = width / 2 + (flat[i] - lens.x) * unit;
    out[i + 1] = height / 2 - (flat[i + 1] - lens.y) * unit;
  }
  return out;
}

/**
 * A line x, y, x, y ... of the plane in a panel of those points.
 * @param {number[]} path
 * @param {Float32Array} flat
 * @param {Window} panel
 */
export function placeLine(path, flat, { width, height, lens = WHOLE, unit = unitOf(flat, { width, height, lens }) }) {
  return path.map((v, i) => (i % 2 ? height / 2 - (v - lens.y) * unit : width / 2 + (v - lens.x) * unit));
}

/**
 * Names in the middle of their points; those without any in the panel are left out.
 * `sure` ones are drawn in any case.
 * @param {{text: string, points: number[], sure?: boolean}[]} names
 * @param {ArrayLike<number>} places
 */
export const placeNames = (names, places) => names.map(({ text, points, sure = false }) => ({
  text, sure, x: medianOf(points.map((i) => places[2 * i])), y: medianOf(points.map((i) => places[2 * i + 1])),
})).filter(({ x, y }) => x !== undefined && y !== undefined);

/**
 * The median of what is a number; undefined without any.
 * @param {number[]} values
 */
function medianOf(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * The lens zoomed by `factor` with the plane's point (x, y) staying where it is on screen.
 * @param {Lens} lens
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Lens}
 */
export function zoomedAt(lens, factor, x, y) {
  const zoom = Math.min(40, Math.max(0.5, lens.zoom * factor));
  const stay = lens.zoom / zoom;
  return { zoom, x: x + (lens.x - x) * stay, y: y + (lens.y - y) * stay };
}

/**
 * Lenses of panels by letter, from "Q2.5,0.1,-0.2;K3,0,0"; what is malformed is left out.
 * @param {string} text
 */
export function readLenses(text) {
  /** @type {Record<string, Lens>} */
  const lenses = {};
  for (const part of text.split(";")) {
    const [zoom, x, y] = part.slice(1).split(",").map(Number);
    if (/^[A-Z]/.test(part) && zoom >= 0.5 && zoom <= 40 && Math.abs(x) < 10 && Math.abs(y) < 10) lenses[part[0]] = { zoom, x, y };
  }
  return lenses;
}

/**
 * What readLenses reads; panels that show all are left out.
 * @param {Record<string, Lens>} lenses
 */
export function writeLenses(lenses) {
  return Object.entries(lenses)
    .map(([space, { zoom, x, y }]) => [space, [zoom, x, y].map((v) => +v.toFixed(3)).join(",")])
    .filter(([, value]) => value !== "1,0,0").map(([space, value]) => space + value).join(";");
}

/**
 * Points as marks, those that stand back first; `lines` are contours of a level 0..1.
 * @param {{places: ArrayLike<number>, look: {colors: string[], dim?: boolean}, width: number, height: number,
 *   colours: import("../core/app.js").Colours, title?: string, labels?: Label[], lines?: {level: number, points: number[]}[]}} options
 * @returns {import("../pure/scene.js").Scene}
 */
export function cloudScene({ places, look, width, height, colours, title = "", labels = [], lines = [] }) {
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  const r = places.length > 4000 ? 1.7 : 2.4;
  for (const back of [true, false]) for (let i = 0; i < places.length / 2; i++) {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (isBackground(look.colors[i]) !== back) continue;
    if (x >= -4 && y >= -4 && x <= width + 4 && y <= height + 4) marks.push({
      kind: "circle", x, y, r, fill: look.colors[i], alpha: look.dim ? 0.15 : back ? 0.3 : 0.8,
    });
  }
  for (const { level, points } of lines) marks.push({ kind: "line", points, stroke: colours.ink, width: 0.8 + level, alpha: 0.35 + 0.4 * level });
  for (const { x, y, text } of apart(labels, width, height)) marks.push({
    kind: "text", x, y, text, fill: colours.ink, size: 12, weight: 600, anchor: "middle", halo: colours.panel,
  });
  if (title) marks.push({ kind: "text", x: 8, y: 16, text: title, fill: colours.soft, size: 11.5 });
  return { width, height, ground: colours.panel, marks };
}

const [LETTER, LABEL_LINE] = [7.2, 15]; // pixels of a letter on average, and of a line

/**
 * Labels inside the panel and off each other, moved by up to two lines; one that finds no place is left out, unless it is sure.
 * @param {Label[]} labels the first come first
 * @param {number} width
 * @param {number} height
 */
function apart(labels, width, height) {
  /** @type {{x: number, y: number, half: number, text: string}[]} */
  const placed = [];
  for (const { text, x, y, sure } of labels) {
    if (x < 0 || x > width || y < 0 || y > height) continue;
    const half = (LETTER * text.length) / 2;
    const inX = Math.max(half + 2, Math.min(width - half - 2, x));
    const inY = Math.max(LABEL_LINE, Math.min(height - 4, y));
    const free = [0, -1, 1, -2, 2].map((step) => inY + step * LABEL_LINE).find((at) => at > 10 && at < height
      && placed.every((p) => Math.abs(p.y - at) >= LABEL_LINE - 1 || Math.abs(p.x - inX) > p.half + half));
    if (free !== undefined || sure) placed.push({ x: inX, y: free ?? inY, half, text });
  }
  return placed;
}

/** @type {(places: ArrayLike<number>) => (i: number) => [number, number]} */
const placeIn = (places) => (i) => [places[2 * i], places[2 * i + 1]];

/**
 * The nearest point in a direction [1, 0], [0, 1], ... from another, on screen; -1 for none.
 * @param {ArrayLike<number>} places
 * @param {number} from
 * @param {number[]} step
 */
export const nearestAlong = (places, from, step) =>
  nextAlong(places.length / 2, placeIn(places), placeIn(places)(from), step);

/**
 * The point nearest to a pixel within `reach`, -1 for none.
 * @param {ArrayLike<number>} places
 * @param {number} x
 * @param {number} y
 */
export const nearestPoint = (places, x, y, reach = 9) => nearestTo(places.length / 2, placeIn(places), x, y, reach);
