// SPDX-License-Identifier: Apache-2.0
// The elements of a sequence's tokens, folds between the stretches in sight, and how tokens are coloured.

import { button, el } from "../core/dom.js";
import { attentionRamp, attentionStep } from "../pure/colour.js";
import { broken, quoted } from "../pure/format.js";
import { bytesOf, named, partsOf } from "../pure/spelling.js";
import { speltNode } from "./spelt.js";

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{node: HTMLElement, from: number, to: number}} Gap what is folded away
 * @typedef {{nodes: (HTMLElement | null)[], order: number[], gaps: Gap[], children: HTMLElement[]}} TokenNodes
 *   `order` holds the positions that have an element
 */

/**
 * @param {Sequence} sequence
 * @param {number[][]} spans stretches in sight, [from, to)
 * @param {() => void} onOpen hears that a fold was pressed
 * @returns {TokenNodes}
 */
export function tokenNodes(sequence, spans, onOpen) {
  /** @type {TokenNodes} */
  const made = { nodes: new Array(sequence.n).fill(null), order: [], gaps: [], children: [] };
  let at = 0;
  for (const [from, to] of [...spans, [sequence.n, sequence.n]]) {
    if (from > at) {
      const gap = gapOf(at, from, onOpen);
      made.gaps.push(gap);
      made.children.push(gap.node);
    }
    for (const part of partsOf(sequence.tokens, from, to)) {
      const nodes = [];
      for (let i = part.from; i < part.to; i++) {
        const node = part.whole ? byteNode(sequence.tokens, i) : tokenNode(sequence.tokens[i], i);
        made.nodes[i] = node;
        made.order.push(i);
        nodes.push(node);
      }
      made.children.push(...(part.whole ? [speltNode(part.whole, nodes)] : nodes));
    }
    at = to;
  }
  return made;
}

/**
 * @param {string} text
 * @param {number} i
 */
function tokenNode(text, i) {
  const blank = text.trim() === "" ? quoted(text) : null; // a name for what has no visible text
  const dir = text.includes("<0x") ? "ltr" : null; // bytes of no character are no part of words that run to the left
  return el(
    "span", { class: "tok", role: "button", tabIndex: -1, "data-i": i, "aria-label": blank, dir }, broken(text) || "∅",
  );
}

/**
 * A token that is only some bytes of a character.
 * @param {string[]} tokens
 * @param {number} i
 */
const byteNode = (tokens, i) => el(
  "span", { class: "tok", role: "button", tabIndex: -1, "data-i": i, "aria-label": named(tokens, i) }, bytesOf(tokens[i]),
);

/**
 * @param {number} from
 * @param {number} to
 * @param {() => void} onOpen
 * @returns {Gap}
 */
function gapOf(from, to, onOpen) {
  const name = `Show tokens ${from} to ${to - 1}`;
  return { node: button(`⋯ ${to - from} tokens ⋯`, onOpen, { class: "gap", "aria-label": name }), from, to };
}

const FLAGS = ["chosen", "source", "pair-key", "mark-query", "mark-key", "cached"];

/**
 * Colours tokens; those that look as before are left alone.
 * @param {TokenNodes} made
 */
export function createTokenPaint({ nodes, order }) {
  /** @type {Map<number, number>} */
  const painted = new Map();
  return {
    forget: () => painted.clear(),
    /**
     * @param {string} theme
     * @param {{fills: Float64Array, strips: Float64Array | null}} look
     * @param {number} top where the colour scale ends
     * @param {(i: number) => boolean[]} flagsOf which of FLAGS a token bears
     */
    paint(theme, look, top, flagsOf) {
      const ramp = attentionRamp(theme);
      const strip = attentionRamp(theme, true);
      for (const i of order) {
        const fill = attentionStep(look.fills[i], top);
        const under = look.strips ? attentionStep(look.strips[i], top) : 0;
        const flags = flagsOf(i);
        const code = fill | (under << 8) | (flags.reduce((bits, on, bit) => bits | (Number(on) << bit), 0) << 16);
        if (painted.get(i) === code) continue;
        painted.set(i, code);
        const { style, classList } = /** @type {HTMLElement} */ (nodes[i]);
        style.backgroundColor = fill ? ramp[fill].fill : "";
        style.color = fill ? ramp[fill].ink : "";
        style.boxShadow = under ? `inset 0 -3px 0 ${strip[Math.max(under, 60)].fill}` : "";
        FLAGS.forEach((name, bit) => classList.toggle(name, flags[bit] === true));
      }
    },
  };
}
