// SPDX-License-Identifier: Apache-2.0
// The heads nearest by metrics: a first guess at heads that do the same.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { alike } from "../pure/rank.js";
import { words } from "../pure/format.js";
import { alikeLink } from "./alikelink.js";

const LISTED = 8; // heads shown

/**
 * The panel, or null where the tree has no metrics of the head.
 * @param {import("../core/app.js").App} app
 */
export function alikePanel(app) {
  const { heads, store } = app;
  const row = heads.row(store.state.layer, store.state.head);
  const found = row ? alike(heads.rows, heads.names, row, LISTED) : [];
  if (!found.length) return null;
  const panel = createPanel(app, {
    name: "alike", title: "Heads alike by metrics",
    describe: `The mean difference of the two heads' ranks, as a share of all heads, over ${heads.names.length} metrics. `
      + "Alike in these numbers is not alike in what they attend to: look at their sequences.",
    give: { table: () => ({
      columns: ["layer", "head", "mean_rank_difference", "differs_most_in"],
      rows: found.map((f) => [f.row.layer, f.row.head, f.distance, f.apart]),
    }) },
  });
  panel.body.append(el("table", { class: "weights" },
    el("thead", {}, el("tr", {}, ["head", "mean rank difference", "differs most in"].map((t) => el("th", { scope: "col" }, t)))),
    el("tbody", {}, found.map(({ row: other, distance, apart }) => el("tr", {},
      el("th", { scope: "row" }, alikeLink(app, other)),
      el("td", { class: "num" }, `${(100 * distance).toFixed(1)}%`), el("td", { class: "dim" }, words(apart)))))));
  return panel.root;
}
