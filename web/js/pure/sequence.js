// SPDX-License-Identifier: Apache-2.0
// A sequence's sparse attention pattern by rows, and every reduction the page shows of it.

/**
 * Whether an id is one of a custom sequence: those of a corpus are numbers.
 * @param {string} id
 */
export const isCustomId = (id) => /^c/.test(id);

/**
 * A sequence: `tokens` (n), `cols` and `vals` the stored entries row by row, `rowStart` (n + 1)
 * where each row begins; `textOnly` where nothing is known of the pattern.
 * @typedef {{id: string, interval: number, tokens: string[], n: number, max: number,
 *   rowStart: Uint32Array, cols: Uint32Array, vals: Float64Array, dropped: number, textOnly?: true,
 *   byColumn?: {start: Uint32Array, rows: Uint32Array, vals: Float64Array}}} Sequence
 */

/**
 * The sequence of one JSON record. The flat index is q * seq_len + k. Entries outside the pattern
 * and values that are no finite number are left out and counted in `dropped`.
 * @param {import("./shapes.js").Loose | null | undefined} record
 * @returns {Sequence | null} null when the record has no tokens
 */
export function fromRecord(record) {
  if (!record || !Array.isArray(record.tokens)) return null;
  const tokens = record.tokens.map((/** @type {unknown} */ token) => (typeof token === "string" ? token : String(token)));
  const n = tokens.length;
  const given = Number(record.seq_len ?? 0);
  const width = Number.isInteger(record.seq_len) && given > 0 ? given : n;
  const indices = Array.isArray(record.attention_indices) ? record.attention_indices : [];
  const values = Array.isArray(record.attention_values) ? record.attention_values : [];
  const count = Math.min(indices.length, values.length);
  let dropped = Math.max(indices.length, values.length) - count;

  const rowStart = new Uint32Array(n + 1);
  const kept = (/** @type {number} */ i) => {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || !Number.isFinite(values[i])) return -1;
    const q = Math.floor(index / width);
    return q < n && index % width < n ? q : -1;
  };
  let sorted = true;
  for (let i = 0, last = 0; i < count; i++) {
    const q = kept(i);
    if (q < 0) dropped++;
    else {
      rowStart[q + 1]++;
      sorted &&= q >= last;
      last = q;
    }
  }
  for (let q = 0; q < n; q++) rowStart[q + 1] += rowStart[q];
  const cols = new Uint32Array(rowStart[n]);
  const vals = new Float64Array(rowStart[n]);
  const next = rowStart.slice();
  for (let i = 0; i < count; i++) {
    const q = kept(i);
    if (q < 0) continue;
    cols[next[q]] = indices[i] % width;
    vals[next[q]++] = values[i];
  }
  const max = typeof record.max_activation === "number" && Number.isFinite(record.max_activation)
    ? record.max_activation
    : strongestOf(rowStart, cols, vals)?.value ?? 0;
  return {
    id: String(record.sequence_id ?? ""),
    interval: Number.isInteger(record.interval) ? Number(record.interval) : 0,
    tokens, n, max, rowStart, cols, vals, dropped,
  };
}

/**
 * A sequence of which only the text is known.
 * @param {string} id
 * @param {string[]} tokens
 * @returns {Sequence}
 */
export const textOnly = (id, tokens) => ({
  id, interval: 0, tokens, n: tokens.length, max: 0, rowStart: new Uint32Array(tokens.length + 1), cols: new Uint32Array(0),
  vals: new Float64Array(0), dropped: 0, textOnly: true,
});

/**
 * The entries by column, made on first use.
 * @param {Sequence} sequence
 */
