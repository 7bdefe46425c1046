// SPDX-License-Identifier: Apache-2.0
// The heads whose weights are most like this one's: the same circuits, whatever the text.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { readSimilarWeights } from "../pure/circuit.js";
import { number } from "../pure/format.js";
import { alikeLink } from "./alikelink.js";
import { barCell } from "./headlink.js";

const LISTED = 8; // heads shown

/**
 * The panel, or null where the head's file does not tell.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Payload} data
 */
export function similarWeightsPanel(app, { rest }) {
  const heads = readSimilarWeights(rest.similar_weights);
  if (!heads.length) return null;
  const panel = createPanel(app, {
    name: "similar-weights", title: "Made like it",
    describe: "Cosines of the two heads' maps from weights alone: QK, what each query looks for, and OV, what is written for what is "
      + "attended to; 1 where they are the same, 0 where they have nothing to do with each other, below 0 where one undoes the other. "
      + "By the mean of both.",
    give: { table: () => ({
      columns: ["layer", "head", "qk_cosine", "ov_cosine"],
      rows: heads.map((h) => [h.layer, h.head, h.qk, h.ov]),
    }) },
  });
  panel.body.append(el("table", { class: "weights similar-weights" },
    el("thead", {}, el("tr", {}, ["head", "QK", "OV"].map((t) => el("th", { scope: "col" }, t)), el("td", {}))),
    el("tbody", {}, heads.slice(0, LISTED).map((h) => el("tr", {},
      el("th", { scope: "row" }, alikeLink(app, h)),
      el("td", { class: "num" }, number(h.qk)), el("td", { class: "num" }, number(h.ov)),
      barCell(Math.max(0, (h.qk + h.ov) / 2)))))));
  return panel.root;
}
