// SPDX-License-Identifier: Apache-2.0
// What the page says of a token and of an edge under the pointer: its numbers, and the words around.

import { el } from "../core/dom.js";
import { number, token as shown } from "../pure/format.js";
import { entries } from "../pure/sequence.js";
import { named, partsOf } from "../pure/spelling.js";

const AROUND = 4; // tokens on either side

/**
 * A token among those around it.
 * @param {string[]} tokens
 * @param {number} at
 */
function inContext(tokens, at) {
  const from = Math.max(0, at - AROUND);
  return partsOf(tokens, from, Math.min(tokens.length, at + AROUND + 1)).map((part) => {
    const text = shown(part.whole?.text ?? tokens[part.from]);
    return at >= part.from && at < part.to ? el("b", {}, text || "∅") : text;
  });
}

/**
 * The two lines of an edge: its query and its key, each in its context.
 * @param {string[]} tokens
 * @param {number} q
 * @param {number} k
 */
export const edgeLines = (tokens, q, k) => [
  el("div", {}, el("span", { class: "q" }, `query ${q} `), inContext(tokens, q)),
  el("div", {}, el("span", { class: "k" }, `key ${k} `), inContext(tokens, k)),
];

/**
 * What a token gives and receives most, in words.
 * @param {import("../pure/sequence.js").Sequence} sequence
 * @param {number} i
 */
export function wordsOf(sequence, i) {
  const [toKey] = entries(sequence, i, false);
  const [fromQuery] = entries(sequence, i, true);
  const lines = [];
  if (toKey) lines.push(`gives ${number(toKey.value)} to ${toKey.at} ${named(sequence.tokens, toKey.at)}`);
  if (fromQuery) {
    lines.push(`receives ${number(fromQuery.value)} from ${fromQuery.at} ${named(sequence.tokens, fromQuery.at)}`);
  }
  return lines.length ? lines : [i === 0 ? "position 0 is left out of every reduction" : "nothing stored"];
}

/**
 * The tooltip of a token: `value` is what it is coloured by, `summed` what the selection gives it (null without one).
 * The edge to its strongest key (transposed: from its strongest query) is told with its context.
 * @param {import("../pure/sequence.js").Sequence} sequence
 * @param {number} i
 * @param {{value: number, summed: number | null, transpose: boolean}} shows
 */
export function tokenTip(sequence, i, { value, summed, transpose }) {
  const [strongest] = entries(sequence, i, transpose);
  const edge = strongest && (transpose ? [strongest.at, i] : [i, strongest.at]);
  return el("div", { class: "toktip" },
    el("div", {}, el("b", {}, `${i}: ${number(value)}`), " ", el("span", { class: "dim" }, named(sequence.tokens, i))),
    summed === null ? null : el("div", {}, `from the selection: ${number(summed)}`),
    wordsOf(sequence, i).map((line) => el("div", { class: "dim" }, line)),
    edge ? edgeLines(sequence.tokens, edge[0], edge[1]) : null);
}