function columns(sequence) {
  if (sequence.byColumn) return sequence.byColumn;
  const { n, rowStart, cols, vals } = sequence;
  const start = new Uint32Array(n + 1);
  for (const k of cols) start[k + 1]++;
  for (let k = 0; k < n; k++) start[k + 1] += start[k];
  const rows = new Uint32Array(cols.length);
  const values = new Float64Array(cols.length);
  const next = start.slice();
  for (let q = 0; q < n; q++) {
    for (let i = rowStart[q]; i < rowStart[q + 1]; i++) {
      rows[next[cols[i]]] = q;
      values[next[cols[i]]++] = vals[i];
    }
  }
  sequence.byColumn = { start, rows, vals: values };
  return sequence.byColumn;
}

/**
 * Per token the most attention it gives (`transpose`: receives), row 0 and column 0 left out.
 * @param {Sequence} sequence
 * @param {boolean} transpose
 */
export function strongestPerToken(sequence, transpose) {
  const { n, rowStart, cols, vals } = sequence;
  const out = new Float64Array(n);
  for (let q = 1; q < n; q++) {
    for (let i = rowStart[q]; i < rowStart[q + 1]; i++) {
      const k = cols[i];
      if (k === 0) continue;
      const at = transpose ? k : q;
      if (vals[i] > out[at]) out[at] = vals[i];
    }
  }
  return out;
}

/**
 * @param {Uint32Array} rowStart
 * @param {Uint32Array} cols
 * @param {Float64Array} vals
 */
function strongestOf(rowStart, cols, vals) {
  /** @type {{q: number, k: number, value: number} | null} */
  let best = null;
  for (let q = 1; q + 1 < rowStart.length; q++) {
    for (let i = rowStart[q]; i < rowStart[q + 1]; i++) {
      if (cols[i] !== 0 && (best === null || vals[i] > best.value)) best = { q, k: cols[i], value: vals[i] };
    }
  }
  return best;
}

/**
 * The strongest pair outside row 0 and column 0: {q, k, value}; null when there is none.
 * @param {Sequence} sequence
 */
export function strongestPair(sequence) {
  return strongestOf(sequence.rowStart, sequence.cols, sequence.vals);
}

/**
 * Entries {at, value} of one row (`transpose`: column), entry 0 left out, strongest first.
 * @param {Sequence} sequence
 * @param {number} position
 * @param {boolean} transpose
 */
export function entries(sequence, position, transpose) {
  /** @type {{at: number, value: number}[]} */
  const out = [];
  if (position <= 0 || position >= sequence.n) return out;
  const [start, other, values] = transpose
    ? [columns(sequence).start, columns(sequence).rows, columns(sequence).vals]
    : [sequence.rowStart, sequence.cols, sequence.vals];
  for (let i = start[position]; i < start[position + 1]; i++) {
    if (other[i] !== 0) out.push({ at: other[i], value: values[i] });
  }
  return out.sort((a, b) => b.value - a.value || a.at - b.at);
}

/**
 * The `count` strongest links {source, at, value} of several positions with others, strongest first.
 * @param {Sequence} sequence
 * @param {number[]} from
 * @param {boolean} transpose
 * @param {number} count
 */
export const strongestLinks = (sequence, from, transpose, count) => from
  .flatMap((source) => entries(sequence, source, transpose).slice(0, count).map((e) => ({ source, ...e })))
  .filter(({ source, at }) => at !== source).sort((a, b) => b.value - a.value).slice(0, count);

/**
 * Attention summed over the rows (`transpose`: columns) of several positions, entry 0 zero.
 * @param {Sequence} sequence
 * @param {number[]} positions
 * @param {boolean} transpose
 */
export function summed(sequence, positions, transpose) {
  const out = new Float64Array(sequence.n);
  for (const position of new Set(positions)) {
    for (const { at, value } of entries(sequence, position, transpose)) out[at] += value;
  }
  return out;
}

/**
 * A[q, k] as stored, 0 where it is not.
 * @param {Sequence} sequence
 * @param {number} q
 * @param {number} k
 */
export function valueAt(sequence, q, k) {
  if (q < 0 || q >= sequence.n) return 0;
  for (let i = sequence.rowStart[q]; i < sequence.rowStart[q + 1]; i++) {
    if (sequence.cols[i] === k) return sequence.vals[i];
  }
  return 0;
}

