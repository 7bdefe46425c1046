// SPDX-License-Identifier: Apache-2.0
// The attribution of an edge: asked of the backend, else read from the tree, with what went wrong in words.

import { CUSTOM } from "../core/state.js";
import { strongestPair as strongestEdge, valueAt } from "../pure/sequence.js";
import { readAttribution } from "../pure/attribution.js";
import { can } from "./custom.js";
import { chosenInterval } from "./sequencebar.js";

const LONGEST_WAIT_S = 60;
const LACKING = 501; // status of an answer that takes what the server does not have: a dictionary of the layer

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {import("../pure/shapes.js").Address & import("../pure/shapes.js").Edge} Asked
 * @typedef {{message: string, hint: string, retry: boolean}} Failure
 */

/**
 * Follows the edge of a `kind` ("qk" or "ov"); `tell()` hears every change of `answer`, `failure` and `stale` (why the
 * answer is a stored one although there is a backend).
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 * @param {() => void} tell
 */
export function createEdgeAnswer(app, kind, tell) {
  const { tree, backend } = app;
  let asked = "";
  /** @type {AbortController | null} */
  let abort = null;
  const held = {
    answer: /** @type {ReturnType<typeof readAttribution> | null} */ (null),
    failure: /** @type {Failure | null} */ (null), stale: "", ask,
  };

  /**
   * Asks for an edge, unless it is the one that was asked for last.
   * @param {Asked} edge
   */
  async function ask(edge, force = false) {
    const wanted = Object.values(edge).join(" ");
    if (wanted === asked && !force) return;
    asked = wanted;
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    Object.assign(held, { answer: null, failure: null, stale: "" });
    tell();
    try {
      const found = await find(edge, signal);
      if (signal.aborted) return;
      if (found) held.answer = readAttribution(found);
      else held.failure = missing();
    } catch (error) {
      if (error.name === "AbortError") return;
      const wait = error.retryAfter;
      held.failure = { message: error.message, hint: wait ? `Trying again in ${wait} s.` : "", retry: true };
      if (wait) setTimeout(() => asked === wanted && held.failure && ask(edge, true), Math.min(wait, LONGEST_WAIT_S) * 1000);
    }
    if (asked === wanted) tell();
  }

  /** @returns {Failure} */
  const missing = () => ({
    message: `This edge has no stored ${kind.toUpperCase()} attribution, and there is no backend to compute it.`,
    hint: "`make serve` computes it when you ask, `make attributions` stores the strongest edges for a static host.",
    retry: false,
  });

  /**
   * A backend knows whether its stored answer is of the dictionary it has now, so it is asked first; where it is gone
   * or still loading, and where there is none, a stored answer is better than nothing.
   * @param {Asked} edge
   * @param {AbortSignal} signal
   */
  async function find({ layer, head, ...edge }, signal) {
    if (!backend) return tree.attribution(kind, layer, head, edge);
    try {
      const body = { layer, head, seq_idx: edge.seq, query_pos: edge.q, key_pos: edge.k };
      const found = await backend.call(`${kind}_attributions`, body, signal);
      tree.noteCached(kind, layer, head, edge);
      app.dictionaries.note(kind, layer);
      return found;
    } catch (error) {
      if (error.status === LACKING) app.dictionaries.note(kind, layer, error.message);
      if (error.name === "AbortError" || (error.status !== 0 && error.status !== 503)) throw error;
      const stored = await tree.attribution(kind, layer, head, edge).catch(() => null);
      if (!stored) throw error;
      held.stale = `This answer was stored earlier. ${error.message}`;
      return stored;
    }
  }
  return held;
}

/**
 * The edge a tab opens with when none is chosen: with a backend that may attribute it the strongest of what the Sequences tab
 * shows, else the strongest stored one; sequences of other intervals come after. Null where there is none.
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 * @returns {{seq: string, q: number, k: number} | null}
 */
export function firstEdge(app, kind) {
  const { tree, session, store: { state: { layer, head } } } = app;
  const interval = chosenInterval(app);
  const all = interval === CUSTOM ? session.head.custom : session.head.data?.sequences ?? [];
  const isShown = (/** @type {Sequence} */ s) => interval === CUSTOM || s.interval === interval;
  const sequences = [...all].sort((a, b) => Number(isShown(b)) - Number(isShown(a)) || b.max - a.max);
  const stored = (/** @type {Sequence} */ sequence) => tree.cachedEdges(kind, layer, head, sequence.id)
    .map(([q, k]) => ({ q, k, value: valueAt(sequence, q, k) })).sort((a, b) => b.value - a.value)[0];
  const edgeOf = can(app, `${kind}_attributions`) && !app.dictionaries.lack(kind, layer) ? strongestEdge : stored;
  for (const sequence of sequences) {
    const edge = edgeOf(sequence);
    if (edge) return { seq: sequence.id, q: edge.q, k: edge.k };
  }
  return null;
}

/**
 * Whether the sequences that the Sequences tab shows are still to come.
 * @param {import("../core/app.js").App} app
 */
export function isComing(app) {
  const { data, error, asked } = app.session.head;
  return chosenInterval(app) === CUSTOM ? /no|loading/.test(asked) : !data && !error;
}
