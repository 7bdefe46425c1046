// SPDX-License-Identifier: Apache-2.0
// What the colours of a drawing mean, below it: scales between two words, and coloured names.

const [LINE, CHARACTER, SIZE] = [20, 5.9, 11]; // pixels: of a line, of a character on average, of the letters
const MARK = { scale: 72, swatch: 10, gap: 5, apart: 16 };

/**
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {{text: string, stops: string[]}} Entry a scale from its first to its last colour, or one colour
 */

/**
 * The scene with its legend under it.
 * @param {Scene} scene
 * @param {Entry[]} entries
 * @param {{soft: string}} colours
 * @returns {Scene}
 */
export function withLegend(scene, entries, colours) {
  const marks = [...scene.marks];
  let [x, y] = [8, scene.height + 4];
  for (const { text, stops } of entries) {
    const mark = stops.length > 1 ? MARK.scale : MARK.swatch;
    const width = mark + MARK.gap + CHARACTER * text.length;
    if (x > 8 && x + width > scene.width - 8) [x, y] = [8, y + LINE];
    const step = mark / stops.length;
    stops.forEach((fill, i) => marks.push({ kind: "rect", x: x + i * step, y, w: step + (i + 1 < stops.length ? 0.4 : 0), h: 10, fill }));
    marks.push({ kind: "text", x: x + mark + MARK.gap, y: y + 9.5, text, size: SIZE, fill: colours.soft });
    x += width + MARK.apart;
  }
  return { ...scene, height: entries.length ? y + LINE : scene.height, marks };
}
