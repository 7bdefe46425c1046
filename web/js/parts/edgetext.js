// SPDX-License-Identifier: Apache-2.0
// A text around queries and keys, which are marked in it.

import { el } from "../core/dom.js";
import { broken } from "../pure/format.js";
import { folds } from "../pure/sequence.js";
import { bytesOf, partsOf } from "../pure/spelling.js";
import { speltNode } from "./spelt.js";

const CONTEXT = 40; // tokens on either side of a mark

/**
 * @param {string[]} tokens
 * @param {number[]} queries
 * @param {number[]} keys
 */
export function edgeText(tokens, queries, keys) {
  const [atQuery, atKey] = [new Set(queries), new Set(keys)];
  /** @type {(i: number, text?: string) => HTMLElement} */
  const span = (i, text = broken(tokens[i])) => {
    const kind = atQuery.has(i) && atKey.has(i) ? "mark-both" : atQuery.has(i) ? "mark-query" : atKey.has(i) ? "mark-key" : "";
    return el("span", { class: kind ? `tok ${kind}` : "tok" }, text);
  };
  /** @type {HTMLElement[]} */
  const parts = [];
  let at = 0;
  for (const [from, to] of folds(tokens.length, [...queries, ...keys].filter((i) => i >= 0 && i < tokens.length), CONTEXT)) {
    if (from > at) parts.push(el("span", { class: "dim" }, ` ⋯ ${from - at} tokens ⋯ `));
    for (const part of partsOf(tokens, from, to)) {
      const bytes = [];
      for (let i = part.from; part.whole && i < part.to; i++) bytes.push(span(i, bytesOf(tokens[i])));
      parts.push(part.whole ? speltNode(part.whole, bytes) : span(part.from));
    }
    at = to;
  }
  if (at < tokens.length) parts.push(el("span", { class: "dim" }, ` ⋯ ${tokens.length - at} tokens`));
  return el("p", { class: "tokens edgetext", dir: "auto" }, parts);
}
