// SPDX-License-Identifier: Apache-2.0
// An attribution answer (cached file or endpoint) in the shape the page shows, whatever it leaves out.

import { score } from "./format.js";

/** @typedef {import("./shapes.js").Loose} Loose */

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : "");
/** @param {unknown} value */
const known = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
/** @param {unknown} value */
const finite = (value) => known(value) ?? 0;
/**
 * @param {unknown} value
 * @returns {Loose[]}
 */
const list = (value) => (Array.isArray(value) ? value.filter((v) => v && typeof v === "object") : []);

/**
 * @typedef {{tokens: string[], activations: number[], interval: number, peak: number, max: number}} Snippet
 * @typedef {{id: string, name: string, description: string, activation: number | null, snippets: Snippet[]}} Feature
 *   `activation` at its token of the edge, null where the answer has none
 * @typedef {{score: number, feature: Feature, partners: {score: number, key?: number, feature: Feature}[]}} Marginal
 * @typedef {{score: number, query: Feature, key: Feature}} Pair
 * @typedef {{label: string, value: number}} Term
 * @typedef {{score: number, terms: Term[], listed: number, count: number, missing: number}} ScoreSum
 */

/**
 * Snippets with as many activations as tokens, by interval from the strongest, then by largest activation.
 * @param {unknown} value
 * @returns {Snippet[]}
 */
function readSnippets(value) {
  return list(value)
    .flatMap((s) => {
      if (!Array.isArray(s.tokens) || !s.tokens.length) return [];
      const tokens = s.tokens.map(String);
      const given = /** @type {unknown[]} */ (Array.isArray(s.activations) ? s.activations : []);
      const activations = tokens.map((_, i) => finite(given[i]));
      const peak = activations.reduce((best, a, i) => (a > activations[best] ? i : best), 0);
      return [{
        tokens, activations, interval: Number.isInteger(s.interval) ? Number(s.interval) : 0, peak, max: activations[peak],
      }];
    })
    .sort((a, b) => b.interval - a.interval || b.max - a.max);
}

/**
 * @param {unknown} given
 * @param {unknown} description
 * @param {unknown} snippets
 * @param {unknown} activation
 * @returns {Feature}
 */
function feature(given, description, snippets, activation) {
  const id = given === undefined || given === null ? "" : String(given);
  const name = id === "" ? "no description" : `feature ${id}`;
  return {
    id, name, description: text(description) || name, activation: known(activation), snippets: readSnippets(snippets),
  };
}

/**
 * @param {unknown} value
 * @returns {Marginal[]}
 */
const marginals = (value) =>
  list(value).map((m) => ({
    score: finite(m.marginal_score),
    feature: feature(m.feature, m.description, m.snippets, m.activation),
    partners: list(m.top_interactions).map((t) => ({
      score: finite(t.pairwise_score), feature: feature(t.feature, t.description, t.snippets, t.activation),
    })),
  }));

/**
 * Features of what the layer's heads put out, by the head's share; the keys it comes from as partners.
 * @param {unknown} value
 * @returns {Marginal[]}
 */
const written = (value) =>
  list(value).map((w) => ({
    score: finite(w.head_score),
    feature: feature(w.feature, w.description, w.snippets, w.activation),
    partners: list(w.top_keys).filter((k) => Number.isInteger(k.key)).map((k) => ({
      score: finite(k.score), key: Number(k.key), feature: feature(null, `key ${k.key}`, [], null),
    })),
  }));

/**
 * Pairs and marginals in the order given, `writes` (the directions a head writes most into), `written` (features of
 * the heads' outputs that fire at the query), the `sum` that makes up the score, and what the answer says of the edge and its dictionary.
 * @param {Loose | null | undefined} answer
 */
export function readAttribution(answer) {
  /** @type {Pair[]} */
  const pairs = list(answer?.pairs).map((p) => ({
    score: finite(p.attribution),
    query: feature(p.query_feature, p.query_description, p.query_snippets, p.query_activation),
    key: feature(p.key_feature, p.key_description, p.key_snippets, p.key_activation),
  }));
  const { name, features, layer } = /** @type {Loose} */ (answer?.dictionary ?? {});
  return {
    pairs,
    query: marginals(answer?.query_marginals),
    key: marginals(answer?.key_marginals),
    writes: marginals(answer?.writes),
    written: written(answer?.written_features),
    sum: scoreSum(answer, pairs),
    attention: known(answer?.attention),
    headOutputs: text(answer?.head_outputs_dictionary),
    dictionary: text(name) ? { name: text(name), features: known(features), layer: known(layer) } : null,
  };
}

