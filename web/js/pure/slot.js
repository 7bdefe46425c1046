// SPDX-License-Identifier: Apache-2.0
// The slot of a prompt that is swept, {1000..2020:20}, {a|b|c} or {}, and the values of it: a range, a list, lines.

/** The most values of a slot, as the backend has it. */
export const MOST_VALUES = 5000;

const RANGE = /^\s*(-?\d{1,9})\.\.(-?\d{1,9})(?::(\d{1,9}))?\s*$/;
const SLOT = /\{(?:-?\d{1,9}\.\.-?\d{1,9}(?::\d{1,9})?|[^{}|]*(?:\|[^{}|]*)+)\}/;

/**
 * The values of a text: of one line a range as 1000..2020:20 or a list as a|b|c, else each line.
 * @param {string} text
 * @returns {string[]}
 */
export function readValues(text) {
  const { lines, left } = linesOf(text);
  if (left) throw new Error(`has more than ${MOST_VALUES} values`);
  if (lines.length !== 1) return lines;
  const range = RANGE.exec(lines[0]);
  return range ? steps(Number(range[1]), Number(range[2]), Number(range[3] ?? 1)) : lines[0].split("|");
}

/**
 * The lines of a file that are not empty, as many as a slot takes, and how many were left out.
 * @param {string} text
 */
export function linesOf(text) {
  const all = text.replace(/^\ufeff/, "").split(/\r?\n/).filter((line) => line.trim() !== "");
  return { lines: all.slice(0, MOST_VALUES), left: Math.max(0, all.length - MOST_VALUES) };
}

/**
 * @param {number} first
 * @param {number} last
 * @param {number} step
 */
function steps(first, last, step) {
  if (step < 1 || first > last) throw new Error("is a range that does not go up");
  const count = Math.floor((last - first) / step) + 1;
  if (count > MOST_VALUES) throw new Error(`has more than ${MOST_VALUES} values`);
  return Array.from({ length: count }, (_, i) => String(first + i * step));
}

/**
 * A prompt whose slot takes values from elsewhere: what the slot itself lists would be taken instead.
 * @param {string} prompt
 */
export const emptySlot = (prompt) => prompt.replace(SLOT, "{}");
