// SPDX-License-Identifier: Apache-2.0
// The heads whose patterns are most like this one's, on the same queries of the corpus.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { readSimilar } from "../pure/circuit.js";
import { number, uncertainty } from "../pure/format.js";
import { alikeLink } from "./alikelink.js";
import { barCell } from "./headlink.js";

const LISTED = 8; // heads shown

/**
 * The panel, or null where the head's file does not tell.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Payload} data
 */
export function similarPanel(app, { rest }) {
  const heads = readSimilar(rest.similar);
  if (!heads.length) return null;
  const panel = createPanel(app, {
    name: "similar", title: "Attends like it",
    describe: "Cosine of square-root patterns over the same queries of the corpus, position 0 left out: 1 where both attend "
      + "alike with what they do not leave there. Errors are by sequence. Heads that attend alike may write different things.",
    give: { table: () => ({
      columns: ["layer", "head", "likeness", "standard_error"],
      rows: heads.map((h) => [h.layer, h.head, h.likeness, h.standard_error]),
    }) },
  });
  panel.body.append(el("table", { class: "weights similar" },
    el("thead", {}, el("tr", {}, ["head", "likeness"].map((t) => el("th", { scope: "col" }, t)), el("td", {}))),
    el("tbody", {}, heads.slice(0, LISTED).map((h) => el("tr", {},
      el("th", { scope: "row" }, alikeLink(app, h)),
      el("td", { class: "num" }, number(h.likeness), h.standard_error === null ? "" : ` ± ${uncertainty(h.standard_error)}`),
      barCell(h.likeness))))));
  return panel.root;
}
