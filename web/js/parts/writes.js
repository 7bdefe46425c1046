// SPDX-License-Identifier: Apache-2.0
// What a head writes, in words: the tokens it raises and lowers when it attends to its strongest key tokens.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { tokensIn } from "../pure/circuit.js";
import { number, quoted } from "../pure/format.js";

/**
 * @typedef {import("../pure/shapes.js").Weighted} Weighted
 * @typedef {{token: string | null, count: number, mean_attention: number, promotes: Weighted[], suppresses: Weighted[]}} Written
 *   for a key's token; null: over all edges
 */

/**
 * The panel, or null where the head's file does not tell.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Payload} data
 */
export function writesPanel(app, { rest }) {
  const rows = readWrites(rest.writes);
  if (!rows.length) return null;
  const panel = createPanel(app, {
    name: "writes", title: "What it writes, in words",
    describe: "For the key tokens it attends to most, by mean attention over its stored edges: the mean of A v W_O through the "
      + "final norm's gain and the unembedding. Tokens whose logits rise or fall most against the mean of the vocabulary; "
      + "the final norm's scale and later layers are left out.",
    give: { table: () => ({
      columns: ["key_token", "edges", "mean_attention", "direction", "rank", "token", "weight"],
      rows: rows.flatMap((row) => /** @type {[string, Weighted[]][]} */ ([
        ["raises", row.promotes], ["lowers", row.suppresses],
      ]).flatMap(([direction, list]) => (
        list.map((t, i) => [row.token ?? "(all)", row.count, row.mean_attention, direction, i + 1, t.token, t.weight])))),
    }) },
  });
  panel.body.append(el("div", { class: "wide" }, el("table", { class: "weights writes" },
    el("thead", {}, el("tr", {}, ["attending to", "mean attention", "edges", "raises", "lowers"].map((t) => (
      el("th", { scope: "col" }, t))))),
    el("tbody", {}, rows.map((row) => el("tr", {},
      el("th", { scope: "row", class: row.token === null ? "dim" : "token" }, row.token === null ? "all edges" : quoted(row.token)),
      el("td", { class: "num" }, number(row.mean_attention)), el("td", { class: "num" }, row.count.toLocaleString("en-US")),
      el("td", {}, tokens(app, row, row.promotes)), el("td", {}, tokens(app, row, row.suppresses))))))));
  return panel.root;
}

/**
 * The tokens in their order; the key's own token stands out.
 * @param {import("../core/app.js").App} app
 * @param {Written} row
 * @param {Weighted[]} list
 */
function tokens(app, row, list) {
  return list.map(({ token, weight }) => {
    const own = row.token !== null && token.trim() === row.token.trim();
    const shown = el(own ? "b" : "span", { class: "written" }, quoted(token));
    app.tip.on(shown, `${number(weight)} above the vocabulary's mean${own ? "; the attended token itself" : ""}`);
    return shown;
  });
}

/**
 * The file's `writes` with what is malformed left out.
 * @param {unknown} value
 * @returns {Written[]}
 */
function readWrites(value) {
  return (Array.isArray(value) ? value : [])
    .filter((row) => row && (row.token === null || typeof row.token === "string")
      && Number.isInteger(row.count) && Number.isFinite(row.mean_attention))
    .map((row) => ({ ...row, promotes: tokensIn(row.promotes), suppresses: tokensIn(row.suppresses) }));
}
