// SPDX-License-Identifier: Apache-2.0
// Overview, third view: maps of all heads by who attends alike and who reads whom, with lines from the open head.

import { el, fill, oncePerFrame, select } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createCanvas } from "../plots/canvas.js";
import { ringMarks } from "../plots/headrings.js";
import { headMapPlot, sideColour } from "../plots/headmap.js";
import { SIDES, readComposition, readHeadMaps, readSimilar, standingOut } from "../pure/circuit.js";
import { address, words } from "../pure/format.js";
import { headPoints, pointedOut } from "./headpoints.js";

const LINES = 8; // lines of each kind from the open head

/**
 * The panel, or null where the tree has no maps.
 * @param {import("../core/app.js").App} app
 */
export function createHeadMap(app) {
  const { store, heads, session, tree } = app;
  if (tree.config.has_head_map !== true) return null;
  /** @type {ReturnType<typeof readHeadMaps>} */
  let maps = [];
  /** @type {ReturnType<typeof headMapPlot> | null} */
  let plot = null;
  const panel = createPanel(app, {
    name: "headmap", title: "Map of heads",
    describe: "Near each other: heads that attend alike, or heads that read each other. Lines go from the open head to those "
      + "its file names. Colours are those of the scatter.",
    give: { scene: () => canvas.whole, table },
  });
  const choice = el("label", { class: "axis wide" });
  panel.controls.append(choice);
  const holder = el("div", { class: "plot plot-headmap" });
  const note = el("p", { class: "note" });
  panel.body.append(panel.controls, holder, note);
  const canvas = createCanvas(holder, { label: "Map of heads", draw, over, focusable: true });
  const pointer = headPoints(app, canvas, { points: () => plot?.points ?? [], names: () => [heads.axis("color"), heads.axis("y"), heads.axis("x")] });

  const shownMap = () => maps.find((m) => m.name === store.state.atlas) ?? maps[0] ?? null;

  /** Lines from the open head on the shown map: {from, to, width, colour}. */
  function lines() {
    const { colours } = app.theme;
    const rest = session.head.data?.rest;
    const open = { layer: store.state.layer, head: store.state.head };
    if (!rest) return [];
    if (shownMap()?.name === "composition") {
      const composition = readComposition(rest.composition);
      const found = composition ? standingOut(composition, open, LINES) : [];
      const most = Math.max(...found.map((l) => l.score), 1e-12);
      return found.map(({ side, from, to, score }) => ({ from, to, width: 0.6 + 3 * (score / most), colour: sideColour(side, colours) }));
    }
    return readSimilar(rest.similar).slice(0, LINES)
      .map((h) => ({ from: open, to: h, width: 0.6 + 3 * h.likeness ** 2, colour: colours.accent }));
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function draw(width, height) {
    const { set } = heads.shown();
    const color = heads.axis("color");
    plot = headMapPlot({
      rows: heads.rows, places: shownMap()?.places ?? new Map(), width, height, colours: app.theme.colours, coloured: color !== null,
      shareOf: (row) => heads.share(row, color), shown: set && ((row) => set.has(address(row.layer, row.head))),
    });
    canvas?.setLabel(`Map of ${plot.points.length} heads by ${words(shownMap()?.name ?? "")}. ${shownMap()?.about ?? ""}`);
    return plot.scene;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function over(width, height) {
    const { colours } = app.theme;
    /** @type {import("../pure/scene.js").Mark[]} */
    const marks = [];
    /** @param {import("../pure/shapes.js").Address} head */
    const where = ({ layer, head }) => plot?.at(address(layer, head)) ?? null;
    for (const { from, to, width: w, colour } of lines()) {
      const [a, b] = [where(from), where(to)];
      if (a && b) marks.push({ kind: "line", points: [...a, ...b], stroke: colour, width: w, alpha: 0.6 });
    }
    const ringed = pointedOut(app).flatMap((head) => {
      const place = plot?.at(head.name);
      return place ? [{ ...head, x: place[0], y: place[1] }] : [];
    });
    marks.push(...ringMarks(ringed, [], { width, height, colours }));
    return { width, height, marks };
  }

  function table() {
    const map = shownMap();
    return {
      columns: ["layer", "head", "x", "y"],
      rows: heads.rows.flatMap((row) => {
        const place = map?.places.get(address(row.layer, row.head));
        return place ? [[row.layer, row.head, ...place]] : [];
      }),
    };
  }

  /** What the lines and the distances mean, with the colours of the sides. */
  function showNote() {
    const map = shownMap();
    if (!map) return;
    const share = map.weights.slice(0, 2).reduce((a, b) => a + b, 0);
    const { colours } = app.theme;
    const dimensions = map.weights.length && map.name === "likeness" ? `Two dimensions show ${Math.round(100 * share)}% of what tells heads apart.` : "";
    if (!lines().length) fill(note, session.head.data ? `The file of ${app.headName()} names no such heads. ` : "", dimensions);
    else fill(note, map.name === "composition"
      ? [`Lines from ${app.headName()}: `, ...SIDES.map(([side, name], i) => [i ? ", " : "", Object.assign(el("b", {}, name), { style: `color: ${sideColour(side, colours)}` })]),
        " of the later head reads the earlier one."]
      : [`Lines from ${app.headName()} to the ${LINES} heads most alike. `, dimensions]);
  }

  function show() {
    canvas.redraw();
    showNote();
  }

  tree.headMap().then((file) => {
    maps = readHeadMaps(file);
    panel.root.hidden = !maps.length;
    const node = select("Map", maps.map((m) => [m.name, words(m.name)]), shownMap()?.name ?? "", (value) => store.set({ atlas: value }));
    app.tip.on(node, () => shownMap()?.about ?? "");
    app.on(["atlas"], () => (node.value = shownMap()?.name ?? ""));
    fill(choice, el("span", {}, "near by"), node);
    show();
  });
  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => (target.style.cursor = pointer.hover(event) ? "pointer" : "default")));
  target.addEventListener("pointerleave", pointer.leave);
  target.addEventListener("click", (event) => {
    const point = pointer.under(event);
    if (point) pointer.open(point);
  });
  target.addEventListener("keydown", pointer.walk);
  app.on(["atlas", "color", "ranks", "find", "box", "x", "y", "themeName", "noteVersion"], show);
  app.on(["hot", "layer", "head", "headVersion", "vsVersion"], oncePerFrame(() => {
    if (plot) canvas.redrawOver();
    showNote();
  }));
  return panel.root;
}
