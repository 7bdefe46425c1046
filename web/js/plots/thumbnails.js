// SPDX-License-Identifier: Apache-2.0
// The patterns of many heads in small: layers down and heads across, or in order of a metric.

import { address, short } from "../pure/format.js";
import { attentionRamp, viridisStep } from "../pure/colour.js";

const [LEFT, TOP, LABEL, GAP] = [30, 18, 14, 4];
const [SMALLEST, LARGEST] = [10, 112];
const LABELLED = 46; // pixels a picture needs for its name below

/**
 * @typedef {import("../core/prompts.js").PromptHead} PromptHead
 * @typedef {{head: PromptHead, x: number, y: number, size: number}} Cell
 */

/**
 * All pictures side by side on one canvas: {canvas, from(i)}, where picture i of `heads` begins.
 * @param {PromptHead[]} heads
 * @param {number} side
 * @param {string} theme
 */
export function atlasOf(heads, side, theme) {
  const across = Math.max(1, Math.ceil(Math.sqrt(heads.length)));
  const canvas = document.createElement("canvas");
  canvas.width = across * side;
  canvas.height = Math.ceil(heads.length / across) * side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ramp = attentionRamp(theme).map(({ fill }) => (fill.match(/\d+/g) ?? []).map(Number));
  const from = (/** @type {number} */ i) => [(i % across) * side, Math.floor(i / across) * side];
  if (side > 0) heads.forEach(({ cells }, i) => {
    const picture = context.createImageData(side, side);
    cells.forEach((value, at) => picture.data.set([...ramp[value], 255], 4 * at));
    const [x, y] = from(i);
    context.putImageData(picture, x, y);
  });
  return { canvas, from };
}

/**
 * How large pictures are at a width and how high all of them.
 * @param {PromptHead[]} heads
 * @param {boolean} sorted
 * @param {number} width
 */
export function thumbnailLayout(heads, sorted, width) {
  const layers = [...new Set(heads.map((h) => h.layer))].sort((a, b) => a - b);
  const numbers = [...new Set(heads.map((h) => h.head))].sort((a, b) => a - b);
  const room = width - LEFT;
  const fit = Math.min(LARGEST, Math.max(SMALLEST, Math.floor(room / Math.max(1, numbers.length)) - GAP));
  const size = sorted ? Math.min(96, Math.max(fit, Math.min(72, Math.floor(Math.sqrt((room * 900) / Math.max(1, heads.length))) - GAP))) : fit;
  const label = size >= LABELLED ? LABEL : 0;
  const columns = sorted ? Math.max(1, Math.floor(room / (size + GAP))) : numbers.length;
  const lines = sorted ? Math.ceil(heads.length / columns) : layers.length;
  return { layers, numbers, size, label, columns, height: TOP + lines * (size + label + GAP) + 4 };
}

/**
 * `order` are indices into `heads`, as they are shown when `sorted`; `value(head)` colours the frames (null: no frame) on
 * the scale `extent`.
 * @param {{heads: PromptHead[], order: number[], sorted: boolean, side: number, atlas: ReturnType<typeof atlasOf>, width: number,
 *   value: (head: PromptHead) => number | null, extent: [number, number], colours: import("../core/app.js").Colours}} options
 */
export function thumbnailPlot({ heads, order, sorted, side, atlas, width, value, extent, colours }) {
  const { layers, numbers, size, label, columns, height } = thumbnailLayout(heads, sorted, width);
  const [column, line] = [new Map(numbers.map((n, i) => [n, i])), new Map(layers.map((l, i) => [l, i]))];
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  /** @type {Cell[]} */
  const cells = [];
  order.forEach((i, place) => {
    const head = heads[i];
    const [c, l] = sorted ? [place % columns, Math.floor(place / columns)] : [column.get(head.head) ?? 0, line.get(head.layer) ?? 0];
    const [x, y] = [LEFT + c * (size + GAP), TOP + l * (size + label + GAP)];
    cells.push({ head, x, y, size });
    const v = value(head);
    const share = v === null ? null : extent[1] > extent[0] ? (v - extent[0]) / (extent[1] - extent[0]) : 0.5;
    const [sx, sy] = atlas.from(i);
    marks.push({ kind: "rect", x: x - 2, y: y - 2, w: size + 4, h: size + 4, fill: share === null ? colours.line : viridisStep(share) });
    marks.push({ kind: "image", x, y, w: size, h: size, image: atlas.canvas, from: [sx, sy, side, side] });
    if (label) marks.push({
      kind: "text", x: x + size / 2, y: y + size + 13, text: v === null ? address(head.layer, head.head) : `${address(head.layer, head.head)} ${short(v)}`,
      fill: colours.soft, size: size > 70 ? 10.5 : 8.5, anchor: "middle",
    });
  });
  if (!sorted) marks.push(...axisMarks({ layers, numbers, size, label, colours }));
  return {
    scene: { width, height, ground: colours.panel, marks }, cells,
    /**
     * @param {number} x
     * @param {number} y
     */
    find: (x, y) => cells.find((c) => x >= c.x && x < c.x + c.size && y >= c.y && y < c.y + c.size + label)?.head ?? null,
  };
}

/**
 * Numbers of the layers down the side and of the heads across the top.
 * @param {{layers: number[], numbers: number[], size: number, label: number, colours: import("../core/app.js").Colours}} axes
 * @returns {import("../pure/scene.js").Mark[]}
 */
function axisMarks({ layers, numbers, size, label, colours }) {
  const [wide, high] = [size + GAP, size + label + GAP];
  const every = Math.ceil(16 / wide);
  const everyLine = Math.ceil(12 / high);
  return [
    ...numbers.filter((_, i) => i % every === 0).map((n, i) => /** @type {const} */ ({
      kind: "text", x: LEFT + i * every * wide + size / 2, y: TOP - 6, text: String(n), fill: colours.soft, size: 10, anchor: "middle",
    })),
    ...layers.filter((_, i) => i % everyLine === 0).map((n, i) => /** @type {const} */ ({
      kind: "text", x: LEFT - 8, y: TOP + i * everyLine * high + size / 2 + 3, text: String(n), fill: colours.soft, size: 10, anchor: "end",
    })),
    { kind: "text", x: 2, y: TOP - 6, text: "L\\H", fill: colours.faint, size: 9 },
  ];
}
