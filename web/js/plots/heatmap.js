// SPDX-License-Identifier: Apache-2.0
// A sequence's attention pattern as a query x key heat map.

import { attentionRamp, attentionStep, signed } from "../pure/colour.js";
import { short, token as shown } from "../pure/format.js";
import { bytesOf, spelt } from "../pure/spelling.js";
import { ticks } from "../pure/scale.js";

const ROOM = { left: 46, top: 6, right: 54, bottom: 36 };
const NAMED = 6.6; // pixels a cell needs before its token is written beside it
const BAR = { w: 8, gap: 10, steps: 40 }; // of the colours, right of the map

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{q0: number, q1: number, k0: number, k1: number}} View part of a pattern; fractions of tokens allowed
 * @typedef {{left: number, top: number, side: number}} Square the map without its axes
 * @typedef {Square & {w: number, h: number}} Cells the map, and the size of a cell
 */

/**
 * The part `view` of the pattern; `difference`: of one that may be below zero.
 * @param {{sequence: Sequence, view: View, largest: number, width: number, height: number, theme: string, colours: Colours,
 *   stripe?: boolean, difference?: boolean}} options
 * @returns {{scene: import("../pure/scene.js").Scene, side: Square, cell: (x: number, y: number) => {q: number, k: number} | null,
 *   place: (q: number, k: number) => {x: number, y: number, w: number, h: number}}}
 */
export function heatmapPlot({ sequence, view, largest, width, height, theme, colours, stripe = false, difference = false }) {
  const wide = cellSize(view, width, height) >= NAMED ? 92 : ROOM.left;
  const room = { ...ROOM, left: wide, bottom: wide === ROOM.left ? ROOM.bottom : 92 };
  const [left, top] = [room.left, room.top];
  const side = Math.max(10, Math.min(width - left - room.right, height - top - room.bottom));
  const [w, h] = [side / (view.k1 - view.k0), side / (view.q1 - view.q0)];
  const place = (/** @type {number} */ q, /** @type {number} */ k) => ({ x: left + (k - view.k0) * w, y: top + (q - view.q0) * h, w, h });
  const ramp = attentionRamp(theme);
  /** @type {Mark[]} */
  const marks = [{
    kind: "rect", x: left, y: top, w: side, h: side, fill: ramp[0].fill, stroke: colours.line, width: 1,
  }];
  const [q0, q1] = [Math.max(0, Math.floor(view.q0)), Math.min(sequence.n, Math.ceil(view.q1))];
  const least = 1.7; // a single entry stays visible however small the map
  const cells = [];
  for (let q = q0; q < q1; q++) {
    for (let i = sequence.rowStart[q]; i < sequence.rowStart[q + 1]; i++) {
      const k = sequence.cols[i];
      if (k + 1 <= view.k0 || k >= view.k1) continue;
      const value = sequence.vals[i];
      const step = attentionStep(Math.abs(value), largest);
      if (!step) continue;
      const x = Math.max(left, left + (k - view.k0) * w);
      const y = Math.max(top, top + (q - view.q0) * h);
      const right = Math.min(left + side, left + (k + 1 - view.k0) * w);
      const bottom = Math.min(top + side, top + (q + 1 - view.q0) * h);
      const fill = difference ? signed(value, largest).fill : ramp[step].fill;
      cells.push({ step, fill, x, y, w: Math.max(least, right - x), h: Math.max(least, bottom - y) });
    }
  }
  // Where cells are smaller than a pixel the strongest is the one to be seen.
  cells.sort((a, b) => a.step - b.step);
  for (const { step: _, ...box } of cells) marks.push({ kind: "rect", ...box });
  if (stripe) marks.push(...stripeMarks(sequence, view, { left, top, side, w, h }, colours));
  /** @type {(share: number) => string} */
  const scale = difference ? (t) => signed(2 * t - 1, 1).fill : (t) => ramp[attentionStep(t * largest, largest)].fill;
  marks.push(...barMarks(scale, [difference ? -largest : 0, largest], { left, top, side }, colours));
  marks.push(...axisMarks(sequence, view, { left, top, side, w, h }, colours));
  return {
    scene: { width, height, ground: colours.panel, marks },
    side: { left, top, side },
    place,
    cell(x, y) {
      const k = Math.floor(view.k0 + (x - left) / w);
      const q = Math.floor(view.q0 + (y - top) / h);
      const inside = x >= left && x < left + side && y >= top && y < top + side;
      return inside && q >= 0 && q < sequence.n && k >= 0 && k < sequence.n ? { q, k } : null;
    },
  };
}

/**
 * The scale of the colours.
 * @param {(share: number) => string} scale
 * @param {number[]} ends
 * @param {Square} square
 * @param {Colours} colours
 * @returns {Mark[]}
 */
function barMarks(scale, [low, high], { left, top, side }, colours) {
  const [x, tall] = [left + side + BAR.gap, Math.min(side, 160)];
  /** @type {Mark[]} */
  const marks = Array.from({ length: BAR.steps }, (_, i) => ({
    kind: "rect", x, y: top + (tall * i) / BAR.steps, w: BAR.w, h: tall / BAR.steps + 0.5, fill: scale((BAR.steps - i) / BAR.steps),
  }));
  /** @type {(y: number, text: string) => Mark} */
  const label = (y, text) => ({ kind: "text", x: x + BAR.w + 3, y, text, size: 9.5, fill: colours.soft });
  return [...marks, label(top + 8, short(high)), label(top + tall, short(low))];
}

