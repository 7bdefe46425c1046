// SPDX-License-Identifier: Apache-2.0
// The strip over the sequences: to what kinds of keys their attention goes.

import { el, fill } from "../core/dom.js";
import { PALETTE } from "../pure/colour.js";
import { doing, KIND_WORDS, offsetWords } from "../pure/doing.js";

/** @type {Record<string, string>} */
const COLOURS = { sink: "#8d8a82", self: PALETTE[3], previous: PALETTE[0], same: PALETTE[2], after: PALETTE[6], elsewhere: "#c9c5bb" };

/** @param {import("../core/app.js").App} app */
export function createDoing(app) {
  const bar = el("div", { class: "doing-bar", role: "img" });
  const words = el("p", { class: "note doing-words" });
  const root = el("div", { class: "doing" }, bar, words);
  app.tip.on(bar, "Shares of the stored attention of the sequences below: each entry counts once, for the first of these that it is.");
  return {
    root,
    /** @param {import("../pure/sequence.js").Sequence[]} sequences */
    show(sequences) {
      const { shares, total, offset } = doing(sequences);
      root.hidden = total === 0;
      const kinds = Object.keys(KIND_WORDS).filter((kind) => shares[kind] >= 0.005);
      const percent = (/** @type {string} */ kind) => `${Math.round(100 * shares[kind])}%`;
      fill(bar, kinds.map((kind) => {
        const part = el("span", {});
        part.style.width = `${100 * shares[kind]}%`;
        part.style.backgroundColor = COLOURS[kind];
        return part;
      }));
      bar.setAttribute("aria-label", kinds.map((kind) => `${percent(kind)} to ${KIND_WORDS[kind]}`).join(", "));
      const where = offsetWords(offset);
      fill(words, where ? [el("b", {}, where), " "] : null, kinds.map((kind) => {
        const swatch = el("span", { class: "swatch" });
        swatch.style.backgroundColor = COLOURS[kind];
        return el("span", { class: "doing-kind" }, swatch, `${KIND_WORDS[kind]} ${percent(kind)}`);
      }));
    },
  };
}
