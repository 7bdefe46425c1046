// SPDX-License-Identifier: Apache-2.0
// The attention of every head on one edge, read from the head files a few at a time.

const LANES = 3; // files asked for at once

/**
 * Ranks the heads of `tree` on an edge {seq, q, k}; the latest ranking is kept. A backend with the model tells all heads'
 * attention in one pass (`live`). Else the head files are read: `rows` are {layer, head, value, interval} for the heads that
 * store the sequence, `value` 0 where the entry is not among the stored ones; `without` counts the heads that do not store
 * it, `failed` those whose file could not be read. `interval` is null where no file was read.
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {{layer: number, head: number, value: number, interval: number | null}} Ranked
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {import("./app.js").Backend} backend
 */
export function createRanking(tree, store, backend) {
  /** @type {AbortController | null} */
  let abort = null;
  /** @type {Ranked[]} */
  const none = [];
  const ranking = {
    key: "", running: false, live: false, done: 0, of: tree.heads.length, without: 0, failed: 0, rows: none,

    /**
     * Starts over for an edge; `tell()` hears every step.
     * @param {Edge} edge
     * @param {() => void} tell
     */
    async start(edge, tell) {
      ranking.stop();
      abort = new AbortController();
      const { signal } = abort;
      Object.assign(ranking, { key: keyOf(edge), running: true, live: false, done: 0, without: 0, failed: 0, rows: [] });
      tell();
      const told = ranking.canAsk && await fromBackend(edge, signal).catch(() => null);
      if (signal.aborted) return;
      if (told) {
        Object.assign(ranking, { running: false, live: true, done: ranking.of, rows: told });
        tell();
        return;
      }
      const waiting = tree.heads[Symbol.iterator]();
      const lane = async () => {
        for (const { layer, head } of waiting) {
          const found = await tree.edge(layer, head, edge, signal).catch((error) => error);
          if (signal.aborted) return;
          ranking.done++;
          if (found === null) ranking.without++;
          else if (found instanceof Error) ranking.failed++;
          else ranking.rows.push({ layer, head, ...found });
          tell();
        }
      };
      tell();
      await Promise.all(Array.from({ length: LANES }, lane));
      if (signal.aborted) return;
      ranking.running = false;
      tell();
    },
    /** Whether a backend says that it can tell all heads at once. */
    get canAsk() {
      return backend !== null && store.state.backendStatus?.operations?.attention_on_edge === true && !store.state.backendGone;
    },
    stop() {
      abort?.abort();
      ranking.running = false;
    },
    /** Whether this ranking, finished or not, is of an edge. */
    isOf: (/** @type {Edge} */ edge) => ranking.key === keyOf(edge),
    /** Rows from the strongest, equal ones by layer and head. */
    get sorted() {
      return [...ranking.rows].sort((a, b) => b.value - a.value || a.layer - b.layer || a.head - b.head);
    },
  };
  /**
   * @param {Edge} edge
   * @param {AbortSignal} signal
   * @returns {Promise<Ranked[] | null>}
   */
  async function fromBackend({ seq, q, k }, signal) {
    if (!backend) return null;
    const { layer, head } = store.state; // where a custom sequence is stored
    const body = { layer, head, seq_idx: seq, query_pos: q, key_pos: k };
    const { heads } = /** @type {{heads: {layer: number, head: number, attention: number}[]}} */ (
      await backend.call("attention_on_edge", body, signal));
    return heads.map((h) => ({ layer: h.layer, head: h.head, value: h.attention, interval: null }));
  }
  return ranking;
}

/** @param {Edge} edge */
const keyOf = ({ seq, q, k }) => `${seq}:${q},${k}`;
