// SPDX-License-Identifier: Apache-2.0
// An attribution answer (cached file or endpoint) in the shape the page shows, whatever it leaves out.

const text = (value) => (typeof value === "string" ? value : "");
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const list = (value) => (Array.isArray(value) ? value.filter((v) => v && typeof v === "object") : []);

/** Snippets with as many activations as tokens, by interval from the strongest, then by largest activation. */
export function readSnippets(value) {
  return list(value)
    .filter((s) => Array.isArray(s.tokens) && s.tokens.length)
    .map((s) => {
      const tokens = s.tokens.map(String);
      const activations = tokens.map((_, i) => finite(s.activations?.[i]));
      const peak = activations.reduce((best, a, i) => (a > activations[best] ? i : best), 0);
      return {
        tokens, activations, interval: Number.isInteger(s.interval) ? s.interval : 0, peak, max: activations[peak],
      };
    })
    .sort((a, b) => b.interval - a.interval || b.max - a.max);
}

/** Rows {score, query, key} and marginals {score, feature, partners}, in the order given. */
export function readAttribution(answer) {
  const feature = (id, description, snippets) => ({
    id: id === undefined || id === null ? "" : String(id),
    description: text(description) || (id === undefined || id === null ? "no description" : `feature ${id}`),
    snippets: readSnippets(snippets),
  });
  const marginals = (value) => list(value).map((m) => ({
    score: finite(m.marginal_score),
    feature: feature(m.feature, m.description, m.snippets),
    partners: list(m.top_interactions).map((t) => ({
      score: finite(t.pairwise_score), feature: feature(t.feature, t.description, t.snippets),
    })),
  }));
  return {
    pairs: list(answer?.pairs).map((p) => ({
      score: finite(p.attribution),
      query: feature(p.query_feature, p.query_description, p.query_snippets),
      key: feature(p.key_feature, p.key_description, p.key_snippets),
    })),
    query: marginals(answer?.query_marginals),
    key: marginals(answer?.key_marginals),
  };
}
