// SPDX-License-Identifier: Apache-2.0
// The layers x heads grid as a scene: every head a cell, the top few ringed with their rank.

import { address, short } from "../pure/format.js";
import { rowColour } from "./scatter.js";

/**
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {{layers: number[], heads: number[], across: string}} Shape
 * @typedef {{x: number, y: number, w: number, h: number}} Cell
 */

/**
 * Layers and heads present, and which of the two runs across (the longer one).
 * @param {Row[]} rows
 * @returns {Shape}
 */
export function gridShape(rows) {
  const layers = [...new Set(rows.map((row) => row.layer))].sort((a, b) => a - b);
  const heads = [...new Set(rows.map((row) => row.head))].sort((a, b) => a - b);
  return { layers, heads, across: layers.length > heads.length ? "layer" : "head" };
}

/**
 * Height in pixels that gives cells a pleasant shape at a width.
 * @param {Shape} shape
 * @param {number} width
 */
export function gridHeight({ layers, heads, across }, width) {
  const [columns, rows] = across === "layer" ? [layers.length, heads.length] : [heads.length, layers.length];
  const cell = Math.min(26, Math.max(4, (width - 40) / Math.max(columns, 1)));
  return Math.round(rows * cell + 34);
}

/**
 * @param {{rows: Row[], shape: Shape, shareOf: (row: Row) => number | null, top: Row[], shown: ((row: Row) => boolean) | null,
 *   width: number, height: number, colours: import("../core/app.js").Colours}} options
 * @returns {{scene: import("../pure/scene.js").Scene, cells: Map<string, Cell>, find: (x: number, y: number) => Row | null}}
 */
export function gridPlot({ rows, shape, shareOf, top, shown, width, height, colours }) {
  const { layers, heads, across } = shape;
  const [columns, lines] = across === "layer" ? [layers, heads] : [heads, layers];
  const [left, right, upper, lower] = [32, 6, 4, 28];
  const w = (width - left - right) / Math.max(columns.length, 1);
  const h = (height - upper - lower) / Math.max(lines.length, 1);
  const columnOf = new Map(columns.map((value, i) => [value, i]));
  const lineOf = new Map(lines.map((value, i) => [value, i]));
  const gap = Math.min(w, h) > 7 ? 1 : 0;
  /** @type {Map<string, Cell>} */
  const cells = new Map();
  /** @type {Map<string, Row>} */
  const byPlace = new Map();
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  for (const row of rows) {
    const [column, line] = across === "layer" ? [row.layer, row.head] : [row.head, row.layer];
    const [c, l] = [columnOf.get(column) ?? 0, lineOf.get(line) ?? 0];
    const cell = { x: left + c * w, y: upper + l * h, w: w - gap, h: h - gap };
    cells.set(address(row.layer, row.head), cell);
    byPlace.set(`${c},${l}`, row);
    marks.push({
      kind: "rect", ...cell, fill: rowColour(shareOf(row)), alpha: shown && !shown(row) ? 0.18 : 1,
    });
  }
  top.forEach((row, i) => {
    const cell = cells.get(address(row.layer, row.head));
    if (!cell) return;
    // Two strokes, so that one of them stands out from whatever colour the cell has.
    marks.push({ kind: "rect", x: cell.x + 1.5, y: cell.y + 1.5, w: cell.w - 3, h: cell.h - 3, stroke: colours.panel, width: 3 });
    marks.push({
      kind: "rect", x: cell.x + 0.75, y: cell.y + 0.75, w: cell.w - 1.5, h: cell.h - 1.5, stroke: colours.ring,
      width: 1.5,
    });
    if (cell.w > 15 && cell.h > 12) {
      const dark = (shareOf(row) ?? 1) < 0.6;
      marks.push({
        kind: "text", x: cell.x + cell.w / 2, y: cell.y + cell.h / 2 + 3.5, text: String(i + 1), size: 10, weight: 600,
        anchor: "middle", fill: dark ? "#ffffff" : "#1d1d1b",
      });
    }
  });
  const everyColumn = Math.ceil(18 / w);
  const everyLine = Math.ceil(12 / h);
  columns.forEach((value, i) => i % everyColumn === 0 && marks.push({
    kind: "text", x: left + (i + 0.5) * w, y: height - lower + 11, text: String(value), fill: colours.soft, size: 10,
    anchor: "middle",
  }));
  lines.forEach((value, i) => i % everyLine === 0 && marks.push({
    kind: "text", x: left - 5, y: upper + (i + 0.5) * h + 3.5, text: String(value), fill: colours.soft, size: 10,
    anchor: "end",
  }));
  marks.push({
    kind: "text", x: left + (columns.length * w) / 2, y: height - 4, text: across, fill: colours.ink, size: 11,
    anchor: "middle",
  });
  marks.push({
    kind: "text", x: 9, y: upper + (lines.length * h) / 2, text: across === "layer" ? "head" : "layer",
    fill: colours.ink, size: 11, anchor: "middle", turn: -90,
  });
  return {
    scene: { width, height, ground: colours.panel, marks },
    cells,
    find: (x, y) => byPlace.get(`${Math.floor((x - left) / w)},${Math.floor((y - upper) / h)}`) ?? null,
  };
}

/**
 * "induction score 0.1235 (0 to 0.9)" for a label that says what the colours mean.
 * @param {string} label
 * @param {[number, number] | null} extent
 */
export const gridLegend = (label, extent) => (extent ? `${label}, ${short(extent[0])} to ${short(extent[1])}` : label);