/**
 * The score as a sum: features x features first, then the other terms by size. `listed` is what
 * the pairs of the answer add up to, `missing` what the terms leave of the score. Null when the
 * answer tells only pairs.
 * @param {Loose | null | undefined} answer
 * @param {Pair[]} pairs
 * @returns {ScoreSum | null}
 */
export function scoreSum(answer, pairs) {
  const rest = list(answer?.error_terms).filter((t) => known(t.value) !== null)
    .map((t) => ({ label: [text(t.query), text(t.key)].filter(Boolean).join(" × ") || "other", value: finite(t.value) }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const score = known(answer?.score);
  if (score === null && !rest.length) return null;
  const listed = pairs.reduce((sum, pair) => sum + pair.score, 0);
  const terms = [{ label: "features × features", value: known(answer?.explained) ?? listed }, ...rest];
  const total = terms.reduce((sum, term) => sum + term.value, 0);
  const largest = Math.max(...terms.map((term) => Math.abs(term.value)), Math.abs(score ?? 0));
  const left = score === null ? 0 : score - total;
  // Values come with four decimals each, so the terms may miss the score by half of one a term.
  const rounding = 5e-5 * (terms.length + 1) + 1e-3 * largest;
  return { score: score ?? total, terms, listed, count: pairs.length, missing: Math.abs(left) > rounding ? left : 0 };
}

const LITTLE = 0.1; // share of a score below which its pairs of features explain too little to be read

/**
 * The answer in a sentence, and a warning where its features explain so little of the score that the list of pairs
 * misleads; both empty where the answer tells no score.
 * @param {{sum: ScoreSum | null, pairs: Pair[]}} answer
 * @param {string} kind
 */
export function summary({ sum, pairs }, kind) {
  if (!sum) return { sentence: "", warning: "" };
  const of = kind === "qk" ? "this score" : "what this head moves here";
  const explained = sum.terms[0].value;
  const share = sum.score === 0 ? 0 : explained / sum.score;
  const [first] = pairs;
  const strongest = first ? `; strongest: ${first.query.description} × ${first.key.description}` : "";
  const part = share >= 0 && share <= 1.5 ? `${Math.round(100 * share)}%` : `${score(explained)} of ${score(sum.score)}`;
  return {
    sentence: `Features explain ${part} of ${of}${strongest}.`,
    warning: share >= LITTLE && share <= 1 / LITTLE ? "" : "Features explain little of it: most lies in biases and in what the "
      + "dictionary leaves over, so the pairs below say little about this edge.",
  };
}

/**
 * The first `count` terms and what the others add up to, as one term.
 * @param {Term[]} terms
 * @param {number} count
 */
export function foldTerms(terms, count) {
  if (terms.length <= count + 1) return terms;
  const rest = terms.slice(count);
  const value = rest.reduce((sum, term) => sum + term.value, 0);
  return [...terms.slice(0, count), { label: `${rest.length} smaller terms`, value }];
}

/**
 * Bars of a waterfall: each term from where the one before ended, the score from zero; in 0..1 across.
 * @param {Term[]} terms
 * @param {number} score
 */
export function waterfall(terms, score) {
  let at = 0;
  const spans = terms.map(({ label, value }) => {
    const span = { label, value, from: at, to: at + value };
    at += value;
    return span;
  });
  spans.push({ label: "score", value: score, from: 0, to: score });
  const low = Math.min(0, ...spans.map((s) => Math.min(s.from, s.to)));
  const high = Math.max(0, ...spans.map((s) => Math.max(s.from, s.to)));
  const place = (/** @type {number} */ v) => (high > low ? (v - low) / (high - low) : 0);
  return {
    zero: place(0),
    bars: spans.map(({ label, value, from, to }) => ({
      label, value, left: place(Math.min(from, to)), right: place(Math.max(from, to)),
    })),
  };
}
