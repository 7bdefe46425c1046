// SPDX-License-Identifier: Apache-2.0
// The heads that one head works with, as a small layered drawing: information flows downwards.

import { address } from "../pure/format.js";
import { SIDES } from "../pure/circuit.js";
import { sideColour } from "./headmap.js";

const [ROW, TOP, LEFT] = [44, 18, 52];
const [BOX, HIGH] = [52, 20]; // size of a head's box

/**
 * @typedef {ReturnType<typeof import("../pure/circuit.js").standingOut>} Lines
 * @typedef {import("../pure/shapes.js").Address} Address
 */

/**
 * How high the drawing is.
 * @param {Lines} lines
 * @param {Address} open
 */
export const circuitHeight = (lines, open) => TOP * 2 + ROW * (layersOf(lines, open).length - 1) + HIGH;

/** @type {(lines: Lines, open: Address) => number[]} */
const layersOf = (lines, open) => [...new Set([open.layer, ...lines.map((l) => l.partner.layer)])].sort((a, b) => a - b);

/**
 * `lines` are those of standingOut(); width is strength, colour what the later head reads with.
 * @param {{lines: Lines, open: Address, width: number, height: number, colours: import("../core/app.js").Colours, hot?: string}} options
 * @returns {{scene: import("../pure/scene.js").Scene, points: {row: Address, x: number, y: number}[]}}
 */
export function circuitPlot({ lines, open, width, height, colours, hot = "" }) {
  const layers = layersOf(lines, open);
  const most = Math.max(...lines.map((l) => l.score), 1e-12);
  const step = layers.length > 1 ? (height - 2 * TOP - HIGH) / (layers.length - 1) : 0;
  const yOf = (/** @type {number} */ layer) => TOP + HIGH / 2 + layers.indexOf(layer) * step;
  const places = boxes(lines, open, width);
  const name = address(open.layer, open.head);
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  for (const layer of layers) {
    marks.push({ kind: "line", points: [LEFT, yOf(layer), width - 8, yOf(layer)], stroke: colours.line, width: 1 });
    marks.push({ kind: "text", x: 6, y: yOf(layer) + 4, text: `layer ${layer}`, fill: colours.soft, size: 10.5 });
  }
  for (const { side, from, to, score, partner } of [...lines].sort((a, b) => a.score - b.score)) {
    const partnerName = address(partner.layer, partner.head);
    const port = (SIDES.findIndex(([s]) => s === side) - 1) * (BOX / 3);
    const start = /** @type {[number, number]} */ ([places.get(address(from.layer, from.head)), yOf(from.layer) + HIGH / 2]);
    const end = /** @type {[number, number]} */ ([(places.get(address(to.layer, to.head)) ?? 0) + port, yOf(to.layer) - HIGH / 2]);
    marks.push({
      kind: "curve", from: start, over: [end[0], (start[1] + end[1]) / 2], to: end, stroke: sideColour(side, colours),
      width: 0.8 + 5.2 * (score / most) ** 1.5, alpha: hot && hot !== partnerName && hot !== name ? 0.15 : 0.75,
    });
  }
  /** @type {{row: Address, x: number, y: number}[]} */
  const points = [];
  for (const [head, x] of places) {
    const [, layer, number] = (/^L(\d+)H(\d+)$/.exec(head) ?? []).map(Number);
    const y = yOf(layer);
    const own = head === name;
    marks.push({
      kind: "rect", x: x - BOX / 2, y: y - HIGH / 2, w: BOX, h: HIGH, r: 3, fill: own ? colours.accent : colours.panel,
      stroke: head === hot ? colours.ink : own ? colours.accent : colours.faint, width: head === hot ? 2 : 1,
    });
    marks.push({ kind: "text", x, y: y + 4, text: head, fill: own ? colours.panel : colours.ink, size: 11, weight: own ? 600 : 400, anchor: "middle" });
    points.push({ row: { layer, head: number }, x, y });
  }
  return { scene: { width, height, ground: colours.panel, marks }, points };
}

/**
 * Across, the boxes of a layer share the width; the open head is in the middle of its own.
 * @param {Lines} lines
 * @param {Address} open
 * @param {number} width
 */
function boxes(lines, open, width) {
  const rows = new Map([[open.layer, [open.head]]]);
  for (const { partner } of lines) {
    const row = rows.get(partner.layer) ?? [];
    if (!row.includes(partner.head)) rows.set(partner.layer, [...row, partner.head]);
  }
  /** @type {Map<string, number>} */
  const places = new Map();
  const middle = (LEFT + width) / 2;
  let turn = 0;
  for (const [layer, heads] of [...rows].sort(([a], [b]) => a - b)) {
    // Rows of one head step aside in turn, so that lines between far layers do not run through them.
    const aside = layer !== open.layer && heads.length === 1 ? ((turn++ % 4) - 1.5) * Math.min(BOX * 1.4, (width - LEFT) / 7) : 0;
    const gap = Math.min(BOX * 1.6, (width - LEFT - 8) / heads.length);
    heads.forEach((head, i) => places.set(address(layer, head), middle + aside + (i - (heads.length - 1) / 2) * gap));
  }
  return places;
}

