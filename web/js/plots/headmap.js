// SPDX-License-Identifier: Apache-2.0
// A map of all heads as a scene: near are those that are alike, or that read each other.

import { address } from "../pure/format.js";
import { rowColour } from "./scatter.js";

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/shapes.js").Row} Row
 */

const EDGE = 16; // room around the points

/**
 * The colour of what a head reads with.
 * @param {string} side q, k or v
 * @param {Colours} colours
 */
export const sideColour = (side, colours) => (side === "q" ? colours.query_mark : side === "k" ? colours.key_mark : colours.both_mark);

/**
 * Heads where `places` has them, one scale on both axes. `shareOf` gives a head's share of the colour scale, `shown` whether
 * it passes the filter (all where null).
 * @param {{rows: Row[], places: Map<string, [number, number]>, width: number, height: number, colours: Colours, coloured: boolean,
 *   shareOf: (row: Row) => number | null, shown: ((row: Row) => boolean) | null}} options
 * @returns {{scene: import("../pure/scene.js").Scene, points: {row: Row, x: number, y: number}[],
 *   at: (name: string) => [number, number] | null}}
 */
export function headMapPlot({ rows, places, width, height, colours, shareOf, coloured, shown }) {
  const all = [...places.values()];
  const [xs, ys] = [0, 1].map((axis) => all.map((place) => place[axis]));
  const [left, right, low, high] = [least(xs), -least(xs.map((x) => -x)), least(ys), -least(ys.map((y) => -y))];
  const scale = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (high - low || 1));
  /** @type {(place: [number, number]) => [number, number]} */
  const onScreen = ([x, y]) => [width / 2 + (x - (left + right) / 2) * scale, height / 2 - (y - (low + high) / 2) * scale];
  const radius = rows.length > 1500 ? 2.2 : rows.length > 300 ? 3 : 4;
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  /** @type {{row: Row, x: number, y: number}[]} */
  const points = [];
  for (const row of shown ? [...rows].sort((a, b) => Number(shown(a)) - Number(shown(b))) : rows) {
    const place = places.get(address(row.layer, row.head));
    if (!place) continue;
    const [x, y] = onScreen(place);
    const out = shown !== null && !shown(row);
    marks.push({
      kind: "circle", x, y, r: radius, fill: out ? colours.line : coloured ? rowColour(shareOf(row)) : colours.accent,
      stroke: out ? undefined : colours.faint, width: 0.6, alpha: out ? 0.7 : 0.92,
    });
    if (!out) points.push({ row, x, y });
  }
  return {
    scene: { width, height, ground: colours.panel, marks }, points,
    at: (name) => {
      const place = places.get(name);
      return place ? onScreen(place) : null;
    },
  };
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
