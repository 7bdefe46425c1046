// SPDX-License-Identifier: Apache-2.0
// Drawings of the lab: sources by layer, a sweep's curve, a matrix of scores.

import { signed } from "../pure/colour.js";
import { score, short, token } from "../pure/format.js";
import { valueOf } from "../pure/rank.js";
import { axis, padded } from "../pure/scale.js";
import { shifted } from "../pure/scene.js";
import { MARGIN, frameMarks } from "./frame.js";

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/answers.js").Part} Part
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("../pure/scene.js").Scene} Scene
 */

const ROW = 15;
const LEFT = 34; // layer numbers
const TOP = 46;

/**
 * Both sides of an edge, layers downwards: a cell a head, then the MLP and what else a layer adds, coloured by its part of
 * the score (green raises it, purple lowers it).
 * @param {{sides: (import("../pure/answers.js").Side & {name: string})[], title: string, colours: Colours, width?: number}} options
 * @returns {Scene}
 */
export function sourcesScene({ sides, title, colours, width = 760 }) {
  const parts = sides.flatMap(({ parts }) => parts);
  const layers = 1 + Math.max(0, ...parts.map((p) => p.layer ?? 0));
  const heads = 1 + Math.max(0, ...parts.map((p) => p.head ?? 0));
  const largest = Math.max(...parts.map((p) => Math.abs(p.value)), 1e-12);
  const sideWidth = (width - 8) / 2;
  const cell = Math.max(2, Math.min(26, (sideWidth - LEFT - 110) / heads));
  /** @type {Mark[]} */
  const marks = [{ kind: "text", x: 8, y: 16, text: title, fill: colours.soft, size: 11.5 }];
  sides.forEach(({ name, total, parts }, s) => {
    const x0 = s * sideWidth + LEFT;
    const after = x0 + heads * cell + 8;
    marks.push(
      { kind: "text", x: x0, y: 36, text: `${name}: ${score(total)}`, fill: colours.ink, size: 12, weight: 600 },
      { kind: "text", x: after, y: 36, text: "MLP", fill: colours.soft, size: 10 },
      { kind: "text", x: after + 44, y: 36, text: "other", fill: colours.soft, size: 10 },
    );
    /** @type {Map<number, Part[]>} */
    const others = new Map();
    for (const part of parts) {
      const row = part.layer ?? (part.kind === "embedding" ? -1 : layers);
      const y = TOP + (row + 1) * ROW;
      if (part.kind === "head") marks.push({
        kind: "rect", x: x0 + (part.head ?? 0) * cell, y, w: cell - 1, h: ROW - 1.5, fill: signed(part.value, largest).fill,
        stroke: colours.line, width: 0.5,
      });
      else if (part.kind === "mlp") marks.push({
        kind: "rect", x: after, y, w: 36, h: ROW - 1.5, fill: signed(part.value, largest).fill, stroke: colours.line, width: 0.5,
      });
      else others.set(row, [...(others.get(row) ?? []), part]);
    }
    for (const [row, list] of others) {
      const value = list.reduce((sum, p) => sum + p.value, 0);
      const y = TOP + (row + 1) * ROW;
      marks.push({
        kind: "rect", x: after + 44, y, w: 36, h: ROW - 1.5, fill: signed(value, largest).fill, stroke: colours.line, width: 0.5,
      });
      if (row < 0 || row === layers) marks.push({
        kind: "text", x: x0, y: y + 11, text: row < 0 ? "embedding" : "bias of the head", fill: colours.soft, size: 10,
      });
    }
    for (let layer = 0; layer < layers; layer++) marks.push({
      kind: "text", x: x0 - 6, y: TOP + (layer + 1) * ROW + 11, text: String(layer), fill: colours.soft, size: 9.5, anchor: "end",
    });
  });
  return { width, height: TOP + (layers + 2) * ROW + 10, ground: colours.panel, marks };
}

/**
 * Attention by value, the values in their order, and below it the score where the query sees the key.
 * @param {{rows: import("../pure/answers.js").Swept[], colours: Colours, width?: number, height?: number}} options
 * @returns {Scene}
 */