const NEAR = 4; // tokens on either side of a key that a fold leaves in sight

/**
 * The record a sequence was read from, with the fields of the tree.
 * @param {Sequence} sequence
 * @returns {import("./shapes.js").SequenceRecord}
 */
export function toRecord(sequence) {
  const indices = [];
  for (let q = 0; q < sequence.n; q++) {
    for (let i = sequence.rowStart[q]; i < sequence.rowStart[q + 1]; i++) {
      indices.push(q * sequence.n + sequence.cols[i]);
    }
  }
  return {
    sequence_id: /^\d{1,15}$/.test(sequence.id) ? Number(sequence.id) : sequence.id,
    interval: sequence.interval,
    tokens: sequence.tokens,
    attention_indices: indices,
    attention_values: Array.from(sequence.vals),
    seq_len: sequence.n,
    max_activation: sequence.max,
  };
}

/**
 * The stretches a folded sequence shows: `context` tokens around each anchor and `NEAR` around each of `near`,
 * joined where the gap is shorter than `gap`. Ascending, disjoint [from, to) pairs; all of it when that is nearly all.
 * @param {number} n
 * @param {number[]} anchors
 * @param {number} context
 * @param {number[]} near
 */
export function folds(n, anchors, context, near = [], gap = 12) {
  /** @type {number[][]} */
  const spans = [];
  const windows = [...anchors.map((at) => [at, context]), ...near.map((at) => [at, NEAR])];
  for (const [at, around] of windows.sort((a, b) => a[0] - a[1] - b[0] + b[1])) {
    const from = Math.max(0, at - around);
    const to = Math.min(n, at + around + 1);
    const last = spans.at(-1);
    if (last && from - last[1] < gap) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  if (!spans.length) spans.push([0, Math.min(n, 2 * context + 1)]);
  if (spans[0][0] < gap) spans[0][0] = 0;
  const last = spans[spans.length - 1];
  if (n - last[1] < gap) last[1] = n;
  return spans;
}

/**
 * The same text with what the pattern of `sequence` has more than that of `other`, and less where it is below zero; both
 * hold only the entries that were stored.
 * @param {Sequence} sequence
 * @param {Sequence} other
 * @returns {Sequence}
 */
export function patternDifference(sequence, other) {
  /** @type {number[][]} */
  const [rowStart, cols, vals] = [[0], [], []];
  for (let q = 0; q < sequence.n; q++) {
    /** @type {Map<number, number>} */
    const row = new Map();
    for (const [side, sign] of /** @type {[Sequence, number][]} */ ([[sequence, 1], [other, -1]])) {
      for (let i = side.rowStart[q]; i < side.rowStart[q + 1]; i++) row.set(side.cols[i], (row.get(side.cols[i]) ?? 0) + sign * side.vals[i]);
    }
    for (const [k, value] of [...row].sort(([a], [b]) => a - b)) {
      cols.push(k);
      vals.push(value);
    }
    rowStart.push(cols.length);
  }
  return {
    ...sequence, rowStart: Uint32Array.from(rowStart), cols: Uint32Array.from(cols), vals: Float64Array.from(vals), byColumn: undefined,
  };
}

/**
 * The stored entries as a table for export, those that `keep(q, k)`.
 * @param {Sequence} sequence
 * @param {(q: number, k: number) => boolean} keep
 */
export function patternTable(sequence, keep = () => true) {
  const rows = [];
  for (let q = 0; q < sequence.n; q++) {
    for (let i = sequence.rowStart[q]; i < sequence.rowStart[q + 1]; i++) {
      const k = sequence.cols[i];
      if (keep(q, k)) rows.push([q, k, sequence.tokens[q], sequence.tokens[k], sequence.vals[i]]);
    }
  }
  return { columns: ["query", "key", "query_token", "key_token", "attention"], rows };
}
