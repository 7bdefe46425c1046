// SPDX-License-Identifier: Apache-2.0
// The frame every x-y plot shares: axis lines, ticks, labels.

import { short } from "../pure/format.js";

/** Room around the plotted area. */
export const MARGIN = { left: 58, right: 12, top: 12, bottom: 36 };

/**
 * Marks of the axes of a plot.
 * @typedef {import("../pure/scale.js").Scale} Scale
 * @param {{x: Scale, y: Scale, width: number, height: number, xLabel: string, yLabel: string, colours: import("../core/app.js").Colours,
 *   margin?: typeof MARGIN, xFormat?: (value: number) => string, yFormat?: (value: number) => string}} options
 */
export function frameMarks({
  x, y, width, height, xLabel, yLabel, colours, margin = MARGIN, xFormat = short, yFormat = short,
}) {
  const [left, right] = [margin.left, width - margin.right];
  const [top, bottom] = [margin.top, height - margin.bottom];
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [];
  for (const value of x.ticks) {
    const at = x.at(value);
    if (!(at >= left - 0.5 && at <= right + 0.5)) continue;
    marks.push({ kind: "line", points: [at, top, at, bottom], stroke: colours.line, width: 1 });
    marks.push({
      kind: "text", x: at, y: bottom + 14, text: xFormat(value), fill: colours.soft, size: 10.5, anchor: "middle",
    });
  }
  for (const value of y.ticks) {
    const at = y.at(value);
    if (!(at >= top - 0.5 && at <= bottom + 0.5)) continue;
    marks.push({ kind: "line", points: [left, at, right, at], stroke: colours.line, width: 1 });
    marks.push({
      kind: "text", x: left - 6, y: at + 3.5, text: yFormat(value), fill: colours.soft, size: 10.5, anchor: "end",
    });
  }
  marks.push({ kind: "line", points: [left, bottom, right, bottom], stroke: colours.faint, width: 1 });
  marks.push({
    kind: "text", x: (left + right) / 2, y: height - 5, text: xLabel, fill: colours.ink, size: 11.5, anchor: "middle",
  });
  marks.push({
    kind: "text", x: 11, y: (top + bottom) / 2, text: yLabel, fill: colours.ink, size: 11.5, anchor: "middle",
    turn: -90,
  });
  return marks;
}
