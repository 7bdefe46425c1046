// SPDX-License-Identifier: Apache-2.0
// What every view of the overview says about a head under the pointer.

import { el } from "../core/dom.js";
import { address, number, uncertainty, words } from "../pure/format.js";
import { errorOf, standing, valueOf } from "../pure/rank.js";

const ADDRESS = new Set(["layer", "head"]);

/**
 * Lines of a head: its address, its note and the given metrics with standard error and rank.
 * @param {import("../pure/shapes.js").Row} row
 * @param {(string | null)[]} names
 * @param {import("../pure/shapes.js").Row[]} rows
 */
export function headTip(row, names, rows, note = { name: "", text: "" }) {
  return el("div", { class: "headtip" },
    el("b", {}, address(row.layer, row.head)), note.name ? ` ${note.name}` : null,
    note.text ? el("div", { class: "dim" }, note.text) : null,
    el("table", {}, [...new Set(names)].map((name) => {
      const value = name && !ADDRESS.has(name) ? valueOf(row, name) : null;
      if (!name || value === null) return null;
      const error = errorOf(row, name);
      const { rank, of } = standing(rows, name, value);
      return el("tr", {},
        el("td", {}, words(name)),
        el("td", { class: "num" }, number(value), error === null ? "" : ` ± ${uncertainty(error)}`),
        el("td", { class: "dim" }, `${rank} of ${of}`));
    })));
}
