// SPDX-License-Identifier: Apache-2.0
// Which stretches of a text a cropped figure shows: one around its query, one around its key.

import { folds } from "./sequence.js";

/**
 * @typedef {{at: number, before: number, after: number}} Stretch tokens before and after the one at `at` that are shown with it
 */

/** Tokens on either side, unless somebody says otherwise. */
export const USUAL = 12;
const MOST = 10_000;

/**
 * The stretches to show, as ascending, disjoint [from, to) pairs. The usual ones are joined where little lies between; what
 * somebody chose is kept to the token.
 * @param {number} n
 * @param {Stretch[]} stretches
 * @returns {number[][]}
 */
export function cropped(n, stretches) {
  const usual = stretches.every(({ before, after }) => before === USUAL && after === USUAL);
  return usual ? folds(n, stretches.map(({ at }) => at), USUAL) : joined(stretches.map((s) => rangeOf(n, s)).map(({ first, last }) => [first, last + 1]));
}

/**
 * Positions of the first and the last token of a stretch.
 * @param {number} n
 * @param {Stretch} stretch
 */
export const rangeOf = (n, { at, before, after }) => ({ first: Math.max(0, at - before), last: Math.min(n - 1, at + after) });

/**
 * The stretch from a first to a last token; it always holds the one that it is around.
 * @param {number} at
 * @param {number} first
 * @param {number} last
 * @returns {Stretch}
 */
export const stretchOf = (at, first, last) => ({ at, before: side(at - first), after: side(last - at) });

/**
 * A number of tokens on a side, as somebody typed it or a browser kept it.
 * @param {unknown} value
 */
export function side(value) {
  const count = Math.round(Number(value));
  return Number.isFinite(count) ? Math.min(MOST, Math.max(0, count)) : USUAL;
}

/** @param {number[][]} spans */
function joined(spans) {
  /** @type {number[][]} */
  const out = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}
