// SPDX-License-Identifier: Apache-2.0
// What the score of an edge is made of: features x features, and what they leave to biases and errors.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { withLegend } from "../plots/legend.js";
import { SIGNS, waterfallScene } from "../plots/waterfall.js";
import { foldTerms, waterfall } from "../pure/attribution.js";
import { signed } from "../pure/colour.js";
import { score } from "../pure/format.js";

const SHOWN = 5; // terms before the rest is added up; maximised, all are shown

const SAYS = {
  qk: "The score that enters the softmax for this edge, exactly, as a sum over what query and key are made of: "
    + "features of the dictionary, its bias, and the error it leaves. The pairs below explain the first term.",
  ov: "What the head adds to the residual at the query for this key, along that residual, exactly, as a sum over what "
    + "value and output are made of: features of the dictionary, its bias, and the error it leaves.",
};

/**
 * The panel of the sum of an answer.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Kind} kind
 * @param {import("../pure/attribution.js").ScoreSum} sum
 */
export function createScoreSum(app, kind, sum) {
  const full = app.store.state.full === `${kind}-sum`;
  const terms = full ? sum.terms : foldTerms(sum.terms, SHOWN);
  const shown = sum.missing ? [...terms, { label: "not told", value: sum.missing }] : terms;
  const { bars, zero } = waterfall(shown, sum.score);
  const scene = () => waterfallScene({
    terms: shown, total: sum.score, title: `${app.headName()} ${kind.toUpperCase()}`, colours: app.theme.colours,
  });
  const panel = createPanel(app, {
    name: `${kind}-sum`, title: "What the score is made of", describe: SAYS[kind],
    give: {
      table: () => ({
        columns: ["term", "value"],
        rows: [...shown.map((t) => [t.label, t.value]), ["score", sum.score]],
      }),
      scene, figure: async () => () => withLegend(scene(), SIGNS, app.theme.colours),
    },
  });
  /** @type {(bar: typeof bars[number], i: number) => HTMLElement} */
  const line = ({ label, value, left, right }, i) => {
    const last = i === bars.length - 1;
    const bar = el("span", { class: last ? "fall total" : "fall" });
    bar.style.left = `${100 * left}%`;
    bar.style.width = `${100 * (right - left)}%`;
    if (!last) bar.style.backgroundColor = signed(value, Math.abs(value)).fill;
    const axis = el("span", { class: "fall-zero" });
    axis.style.left = `${100 * zero}%`;
    return el(
      "tr", { class: last ? "total" : null }, el("th", { scope: "row" }, label),
      el("td", { class: "falls", "aria-hidden": "true" }, axis, bar), el("td", { class: "num" }, score(value)),
    );
  };
  panel.body.append(el("table", { class: "sum" }, el("tbody", {}, bars.map(line))));
  if (sum.count && Math.abs(sum.listed - sum.terms[0].value) > 1e-3 * Math.abs(sum.terms[0].value)) panel.body.append(el(
    "p", { class: "note" }, `The ${sum.count} pairs listed add up to ${score(sum.listed)} of the first term.`,
  ));
  if (sum.missing) panel.body.append(el(
    "p", { class: "note" }, `The terms of the answer add up to ${score(sum.score - sum.missing)}, not to its score.`,
  ));
  return panel.root;
}
