// SPDX-License-Identifier: Apache-2.0
// A sequence as a scene, for export: the text set in lines, coloured as it is on screen.

import { attentionRamp, attentionStep } from "../pure/colour.js";
import { token as shown } from "../pure/format.js";

const SIZE = 13;
const LINE = 23;

/**
 * Sets tokens of `spans` into lines of `width`; `measure(text)` is the width of a text at 13 px.
 * `look` holds fills, strips, largest, selection and pair as the view shows them.
 */
export function tokensScene({ title, tokens, spans, look, theme, colours, width = 720, measure }) {
  const ramp = attentionRamp(theme);
  const strip = attentionRamp(theme, true);
  /** @type {import("./scene.js").Mark[]} */
  const marks = [{ kind: "text", x: 12, y: 22, text: title, fill: colours.soft, size: 11.5 }];
  const margin = 12;
  let x = margin;
  let y = 32;
  const newline = () => {
    x = margin;
    y += LINE;
  };
  const chosen = new Set(look.selection);
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
    marks.push({
      kind: "text", x, y: y + 14, text, size: SIZE,
      fill: i === null ? colours.soft : fill ? ramp[fill].ink : colours.ink,
    });
    x += w;
  };
  let at = 0;
  for (const [from, to] of spans) {
    if (from > at) put(` ⋯ ${from - at} tokens ⋯ `, null);
    for (let i = from; i < to; i++) {
      put(shown(tokens[i]) || "∅", i);
      if (tokens[i].includes("\n") && i + 1 < to) newline();
    }
    at = to;
  }
  if (at < tokens.length) put(` ⋯ ${tokens.length - at} tokens ⋯`, null);
  return { width, height: y + LINE + 8, ground: colours.panel, marks };
}
