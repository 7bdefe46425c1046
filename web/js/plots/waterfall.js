// SPDX-License-Identifier: Apache-2.0
// A sum as a waterfall: every term a bar from where the one before ended, the total below them.

import { signed } from "../pure/colour.js";
import { score } from "../pure/format.js";
import { waterfall } from "../pure/attribution.js";

const ROW = 22;
const NAMES = 230; // width left of the bars
const NUMBERS = 70; // width right of them

/** What the colours of the bars mean. */
export const SIGNS = [{ text: "adds", stops: [signed(1, 1).fill] }, { text: "takes away", stops: [signed(-1, 1).fill] }];

/**
 * @param {{terms: import("../pure/attribution.js").Term[], total: number, title: string, colours: import("../core/app.js").Colours,
 *   width?: number}} options
 * @returns {import("../pure/scene.js").Scene}
 */
export function waterfallScene({ terms, total, title, colours, width = 640 }) {
  const { bars, zero } = waterfall(terms, total);
  const across = (/** @type {number} */ v) => NAMES + v * (width - NAMES - NUMBERS);
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [{ kind: "text", x: 10, y: 18, text: title, fill: colours.soft, size: 11.5 }];
  bars.forEach((bar, i) => {
    const y = 28 + i * ROW;
    const last = i === bars.length - 1;
    const weight = last ? 600 : 400;
    marks.push(
      { kind: "text", x: 10, y: y + 14, text: bar.label, fill: colours.ink, size: 12, weight },
      {
        kind: "rect", x: across(bar.left), y: y + 3, w: Math.max(1, across(bar.right) - across(bar.left)), h: ROW - 8,
        fill: last ? colours.soft : signed(bar.value, Math.abs(bar.value)).fill,
      },
      {
        kind: "text", x: width - 8, y: y + 14, text: score(bar.value), fill: colours.ink, size: 12, anchor: "end", weight,
      },
    );
  });
  const height = 36 + bars.length * ROW;
  marks.push({ kind: "line", points: [across(zero), 26, across(zero), height - 8], stroke: colours.faint, width: 1 });
  return { width, height, ground: colours.panel, marks };
}
