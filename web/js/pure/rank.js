// SPDX-License-Identifier: Apache-2.0
// The rows of scatter_data.json: which columns are metrics, ranks, filters and orders.

import { address, parseAddress } from "./format.js";

/** @typedef {import("./shapes.js").Row} Row */

/**
 * Columns that are numbers in the first row, without layer, head and standard errors.
 * @param {Row[]} rows
 * @param {string[]} preferred those that come first
 */
export function metricNames(rows, preferred = []) {
  const first = /** @type {import("./shapes.js").Loose} */ (rows[0] ?? {});
  const columns = Object.keys(first).filter((key) => Number.isFinite(first[key]) && key !== "layer" && key !== "head");
  const isError = (/** @type {string} */ key) => key.endsWith("_se") && columns.includes(key.slice(0, -3));
  const found = columns.filter((key) => !isError(key));
  const order = preferred.filter((key) => found.includes(key));
  return [...order, ...found.filter((key) => !order.includes(key))];
}

/**
 * A row's number in a column, or null.
 * @param {{[column: string]: unknown} | null | undefined} row
 * @param {string} key
 */
export function valueOf(row, key) {
  const value = row?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/**
 * A row's standard error of a metric (of `standard_errors`, or a column NAME_se), or null.
 * @param {Row | null | undefined} row
 * @param {string} key
 */
export const errorOf = (row, key) => valueOf(row?.standard_errors, key) ?? valueOf(row, `${key}_se`);

/**
 * A row's number in a column where it is known to have one.
 * @param {Row} row
 * @param {string} key
 */
const numberOf = (row, key) => valueOf(row, key) ?? NaN;

/**
 * Rows with a value in `key`, largest first, ties by layer and head.
 * @param {Row[]} rows
 * @param {string} key
 */
export function ranked(rows, key) {
  return rows
    .filter((row) => valueOf(row, key) !== null)
    .sort((a, b) => numberOf(b, key) - numberOf(a, key) || a.layer - b.layer || a.head - b.head);
}

/**
 * Where `value` stands in a column: rank from 1 (largest), of how many, and the percentage of
 * heads at or below it.
 * @param {Row[]} rows
 * @param {string} key
 * @param {number} value
 */
export function standing(rows, key, value) {
  let above = 0;
  let atOrBelow = 0;
  for (const row of rows) {
    const other = valueOf(row, key);
    if (other === null) continue;
    if (other > value) above++;
    else atOrBelow++;
  }
  const of = above + atOrBelow;
  return { rank: above + 1, of, percentile: of ? (100 * atOrBelow) / of : 0 };
}

/**
 * The `count` heads most like one by their metrics: the mean difference of the heads' ranks (0..1, equal
 * values sharing one) over the metrics both have, smallest first. `apart` names the metric they differ most in.
 * @param {Row[]} rows
 * @param {string[]} names
 * @param {Row} row
 * @param {number} count
 */
export function alike(rows, names, row, count) {
  const ranks = names.map((name) => rankOf(rows, name));
  const here = rows.indexOf(row);
  return rows.flatMap((other, i) => {
    if (i === here) return [];
    let [sum, shared, most] = [0, 0, -1];
    let apart = "";
    names.forEach((name, m) => {
      const difference = Math.abs(ranks[m][here] - ranks[m][i]);
      if (Number.isNaN(difference)) return;
      sum += difference;
      shared++;
      if (difference > most) {
        most = difference;
        apart = name;
      }
    });
    return shared ? [{ row: other, distance: sum / shared, apart }] : [];
  }).sort((a, b) => a.distance - b.distance || a.row.layer - b.row.layer || a.row.head - b.row.head).slice(0, count);
}

/**
 * Every row's rank in a column from 0 (smallest) to 1, equal values at their middle; NaN without a value.
 * @param {Row[]} rows
 * @param {string} name
 */
export function rankOf(rows, name) {
  const out = new Float64Array(rows.length).fill(NaN);
  const order = [...rows.keys()].filter((i) => valueOf(rows[i], name) !== null).sort((a, b) => numberOf(rows[a], name) - numberOf(rows[b], name));
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && rows[order[to]][name] === rows[order[from]][name]) to++;
    for (let i = from; i < to; i++) out[order[i]] = order.length > 1 ? (from + to - 1) / 2 / (order.length - 1) : 0;
    from = to;
  }
  return out;
}

/**
 * Smallest and largest value of a column; null when it has none.
 * @param {Row[]} rows
 * @param {string} key
 * @returns {[number, number] | null}
 */