/**
 * Frames around the keys right after an earlier occurrence of the query's token.
 * @param {Sequence} sequence
 * @param {View} view
 * @param {Cells} cells
 * @param {Colours} colours
 * @returns {Mark[]}
 */
function stripeMarks(sequence, view, { left, top, side, w, h }, colours) {
  /** @type {Mark[]} */
  const marks = [];
  /** @type {Map<string, number[]>} */
  const before = new Map();
  for (let q = 0; q < sequence.n; q++) {
    const seen = before.get(sequence.tokens[q]) ?? [];
    for (const j of seen) {
      const [x, y] = [left + (j + 1 - view.k0) * w, top + (q - view.q0) * h];
      const inside = j + 1 < q && x >= left - 0.1 && y >= top - 0.1 && x + w <= left + side + 0.1 && y + h <= top + side + 0.1;
      if (inside) marks.push({ kind: "rect", x, y, w, h, stroke: colours.received, width: Math.min(1.5, w / 3) });
    }
    before.set(sequence.tokens[q], [...seen, q]);
  }
  return marks;
}

/** @type {(view: View, width: number, height: number) => number} */
const cellSize = (view, width, height) => (Math.min(width, height) - 110) / Math.max(
  view.q1 - view.q0, view.k1 - view.k0,
);

/**
 * Tokens, where cells are large enough for them, else positions.
 * @param {Sequence} sequence
 * @param {View} view
 * @param {Cells} cells
 * @param {Colours} colours
 */
function axisMarks(sequence, view, { left, top, side, w, h }, colours) {
  /** @type {Mark[]} */
  const marks = [];
  const named = Math.min(w, h) >= NAMED;
  const size = Math.min(10, Math.min(w, h) * 0.95);
  const word = (/** @type {number} */ i) => {
    const whole = spelt(sequence.tokens).get(i);
    return whole ? `${whole.text.trim()} ${bytesOf(sequence.tokens[i])}` : clip(shown(sequence.tokens[i]).trim() || "␣");
  };
  const label = (/** @type {number} */ i) => (named ? word(i) : String(i));
  const inView = (/** @type {number} */ from, /** @type {number} */ to) => {
    if (named) return Array.from(
      { length: Math.ceil(to) - Math.ceil(from - 0.5) }, (_, i) => Math.ceil(from - 0.5) + i,
    ).filter((i) => i >= 0 && i < sequence.n && i + 0.5 < to);
    return ticks(from, to, Math.max(2, side / 70)).filter((v) => Number.isInteger(v) && v >= 0 && v < sequence.n);
  };
  for (const q of inView(view.q0, view.q1)) {
    marks.push({
      kind: "text", x: left - 6, y: top + (q + 0.5 - view.q0) * h + 3.5, text: label(q), size: named ? size : 10, fill: colours.soft,
      anchor: "end",
    });
  }
  for (const k of inView(view.k0, view.k1)) {
    const x = left + (k + 0.5 - view.k0) * w;
    marks.push(named
      ? {
        kind: "text", x: x + 3, y: top + side + 6, text: label(k), size, fill: colours.soft, anchor: "end",
        turn: -70,
      }
      : { kind: "text", x, y: top + side + 13, text: label(k), size: 10, fill: colours.soft, anchor: "middle" });
  }
  marks.push({
    kind: "text", x: left + side / 2, y: top + side + (named ? 84 : 29), text: "key", size: 11, fill: colours.ink,
    anchor: "middle",
  });
  marks.push({
    kind: "text", x: 11, y: top + side / 2, text: "query", size: 11, fill: colours.ink, anchor: "middle", turn: -90,
  });
  return marks;
}

/** @param {string} text */
const clip = (text) => (text.length > 12 ? `${text.slice(0, 11)}…` : text);

/**
 * `view` zoomed by `factor` about (q, k), kept within 0..n and no closer than 4 tokens.
 * @param {View} view
 * @param {number} n
 * @param {number} factor
 * @param {number} q
 * @param {number} k
 */
export function zoomed(view, n, factor, q, k) {
  const size = Math.min(n, Math.max(4, (view.q1 - view.q0) * factor));
  const scale = size / (view.q1 - view.q0);
  return clamped({ q0: q - (q - view.q0) * scale, k0: k - (k - view.k0) * scale }, size, n);
}

/**
 * `view` moved by (dq, dk) tokens, kept within 0..n.
 * @param {View} view
 * @param {number} n
 * @param {number} dq
 * @param {number} dk
 */
export const moved = (view, n, dq, dk) => clamped({ q0: view.q0 + dq, k0: view.k0 + dk }, view.q1 - view.q0, n);

/**
 * @param {{q0: number, k0: number}} from
 * @param {number} size
 * @param {number} n
 * @returns {View}
 */
function clamped({ q0, k0 }, size, n) {
  const keep = (/** @type {number} */ v) => Math.min(Math.max(0, v), Math.max(0, n - size));
  return { q0: keep(q0), q1: keep(q0) + size, k0: keep(k0), k1: keep(k0) + size };
}
