// SPDX-License-Identifier: Apache-2.0
// Characters that several byte tokens spell. A tree writes the bytes of a part of a character as <0xE4>.

import { quoted } from "./format.js";

/**
 * @typedef {{from: number, to: number, text: string, rtl: boolean}} Spelt tokens from .. to - 1 and what they spell together;
 *   `rtl`: of a script that runs from right to left
 */

const BYTES = /<0x([0-9A-F]{2})>/g;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * A byte (its text is "") or a stretch of text, of token `at`.
 * @typedef {{at: number, byte: number, text: string}} Unit
 */

/**
 * @param {string} token
 * @param {number} at
 * @returns {Unit[]}
 */
function unitsOf(token, at) {
  const units = [];
  let done = 0;
  for (const match of token.matchAll(BYTES)) {
    const begin = match.index ?? 0;
    if (begin > done) units.push({ at, byte: -1, text: token.slice(done, begin) });
    units.push({ at, byte: parseInt(match[1], 16), text: "" });
    done = begin + match[0].length;
  }
  if (done < token.length || !units.length) units.push({ at, byte: -1, text: token.slice(done) });
  return units;
}

/**
 * How many bytes a character has that begins with `byte`; 0 where none does.
 * @param {number} byte
 */
const lengthOf = (byte) => (byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? (byte < 0xf0 ? 3 : 0) : byte >= 0xc2 ? 2 : 0);

/**
 * The character that bytes from unit `i` on spell, "" for none.
 * @param {Unit[]} units
 * @param {number} i
 */
function characterAt(units, i) {
  const bytes = units.slice(i, i + lengthOf(units[i].byte)).map((unit) => unit.byte);
  if (!bytes.length || bytes.includes(-1)) return "";
  try {
    return UTF8.decode(Uint8Array.from(bytes));
  } catch {
    return "";
  }
}

/**
 * Whether a reader takes the end of one text and the begin of the other as one character, as of an emoji and its colour.
 * @param {string} before
 * @param {string} after
 */
function isOneCharacter(before, after) {
  if (!before || !after) return false;
  const found = GRAPHEMES.segment(before + after).containing(before.length);
  return found !== undefined && found.index < before.length;
}

/**
 * The text of all tokens, token by token or, where tokens share a character, stretch by stretch.
 * @param {readonly string[]} tokens
 * @returns {Spelt[]}
 */
function stretchesOf(tokens) {
  const units = tokens.flatMap(unitsOf);
  /** @type {{from: number, to: number, text: string}[]} */
  const stretches = [];
  for (let i = 0; i < units.length;) {
    const character = characterAt(units, i);
    const count = character ? lengthOf(units[i].byte) : 1;
    const [from, to] = [units[i].at, units[i + count - 1].at + 1];
    // A character within one token would have been written as such: the text has these letters.
    const whole = character && to - from > 1 ? character : units.slice(i, i + count).map(written).join("");
    const last = stretches.at(-1);
    if (last && last.to > from) {
      last.text += whole;
      last.to = Math.max(last.to, to);
    } else stretches.push({ from, to, text: whole });
    i += count;
  }
  /** @type {Spelt[]} */
  const joined = [];
  for (const { from, to, text } of stretches) {
    const last = joined.at(-1);
    const several = last && (last.to - last.from > 1 || to - from > 1);
    if (several && isOneCharacter(last.text, text)) {
      last.text += text;
      last.to = to;
    } else joined.push({ from, to, text, rtl: false });
  }
  for (const stretch of joined) stretch.rtl = RIGHT_TO_LEFT.test(stretch.text);
  return joined;
}

/** @param {Unit} unit */
const written = ({ byte, text }) => (byte < 0 ? text : `<0x${hex(byte)}>`);

/** @param {number} byte */
const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

/** @type {WeakMap<readonly string[], Map<number, Spelt>>} */
const known = new WeakMap();

/**
 * The stretches in which several tokens spell a character, by each token in them.
 * @param {readonly string[]} tokens
 * @returns {Map<number, Spelt>}
 */
export function spelt(tokens) {
  const before = known.get(tokens);
  if (before) return before;
  const made = new Map();
  if (tokens.some((token) => token.includes("<0x"))) {
    for (const stretch of stretchesOf(tokens)) {
      if (stretch.to - stretch.from > 1) for (let i = stretch.from; i < stretch.to; i++) made.set(i, stretch);
    }
  }
  known.set(tokens, made);
  return made;
}

/**
 * The text that tokens are of.
 * @param {readonly string[]} tokens
 */
export const textOf = (tokens) => partsOf(tokens, 0, tokens.length).map(({ whole, from }) => whole?.text ?? tokens[from]).join("");

/**
 * Tokens from .. to - 1 as a text shows them: one by one, or as what they spell together (which may begin before and end after).
 * @param {readonly string[]} tokens
 * @param {number} from
 * @param {number} to
 * @returns {{from: number, to: number, whole: Spelt | null}[]}
 */
export function partsOf(tokens, from, to) {
  const of = spelt(tokens);
  const parts = [];
  for (let i = from; i < to;) {
    const whole = of.get(i) ?? null;
    const end = whole ? Math.min(whole.to, to) : i + 1;
    parts.push({ from: i, to: end, whole });
    i = end;
  }
  return parts;
}

/**
 * A byte token under its character: "F0 9F".
 * @param {string} token
 */
export const bytesOf = (token) => token.replace(BYTES, " $1 ").trim().replace(/ {2,}/g, " ");

/**
 * A token for a list or a tooltip, with the character that it is a part of.
 * @param {readonly string[]} tokens
 * @param {number} i
 */
export function named(tokens, i) {
  const whole = spelt(tokens).get(i);
  return whole ? `${quoted(bytesOf(tokens[i]))} of ${quoted(whole.text.trim())}` : quoted(tokens[i]);
}
