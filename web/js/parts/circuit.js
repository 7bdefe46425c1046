// SPDX-License-Identifier: Apache-2.0
// With which heads a head works, by its weights: whose output its queries, keys and values read, and
// which later heads read its own.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { number } from "../pure/format.js";
import { barCell, headLink } from "./headlink.js";

const SIDES = [["q", "query"], ["k", "key"], ["v", "value"]];
const LISTED = 6; // partners shown of each kind
const STANDS_OUT = 3; // standard deviations above unrelated heads

/**
 * The panel, or null where the head's file tells nothing of its circuit.
 * @param {import("../core/app.js").App} app
 */
export function circuitPanel(app, { rest }) {
  const found = readComposition(rest.composition);
  if (!found) return null;
  const panel = createPanel(app, {
    name: "circuit", title: "Works with, by weights",
    describe: "Composition |W₂W₁| / (|W₂| |W₁|) with heads of other layers, and how many standard deviations its square lies "
      + `above that of unrelated heads of the same ranks (${number(found.chance)}). From weights alone: no text, no positions, no norms' scales.`,
    give: { table: () => ({
      columns: ["direction", "side", "layer", "head", "score", "deviations"],
      rows: ["reads_from", "read_by"].flatMap((direction) => SIDES.flatMap(([side]) =>
        found[direction][side].map((p) => [direction, side, p.layer, p.head, p.score, p.deviations]))),
    }) },
  });
  const most = Math.max(
    ...[found.reads_from, found.read_by].flatMap((sides) => Object.values(sides).flat().map((p) => p.score)), 1e-12,
  );
  panel.body.append(el("div", { class: "circuit" },
    SIDES.map(([side, name]) => sideTable(app, `Its ${name} reads`, found.reads_from[side], most)),
    SIDES.map(([side, name]) => sideTable(app, `Read by the ${name} of`, found.read_by[side], most))));
  return panel.root;
}

/** The partners on one side that stand out from unrelated heads. */
function sideTable(app, title, partners, most) {
  const shown = partners.filter((p) => p.deviations >= STANDS_OUT).slice(0, LISTED);
  if (!shown.length) {
    return el("div", {}, el("h3", {}, title), el("p", { class: "dim" }, "no head that stands out from unrelated ones"));
  }
  return el("table", { class: "weights" },
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, ["head", "score", "above chance"].map((t) => el("th", { scope: "col" }, t)), el("td", {}))),
    el("tbody", {}, shown.map((p) => el("tr", {},
      el("th", { scope: "row" }, headLink(app, p)), el("td", { class: "num" }, number(p.score)),
      el("td", { class: "num" }, `${Math.round(p.deviations).toLocaleString("en-US")} σ`), barCell(p.score / most)))));
}

/** The file's `composition` with what is malformed left out; null where there is none. */
function readComposition(value) {
  if (!value || typeof value !== "object" || !Number.isFinite(value.chance)) return null;
  const partners = (list) => (Array.isArray(list) ? list.filter((p) => p && Number.isInteger(p.layer)
    && Number.isInteger(p.head) && Number.isFinite(p.score) && Number.isFinite(p.deviations)) : []);
  const sides = (group) => Object.fromEntries(SIDES.map(([side]) => [side, partners(group?.[side])]));
  return { chance: value.chance, reads_from: sides(value.reads_from), read_by: sides(value.read_by) };
}
