// SPDX-License-Identifier: Apache-2.0
// A sequence as a scene, for export: the text set in lines, coloured as it is on screen.

import { attentionRamp, attentionStep } from "../pure/colour.js";
import { broken } from "../pure/format.js";

const SIZE = 13;
const LINE = 23;

/**
 * Sets the stretches of `tokens` that are in sight into lines of `width`; `measure(text)` is the width of a text at 13 px.
 * `look` holds them as `spans`, and fills, strips, largest, selection, pair and lines as the view shows them.
 */
export function tokensScene({ title, tokens, look, theme, colours, width = 720, measure }) {
  const ramp = attentionRamp(theme);
  const strip = attentionRamp(theme, true);
  /** @type {import("../pure/scene.js").Mark[]} */
  const marks = [{ kind: "text", x: 12, y: 22, text: title, fill: colours.soft, size: 11.5 }];
  const margin = 12;
  let x = margin;
  let y = 32;
  const newline = () => {
    x = margin;
    y += LINE;
  };
  const chosen = new Set(look.selection);
  const places = new Map(); // middle and top of each token
  const put = (text, i) => {
    const w = measure(text);
    if (x + w > width - margin && x > margin) newline();
    const fill = i === null ? 0 : attentionStep(look.fills[i], look.largest);
    const under = i === null || !look.strips ? 0 : attentionStep(look.strips[i], look.largest);
    if (fill) marks.push({ kind: "rect", x, y, w, h: LINE - 4, fill: ramp[fill].fill });
    if (i !== null && look.pair?.k === i && !look.strips) marks.push({
      kind: "rect", x, y, w, h: LINE - 4, fill: colours.line,
    });
    if (under) marks.push({ kind: "rect", x, y: y + LINE - 7, w, h: 3, fill: strip[Math.max(under, 60)].fill });
    if (i !== null && chosen.has(i)) marks.push({ kind: "rect", x, y, w, h: LINE - 4, stroke: colours.ink, width: 1 });
    if (text.trim() || i === null || !places.has(i)) marks.push({
      kind: "text", x, y: y + 14, text, size: SIZE,
      fill: i === null ? colours.soft : fill ? ramp[fill].ink : colours.ink,
    });
    if (i !== null && !places.has(i)) places.set(i, { x: x + w / 2, y });
    x += w;
  };
  let at = 0;
  for (const [from, to] of look.spans) {
    if (from > at) put(` ⋯ ${from - at} tokens ⋯ `, null);
    for (let i = from; i < to; i++) {
      (broken(tokens[i]) || "∅").split("\n").forEach((piece, line, all) => {
        if (piece) put(piece, i);
        if (line + 1 < all.length && (line + 2 < all.length || all[line + 1] || i + 1 < to)) newline();
      });
    }
    at = to;
  }
  if (at < tokens.length) put(` ⋯ ${tokens.length - at} tokens ⋯`, null);
  for (const line of look.lines) marks.push(lineMark(places.get(line.source), places.get(line.at), line.value / look.largest, colours));
  return { width, height: y + LINE + 8, ground: colours.panel, marks };
}

/**
 * The line from a token to a key: over the text on the same line, else from edge to edge.
 * @returns {import("../pure/scene.js").Mark}
 */
function lineMark(from, to, share, colours) {
  const strength = Math.min(1, share);
  const same = from.y === to.y;
  const lift = same ? Math.min(16, 6 + Math.abs(from.x - to.x) / 20) : 0;
  const [start, end] = same
    ? [from.y + 2, to.y + 2]
    : from.y > to.y ? [from.y, to.y + LINE - 4] : [from.y + LINE - 4, to.y];
  return {
    kind: "curve", from: [from.x, start], over: [(from.x + to.x) / 2, (start + end) / 2 - lift], to: [to.x, end],
    stroke: colours.given, width: 0.75 + 2.25 * strength, alpha: 0.35 + 0.55 * strength,
  };
}