export function sweepScene({ rows, colours, width = 640, height = 240 }) {
  const numbers = rows.map((row) => Number(row.value));
  const isNumeric = rows.length > 1 && numbers.every((n, i) => Number.isFinite(n) && rows[i].value.trim() !== "");
  const places = isNumeric ? numbers : rows.map((_, i) => i);
  const x = axis(padded([Math.min(...places), Math.max(...places)]), [MARGIN.left, width - MARGIN.right], { count: 8 });
  if (!isNumeric) {
    const every = Math.ceil(rows.length / (width / 60));
    x.ticks = places.filter((i) => i % every === 0);
  }
  const scores = rows.flatMap((row) => valueOf(row, "score") ?? []);
  const curves = [{ name: "attention", range: [0, Math.max(...rows.map((r) => r.attention), 1e-3) * 1.08] }];
  if (scores.length) curves.push({ name: "score", range: padded([Math.min(...scores), Math.max(...scores)]) });
  const marks = curves.flatMap(({ name, range }, i) => {
    const y = axis(range, [height - MARGIN.bottom, MARGIN.top], { count: 4 });
    const drawn = frameMarks({
      x, y, width, height, colours, xLabel: "value of the slot", yLabel: name,
      xFormat: isNumeric ? short : (i) => token(rows[i].value).slice(0, 9),
    });
    const points = rows.flatMap((row, j) => {
      const value = valueOf(row, name);
      return value === null ? [] : [[x.at(places[j]), y.at(value)]];
    });
    if (isNumeric) drawn.push({ kind: "line", points: points.flat(), stroke: colours.accent, width: 1.5 });
    for (const [at, to] of points) drawn.push({ kind: "circle", x: at, y: to, r: 3, fill: colours.accent, stroke: colours.panel, width: 1 });
    return drawn.map((mark) => shifted(mark, 0, i * height));
  });
  return { width, height: curves.length * height, ground: colours.panel, marks };
}

/**
 * A matrix as a heat map with the means of its rows and columns at its edges.
 * @param {{table: import("../pure/answers.js").Matrix, rows: string[], columns: string[], title: string, colours: Colours,
 *   width?: number}} options
 * @returns {Scene}
 */
export function matrixScene({ table, rows, columns, title, colours, width = 420 }) {
  const largest = Math.max(...table.values.flat().map(Math.abs), 1e-12);
  const [left, top] = [84, 84];
  const cell = Math.max(2, Math.min(34, (width - left - 50) / columns.length));
  /** @type {Mark[]} */
  const marks = [{ kind: "text", x: 8, y: 16, text: title, fill: colours.ink, size: 12, weight: 600 }];
  /** @type {(x: number, y: number, value: number) => unknown} */
  const box = (x, y, value) => marks.push({
    kind: "rect", x, y, w: cell - 0.5, h: cell - 0.5, fill: signed(value, largest).fill, stroke: colours.line, width: 0.3,
  });
  table.values.forEach((line, i) => {
    line.forEach((value, j) => box(left + j * cell, top + i * cell, value));
    box(left + columns.length * cell + 8, top + i * cell, table.row_means[i]);
    if (cell >= 9) marks.push({
      kind: "text", x: left - 5, y: top + i * cell + cell / 2 + 3.5, text: token(rows[i]).slice(0, 12), fill: colours.soft, size: 10, anchor: "end",
    });
  });
  columns.forEach((name, j) => {
    box(left + j * cell, top + rows.length * cell + 8, table.column_means[j]);
    if (cell >= 9) marks.push({
      kind: "text", x: left + j * cell + cell / 2 + 3.5, y: top - 5, text: token(name).slice(0, 12), fill: colours.soft, size: 10, turn: -90,
    });
  });
  const height = top + (rows.length + 1) * cell + 24;
  return { width: Math.max(width, left + (columns.length + 1) * cell + 24), height, ground: colours.panel, marks };
}
