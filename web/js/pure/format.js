// SPDX-License-Identifier: Apache-2.0
// Numbers, tokens and addresses as the page prints them.

/**
 * Four decimals, exponential where that would hide the number; `0` for zero.
 * @param {unknown} value
 */
export function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 0.001 || size >= 10000 ? value.toExponential(2) : value.toFixed(size >= 1000 ? 1 : 4);
}

/**
 * Short form for axes and cells: three significant digits.
 * @param {unknown} value
 */
export function short(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  if (size >= 1000) return `${+(value / 1000).toPrecision(3)}k`;
  return String(+value.toPrecision(3));
}

/** @type {Record<string, (value: number) => string>} */
const FORMATS = {
  percent: (value) => `${(100 * value).toFixed(2)}%`,
  integer: (value) => Math.round(value).toLocaleString("en-US"),
  scientific: (value) => value.toExponential(3),
  default: number,
};

/**
 * A statistic in one of the tree's formats: default, percent, integer, scientific.
 * @param {unknown} value
 */
export function statistic(value, format = "default") {
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return (Object.hasOwn(FORMATS, format) ? FORMATS[format] : number)(value);
}

/**
 * An attribution score: more digits the smaller it is.
 * @param {unknown} value
 */
export function score(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001) return value.toExponential(1);
  return value.toFixed(size < 1 ? 4 : 2);
}

/**
 * A standard error: two significant digits, as far as four decimals (what a tree holds) carry them.
 * @param {number} value
 */
export function uncertainty(value) {
  if (!(value > 0) || !Number.isFinite(value)) return "0";
  if (value < 1e-4 || value >= 1e4) return value.toExponential(0);
  if (value >= 10) return String(Math.round(value));
  return value < 0.001 ? value.toFixed(4) : value.toPrecision(2);
}

const PICTURES = new Map([["\t", "↹"], ["\n", "⏎"], ["\u2028", " "], ["\u205f", " "], ["\u007f", "␡"]]);

/**
 * A token as shown: control characters become their pictures, so that no token is invisible, and
 * marks that would turn the text around them become one that does not.
 * @param {string} text
 */
export function token(text) {
  return text.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g, "⇄").replace(
    /[\u0000-\u001f\u007f\u2028\u205f]/g, (c) => PICTURES.get(c) ?? String.fromCharCode(0x2400 + c.charCodeAt(0)),
  );
}

/**
 * A token as shown in a text: broken where its line breaks are, which stay visible.
 * @param {string} text
 */
export const broken = (text) => token(text).replaceAll("⏎", "⏎\n");

/**
 * A token for a list or a tooltip: as shown, its spaces made visible.
 * @param {string} text
 */
export function quoted(text) {
  const shown = token(text).replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
  return shown === "" ? "∅" : shown;
}

/**
 * Whether a value of a file is a head's layer and number.
 * @param {unknown} h
 * @returns {h is [number, number]}
 */
export const isHead = (h) => Array.isArray(h) && Number.isInteger(h[0]) && Number.isInteger(h[1]);

/**
 * "L5H1".
 * @param {number} layer
 * @param {number} head
 */
export const address = (layer, head) => `L${layer}H${head}`;

/**
 * Layer and head of "5.1", "L5H1", "l5 h1", "5,1" or "5 1"; null for anything else.
 * @param {string} text
 */
export function parseAddress(text) {
  const match = /^\s*l?\s*(\d{1,6})\s*(?:[.,:/ ]\s*h?|h)\s*(\d{1,6})\s*$/i.exec(text);
  return match ? { layer: Number(match[1]), head: Number(match[2]) } : null;
}

/**
 * "qk_distance" as "qk distance".
 * @param {string} name
 */
export const words = (name) => name.replaceAll("_", " ");

/**
 * Position (in characters, from 0) of the first half of a surrogate pair without its other half; -1 for none.
 * @param {string} text
 */
export function loneSurrogate(text) {
  const at = text.search(/\p{Surrogate}/u);
  return at < 0 ? -1 : [...text.slice(0, at)].length;
}

/**
 * How a plot writes the edges of its bins: as whole numbers where its `x_format` says so or says nothing and they are
 * such; undefined leaves it to the plot. Others' trees name plots of shares without a format.
 * @param {number[]} edges
 * @param {unknown} format
 * @returns {((value: number) => string) | undefined}
 */
export function edgeFormat(edges, format) {
  return (format ?? "integer") === "integer" && edges.every(Number.isInteger) ? (v) => String(Math.round(v)) : undefined;
}