export function extent(rows, key) {
  let low = Infinity;
  let high = -Infinity;
  for (const row of rows) {
    const value = valueOf(row, key);
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** @type {Record<string, (a: number, b: number) => boolean>} */
const COMPARE = {
  "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b,
};

/**
 * A filter over rows: blank-separated addresses ("5.1", "L5H1", "L5" or "5." for a layer; any of
 * them), conditions ("entropy<1", the name as far as it is unique; all of them) and words of notes ("#induction").
 * @param {string} text
 * @param {string[]} names
 * @param {(row: Row) => {name: string, text: string}} noteOf
 * @returns {{test: (row: Row) => boolean, error?: string}}
 */
export function rowFilter(text, names, noteOf = () => ({ name: "", text: "" })) {
  /** @type {((row: Row) => boolean)[]} */
  const addresses = [];
  /** @type {((row: Row) => boolean)[]} */
  const conditions = [];
  for (const part of text.trim().split(/\s+/).filter(Boolean)) {
    const condition = /^([a-z_][\w]*)(<=|>=|<|>|=)(-?[\d.]+(?:e-?\d+)?)$/i.exec(part);
    const layer = /^(?:l(\d{1,6})|(\d{1,6})\.?)$/i.exec(part);
    const exact = parseAddress(part);
    if (part.startsWith("#")) {
      const word = part.slice(1).toLowerCase();
      conditions.push((row) => `${noteOf(row).name} ${noteOf(row).text}`.toLowerCase().includes(word) && noteOf(row).name + noteOf(row).text !== "");
    } else if (condition) {
      const found = resolveName(condition[1], names);
      if (found.length !== 1) return { test: () => true, error: found.length
        ? `${condition[1]} may be ${found.slice(0, -1).join(", ")} or ${found.at(-1)}; write more of it.` : `No metric is named ${condition[1]}.` };
      const [name] = found;
      conditions.push((row) => valueOf(row, name) !== null && COMPARE[condition[2]](numberOf(row, name), Number(condition[3])));
    } else if (exact) addresses.push((row) => row.layer === exact.layer && row.head === exact.head);
    else if (layer) addresses.push((row) => row.layer === Number(layer[1] ?? layer[2]));
    else return { test: () => true, error: `${part} is neither an address (5.1, L5) nor a condition (entropy<1).` };
  }
  return {
    test: (row) => (!addresses.length || addresses.some((test) => test(row))) && conditions.every((test) => test(row)),
  };
}

/**
 * The columns a name may mean: itself, else those that begin with it, else those that hold it.
 * @param {string} given
 * @param {string[]} names
 */
function resolveName(given, names) {
  const all = ["layer", "head", ...names];
  const lower = given.toLowerCase();
  /** @type {((name: string) => boolean)[]} */
  const ways = [(name) => name === lower, (name) => name.startsWith(lower), (name) => name.includes(lower)];
  return ways.map((fits) => all.filter((name) => fits(name.toLowerCase()))).find((found) => found.length) ?? [];
}

/**
 * Rows in the order of `sort` ("name" or "-name"); an empty order keeps them.
 * @param {Row[]} rows
 * @param {string} sort
 */
export function sorted(rows, sort) {
  if (!sort) return rows;
  const down = sort.startsWith("-");
  const key = down ? sort.slice(1) : sort;
  /** @type {(row: Row) => number | null} */
  const read = key === "address" ? (row) => row.layer * 1e6 + row.head : (row) => valueOf(row, key);
  return [...rows].sort((a, b) => {
    const [left, right] = [read(a), read(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return (down ? right - left : left - right) || a.layer - b.layer || a.head - b.head;
  });
}

/**
 * Rows by address, for links between views.
 * @param {Row[]} rows
 */
export const byAddress = (rows) => new Map(rows.map((row) => [address(row.layer, row.head), row]));

/**
 * Rows and metrics as a table for export, each metric with its standard error where there are any.
 * @param {Row[]} rows
 * @param {string[]} names
 */
export function metricTable(rows, names) {
  const cells = names.flatMap((name) => {
    const errors = rows.some((row) => errorOf(row, name) !== null);
    const value = { column: name, read: (/** @type {Row} */ row) => valueOf(row, name) };
    return errors ? [value, { column: `${name}_se`, read: (/** @type {Row} */ row) => errorOf(row, name) }] : [value];
  });
  return {
    columns: ["layer", "head", ...cells.map((cell) => cell.column)],
    rows: rows.map((row) => [row.layer, row.head, ...cells.map((cell) => cell.read(row))]),
  };
}
