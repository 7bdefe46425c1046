// SPDX-License-Identifier: Apache-2.0
// The strongest directions that a head carries from key to query, by the tokens at their ends.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { tokensIn } from "../pure/circuit.js";
import { number, quoted } from "../pure/format.js";
import { barCell } from "./headlink.js";

/**
 * @typedef {import("../pure/shapes.js").Weighted} Weighted
 * @typedef {{high: Weighted[], low: Weighted[]}} Ends the tokens at both ends of a direction
 * @typedef {{strength: number, share: number, reads: Ends, writes: Ends}} Direction
 */
const SIDES = /** @type {const} */ (["reads", "writes"]);
const ENDS = /** @type {const} */ (["high", "low"]);

/**
 * The panel, or null where the head's file does not tell.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Payload} data
 */
export function directionsPanel(app, { rest }) {
  const rows = readDirections(rest.ov_directions);
  if (!rows.length) return null;
  const told = Math.round(100 * rows.reduce((sum, row) => sum + row.share, 0));
  const panel = createPanel(app, {
    name: "directions", title: "What it carries, by weights",
    describe: "The strongest singular pairs of W_V W_O: what the stream holds along the first direction at the key, the head adds along the "
      + "second at the query. Tokens by their embeddings where it is read and by their logits where it is written. The opposite end is "
      + `carried to the opposite end. These ${rows.length} are ${told}% of the squares of all.`,
    give: { table: () => ({
      columns: ["direction", "strength", "share", "side", "end", "rank", "token", "weight"],
      rows: rows.flatMap((row, i) => SIDES.flatMap((side) => ENDS.flatMap((end) => (
        row[side][end].map((t, rank) => [i + 1, row.strength, row.share, side, end, rank + 1, t.token, t.weight]))))),
    }) },
  });
  panel.body.append(el("div", { class: "wide" }, el("table", { class: "weights writes" },
    el("thead", {}, el("tr", {}, ["share", "", "reads", "writes"].map((t) => (t ? el("th", { scope: "col" }, t) : el("td", {}))))),
    rows.map((row) => el("tbody", { class: "pair" }, ENDS.map((end) => el("tr", {},
      end === "high" ? el("td", { class: "num", rowSpan: 2 }, `${(100 * row.share).toFixed(1)}%`) : null,
      end === "high" ? Object.assign(barCell(row.share), { rowSpan: 2 }) : null,
      el("td", {}, tokens(app, row.reads[end], row.writes[end])), el("td", {}, tokens(app, row.writes[end], row.reads[end])))))))));
  return panel.root;
}

/**
 * Tokens in their order; those that stand at the other side of the pair too stand out: they are copied.
 * @param {import("../core/app.js").App} app
 * @param {Weighted[]} list
 * @param {Weighted[]} others
 */
function tokens(app, list, others) {
  const same = new Set(others.map((t) => t.token.trim()));
  return list.map(({ token, weight }) => {
    const copied = same.has(token.trim());
    const shown = el(copied ? "b" : "span", { class: "written" }, quoted(token));
    app.tip.on(shown, `${number(weight)} from the vocabulary's mean${copied ? "; read and written" : ""}`);
    return shown;
  });
}

/**
 * The file's `ov_directions` with what is malformed left out.
 * @param {unknown} value
 * @returns {Direction[]}
 */
function readDirections(value) {
  /** @type {(side: import("../pure/shapes.js").Loose | null | undefined) => Ends} */
  const ends = (side) => ({ high: tokensIn(side?.high), low: tokensIn(side?.low) });
  return (Array.isArray(value) ? value : []).filter((d) => Number.isFinite(d?.strength) && d.share >= 0 && d.share <= 1)
    .map((d) => ({ strength: d.strength, share: d.share, reads: ends(d.reads), writes: ends(d.writes) }));
}
