// SPDX-License-Identifier: Apache-2.0
// What tests of the page start from.

/** A random record and the same pattern as a plain matrix. */
export function sample(n, seed) {
  let state = seed;
  const rand = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648);
  const matrix = Array.from({ length: n }, () => new Array(n).fill(0));
  const indices = [];
  const values = [];
  for (let q = 0; q < n; q++) {
    for (let k = 0; k <= q; k++) {
      if (rand() > 0.4) continue;
      matrix[q][k] = rand();
      indices.push(q * n + k);
      values.push(matrix[q][k]);
    }
  }
  const tokens = Array.from({ length: n }, (_, i) => `t${i}`);
  return {
    matrix,
    record: {
      sequence_id: 7, interval: 3, tokens, attention_indices: indices, attention_values: values, seq_len: n,
      max_activation: 0.9,
    },
  };
}

/** Metrics of three heads, one of them missing. */
export const ROWS = [
  { layer: 0, head: 0, a: 1, b: 10, a_se: 0.1 }, {
    layer: 0, head: 1, a: 3, b: null, a_se: 0.2,
  }, { layer: 1, head: 0, a: 2, b: 30, a_se: 0.3 },
];
