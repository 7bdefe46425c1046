// SPDX-License-Identifier: Apache-2.0
// Where the stored attention of some sequences goes: what a head does on them, in shares.

const KINDS = ["sink", "self", "previous", "same", "after", "elsewhere"];

/**
 * What each share is of, in the order they are shown.
 * @type {Record<string, string>}
 */
export const KIND_WORDS = {
  sink: "position 0", self: "the token itself", previous: "the token before", same: "the same token before",
  after: "after the same token", elsewhere: "elsewhere",
};

const MOSTLY = 0.5; // share of one offset from which a head "mostly" looks there

/**
 * Shares of the stored attention by kind of key; every entry counts once, for the first kind it is of. `offset` is the
 * distance that holds most of what does not go to position 0, when it holds half of it (else null).
 * @param {import("./sequence.js").Sequence[]} sequences
 * @returns {{shares: Record<string, number>, offset: number | null, total: number}}
 */
export function doing(sequences) {
  const shares = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  /** @type {Map<number, number>} */
  const offsets = new Map();
  let total = 0;
  for (const { n, rowStart, cols, vals, tokens } of sequences) {
    for (let q = 0; q < n; q++) for (let i = rowStart[q]; i < rowStart[q + 1]; i++) {
      const k = cols[i];
      shares[kindOf(tokens, q, k)] += vals[i];
      total += vals[i];
      if (k > 0) offsets.set(q - k, (offsets.get(q - k) ?? 0) + vals[i]);
    }
  }
  if (total > 0) for (const kind of KINDS) shares[kind] /= total;
  const away = [...offsets.values()].reduce((a, b) => a + b, 0);
  const [offset, mass] = [...offsets].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0]);
  return { shares, total, offset: away > 0 && mass >= MOSTLY * away && mass >= 0.2 * total ? offset : null };
}

/**
 * @param {string[]} tokens
 * @param {number} q
 * @param {number} k
 */
function kindOf(tokens, q, k) {
  if (k === 0) return "sink";
  if (k === q) return "self";
  if (q - k === 1) return "previous";
  if (tokens[k] === tokens[q]) return "same";
  return k < q && tokens[k - 1] === tokens[q] ? "after" : "elsewhere";
}

/**
 * "mostly one back" for a pattern of one offset; empty for any other.
 * @param {number | null} offset
 */
export function offsetWords(offset) {
  if (offset === null) return "";
  const size = Math.abs(offset);
  const many = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][size] ?? String(size);
  return offset === 0 ? "mostly the token itself" : `mostly ${many} ${offset > 0 ? "back" : "ahead"}`;
}
