// SPDX-License-Identifier: Apache-2.0
// With which heads a head works, by its weights: whose output its queries, keys and values read, and
// which later heads read its own; drawn, and as tables.

import { el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createCanvas } from "../plots/canvas.js";
import { circuitHeight, circuitPlot } from "../plots/circuit.js";
import { sideColour } from "../plots/headmap.js";
import { SIDES, STANDS_OUT, readComposition, standingOut } from "../pure/circuit.js";
import { number } from "../pure/format.js";
import { barCell, headLink } from "./headlink.js";
import { headPoints } from "./headpoints.js";

const LISTED = 6; // partners in a table
const DRAWN = 4; // partners of each kind in the drawing

/**
 * The panel, or null where the head's file tells nothing of its circuit.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/tree.js").Payload} data
 */
export function compositionPanel(app, { rest }) {
  const found = readComposition(rest.composition);
  if (!found) return null;
  const open = { layer: app.store.state.layer, head: app.store.state.head };
  const lines = standingOut(found, open, DRAWN);
  /** @type {ReturnType<typeof circuitPlot> | null} */
  let plot = null;
  const panel = createPanel(app, {
    name: "circuit", title: "Works with, by weights",
    describe: "Composition |W₂W₁| / (|W₂| |W₁|) with heads of other layers, and how many standard deviations its square lies "
      + `above that of unrelated heads of the same ranks (${number(found.chance)}). The kernel counts the directions that the one writes and the `
      + "other reads, however strongly (arXiv 2601.10266). From weights alone: no text, no positions, no norms' scales.",
    give: {
      scene: () => canvas?.scene,
      table: () => ({
        columns: ["direction", "side", "layer", "head", "score", "deviations", "kernel", "kernel_chance", "kernel_deviations"],
        rows: /** @type {const} */ (["reads_from", "read_by"]).flatMap((direction) => SIDES.flatMap(([side]) =>
          found[direction][side].map((p) => [
            direction, side, p.layer, p.head, p.score, p.deviations, p.kernel?.value, p.kernel?.chance, p.kernel?.deviations,
          ]))),
      }),
    },
  });
  const holder = el("div", { class: "plot plot-circuit" });
  holder.style.height = `${circuitHeight(lines, open)}px`;
  const canvas = lines.length ? createCanvas(holder, {
    label: `Circuit of ${app.headName()}: ${lines.length} compositions with other heads that stand out. The tables below have the same.`,
    draw: (width, height) => {
      plot = circuitPlot({ lines, open, width, height, colours: app.theme.colours, hot: app.store.state.hot });
      return plot.scene;
    },
    focusable: true,
  }) : null;
  if (canvas) follow(app, canvas, () => plot?.points ?? []);
  const most = Math.max(
    ...[found.reads_from, found.read_by].flatMap((sides) => Object.values(sides).flat().map((p) => p.score)), 1e-12,
  );
  panel.body.append(
    canvas ? el("p", { class: "note" }, "Layers downwards; a line is as wide as the composition, its colour what the later head reads with: ",
      SIDES.map(([side, name], i) => [i ? ", " : "", colouredName(app, side, name)]), ".") : "",
    canvas ? holder : "",
    el("div", { class: "circuit" },
      SIDES.map(([side, name]) => sideTable(app, `Its ${name} reads`, found.reads_from[side], most)),
      SIDES.map(([side, name]) => sideTable(app, `Read by the ${name} of`, found.read_by[side], most))));
  return panel.root;
}

/**
 * The name of a side in its colour.
 * @param {import("../core/app.js").App} app
 * @param {string} side
 * @param {string} name
 */
function colouredName(app, side, name) {
  const node = el("b", {}, name);
  const paint = () => (node.style.color = sideColour(side, app.theme.colours));
  app.on(["themeName"], paint);
  paint();
  return node;
}

/**
 * Pointer and keys on the drawing.
 * @param {import("../core/app.js").App} app
 * @param {ReturnType<typeof createCanvas>} canvas
 * @param {() => import("./headpoints.js").Point[]} points
 */
function follow(app, canvas, points) {
  const pointer = headPoints(app, canvas, { points, names: () => [app.heads.axis("y"), app.heads.axis("x")], reach: 26 });
  const target = canvas.element;
  target.addEventListener("pointermove", (event) => (target.style.cursor = pointer.hover(event) ? "pointer" : "default"));
  target.addEventListener("pointerleave", pointer.leave);
  target.addEventListener("click", (event) => {
    const point = pointer.under(event);
    if (point) pointer.open(point);
  });
  target.addEventListener("keydown", pointer.walk);
  app.on(["hot", "themeName"], canvas.redraw);
  app.own(canvas.stop);
}

/**
 * The partners on one side that stand out from unrelated heads.
 * @param {import("../core/app.js").App} app
 * @param {string} title
 * @param {import("../pure/circuit.js").Partner[]} partners
 * @param {number} most
 */
function sideTable(app, title, partners, most) {
  const shown = partners.filter((p) => p.deviations >= STANDS_OUT).slice(0, LISTED);
  if (!shown.length) {
    return el("div", {}, el("h3", {}, title), el("p", { class: "dim" }, "no head that stands out from unrelated ones"));
  }
  return el("table", { class: "weights" },
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, ["head", "score", "above chance", "kernel"].map((t) => el("th", { scope: "col" }, t)), el("td", {}))),
    el("tbody", {}, shown.map((p) => el("tr", {},
      el("th", { scope: "row" }, headLink(app, p)), el("td", { class: "num" }, number(p.score)),
      el("td", { class: "num" }, `${Math.round(p.deviations).toLocaleString("en-US")} σ`), kernelCell(p.kernel), barCell(p.score / most)))));
}

/** @param {import("../pure/circuit.js").Kernel | null} kernel */
function kernelCell(kernel) {
  if (!kernel) return el("td", {});
  const chance = `${kernel.chance.toFixed(1)} by chance, ${Math.round(kernel.deviations).toLocaleString("en-US")} σ above it`;
  return el("td", { class: "num", title: chance }, kernel.value.toFixed(1));
}
