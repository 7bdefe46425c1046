// SPDX-License-Identifier: Apache-2.0
// A sequence as a scene, for export: the text set in lines, coloured as it is on screen.

import { attentionRamp, attentionStep } from "../pure/colour.js";
import { broken, number } from "../pure/format.js";
import { bytesOf, partsOf } from "../pure/spelling.js";

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {{x: number, y: number, h: number}} Place middle, top and height of a token
 * @typedef {{fills: ArrayLike<number>, strips: ArrayLike<number> | null, largest: number, selection: number[],
 *   pair: {q: number, k: number} | null, spans: number[][], lines: {source: number, at: number, value: number}[]}} Look the
 *   stretches in sight, and what is shown of each token
 */

const SIZE = 13;
const LINE = 23;
const [BYTE_SIZE, BYTE_LINE, BYTE_GAP] = [8.5, 13, 3]; // of byte tokens under their character

/**
 * What the colours of a sequence mean, from 0 to the attention `largest`.
 * @param {{largest: number, transpose: boolean, strips: boolean, theme: string}} options `strips`: whether there are some below
 *   the tokens
 */
export function tokensLegend({ largest, transpose, strips, theme }) {
  const entry = (/** @type {boolean} */ under) => {
    const ramp = attentionRamp(theme, under);
    return {
      text: `attention ${transpose === under ? "given" : "received"}, 0 to ${number(largest)}`,
      stops: Array.from({ length: 12 }, (_, i) => ramp[attentionStep((i / 11) * largest, largest)].fill),
    };
  };
  return strips ? [entry(false), entry(true)] : [entry(false)];
}

/**
 * Sets the stretches of `tokens` that are in sight into lines of `width`; `measure(text)` is the width of a text at 13 px.
 * `look` holds them as `spans`, and the rest as the view shows it.
 * @param {{title: string, tokens: readonly string[], look: Look, theme: string, colours: Colours, width?: number,
 *   measure: (text: string) => number}} options
 */
export function tokensScene({ title, tokens, look, theme, colours, width = 720, measure }) {
  const ramp = attentionRamp(theme);
  const strip = attentionRamp(theme, true);
  /** @type {Mark[]} */
  const marks = title ? [{ kind: "text", x: 12, y: 22, text: title, fill: colours.soft, size: 11.5 }] : [];
  const margin = 12;
  let x = margin;
  let y = title ? 32 : 8;
  let below = 0; // what byte tokens take under this line
  const newline = () => {
    x = margin;
    y += LINE + below;
    below = 0;
  };
  const chosen = new Set(look.selection);
  /** @type {Map<number, Place>} */
  const places = new Map();
  /** @type {(text: string, i: number | null) => void} */
  const put = (text, i) => {
    const w = measure(text);
    if (x + w > width - margin && x > margin) newline();
    const ink = i === null ? colours.soft : ground(i, { x, y, w, h: LINE - 4 });
    if (text.trim() || i === null || !places.has(i)) marks.push({ kind: "text", x, y: y + 14, text, size: SIZE, fill: ink });
    if (i !== null && !places.has(i)) places.set(i, { x: x + w / 2, y, h: LINE - 4 });
    x += w;
  };
  /**
   * The colours and marks of a token in its box; answers that of its letters.
   * @param {number} i
   * @param {{x: number, y: number, w: number, h: number}} box
   */
  const ground = (i, box) => {
    const fill = attentionStep(look.fills[i], look.largest);
    const under = look.strips ? attentionStep(look.strips[i], look.largest) : 0;
    if (fill) marks.push({ kind: "rect", ...box, fill: ramp[fill].fill });
    if (look.pair?.k === i && !look.strips) marks.push({ kind: "rect", ...box, fill: colours.line });
    if (under) marks.push({ kind: "rect", ...box, y: box.y + box.h - 3, h: 3, fill: strip[Math.max(under, 60)].fill });
    if (chosen.has(i)) marks.push({ kind: "rect", ...box, stroke: colours.ink, width: 1 });
    return fill ? ramp[fill].ink : colours.ink;
  };
  /**
   * A character over its byte tokens `from` to `to` - 1.
   * @param {string} text
   * @param {number} from
   * @param {number} to
   */
  const putSpelt = (text, from, to) => {
    const bytes = Array.from({ length: to - from }, (_, j) => bytesOf(tokens[from + j]));
    const widths = bytes.map((b) => (measure(b) * BYTE_SIZE) / SIZE + 4);
    const all = widths.reduce((sum, b) => sum + b + BYTE_GAP, -BYTE_GAP);
    const w = Math.max(measure(text), all) + 4;
    if (x + w > width - margin && x > margin) newline();
    below = BYTE_LINE;
    marks.push({ kind: "text", x: x + w / 2, y: y + 14, text, size: SIZE, anchor: "middle", fill: colours.ink });
    let left = x + (w - all) / 2;
    bytes.forEach((text, j) => {
      const box = { x: left, y: y + LINE - 4, w: widths[j], h: BYTE_LINE };
      const ink = ground(from + j, box);
      marks.push({ kind: "rect", ...box, stroke: colours.line, width: 0.5 });
      marks.push({ kind: "text", x: left + 2, y: box.y + 9.5, text, size: BYTE_SIZE, fill: ink });
      places.set(from + j, { x: left + widths[j] / 2, y: box.y, h: box.h });
      left += widths[j] + BYTE_GAP;
    });
    x += w;
  };
  let at = 0;
  for (const [from, to] of look.spans) {
    if (from > at) put(` ⋯ ${from - at} tokens ⋯ `, null);
    for (const { from: i, to: end, whole } of partsOf(tokens, from, to)) {
      if (whole) putSpelt(broken(whole.text.trim()), i, end);
      else (broken(tokens[i]) || "∅").split("\n").forEach((piece, line, all) => {
        if (piece) put(piece, i);
        if (line + 1 < all.length && (line + 2 < all.length || all[line + 1] || i + 1 < to)) newline();
      });
    }
    at = to;
  }
  if (at < tokens.length) put(` ⋯ ${tokens.length - at} tokens ⋯`, null);
  for (const { source, at, value } of look.lines) {
    const [from, to] = [places.get(source), places.get(at)];
    if (from && to) marks.push(lineMark(from, to, value / look.largest, colours));
  }
  return { width, height: y + LINE + below + 8, ground: colours.panel, marks };
}

/**
 * The line from a token to a key: over the text on the same line, else from edge to edge.
 * @param {Place} from
 * @param {Place} to
 * @param {number} share
 * @param {Colours} colours
 * @returns {Mark}
 */
function lineMark(from, to, share, colours) {
  const strength = Math.min(1, share);
  const same = Math.abs(from.y - to.y) < LINE - 4;
  const lift = same ? Math.min(16, 6 + Math.abs(from.x - to.x) / 20) : 0;
  const [start, end] = same
    ? [from.y + 2, to.y + 2]
    : from.y > to.y ? [from.y, to.y + to.h] : [from.y + from.h, to.y];
  return {
    kind: "curve", from: [from.x, start], over: [(from.x + to.x) / 2, (start + end) / 2 - lift], to: [to.x, end],
    stroke: colours.given, width: 0.75 + 2.25 * strength, alpha: 0.35 + 0.55 * strength,
  };
}
