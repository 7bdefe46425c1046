// SPDX-License-Identifier: Apache-2.0
// Overview, second view: the layers x heads grid with the top heads ringed and ranked.

import { button, checkbox, el, fill, oncePerFrame, select } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createCanvas, sceneUnit } from "../plots/canvas.js";
import { gridHeight, gridLegend, gridPlot, gridShape } from "../plots/grid.js";
import { address, number } from "../pure/format.js";
import { ranked } from "../pure/rank.js";
import { headTip } from "./headtip.js";

/** @param {import("../core/app.js").App} app */
export function createGrid(app) {
  const { store, heads, tip } = app;
  const shape = gridShape(heads.rows);
  /** @type {ReturnType<typeof gridPlot> | null} */
  let plot = null;
  const panel = createPanel(app, {
    name: "grid", title: shape.across === "layer" ? "Heads × layers" : "Layers × heads",
    describe: "Every head in its place, the longer side across; the strongest of the chosen metric are ringed and ranked.",
    give: { scene: () => canvas.whole, table: () => table() },
  });
  const metric = select(
    "Grid metric", heads.names.map((n) => [n, heads.label(n)]), heads.axis("grid") ?? "",
    (value) => store.set({ grid: value }),
  );
  tip.on(metric, () => heads.describe(heads.axis("grid") ?? ""));
  const count = el(
    "input",
    {
      type: "number", min: 0, max: 99, value: store.state.top ?? "", "aria-label": "How many heads are ranked",
      on: { change: () => store.set({ top: Math.min(99, Math.max(0, Math.round(Number(count.value)) || 0)) }) },
    },
  );
  const ranks = checkbox("by rank", store.state.ranks, (on) => store.set({ ranks: on }), {
    title: "Colours by rank instead of value, in the scatter too: a few large values do not take the whole scale",
  });
  panel.controls.append(
    el("label", { class: "axis wide" }, el("span", {}, "metric"), metric), ranks,
    el("label", { class: "axis" }, el("span", {}, "top"), count),
  );
  const holder = el("div", { class: "plot plot-grid" });
  const list = el("ol", { class: "ranking", "aria-label": "Top heads" });
  panel.body.append(panel.controls, holder, list);
  const canvas = createCanvas(holder, { label: "Grid of heads", draw, over });
  const fit = new ResizeObserver(([entry]) => {
    const unit = sceneUnit();
    const full = panel.root.classList.contains("full");
    holder.style.height = full ? "" : `${unit * gridHeight(shape, entry.contentRect.width / unit)}px`;
  });
  fit.observe(panel.body);

  /** 5 % of the heads, at most ten, unless the state says how many. */
  const most = () => store.state.top ?? Math.min(10, Math.ceil(0.05 * heads.rows.length));
  const top = () => ranked(heads.shownRows(), heads.axis("grid") ?? "").slice(0, most());

  /**
   * @param {number} width
   * @param {number} height
   */
  function draw(width, height) {
    const name = heads.axis("grid");
    const { set } = heads.shown();
    const extent = name ? heads.extent(name) : null;
    plot = gridPlot({
      rows: heads.rows, shape, shareOf: (row) => heads.share(row, name), top: top(),
      shown: set ? (row) => set.has(address(row.layer, row.head)) : null, width, height, colours: app.theme.colours,
    });
    canvas?.setLabel(`Grid of ${shape.layers.length} layers and ${shape.heads.length} heads coloured by ${gridLegend(heads.label(name), extent)}`);
    return plot.scene;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function over(width, height) {
    /** @type {import("../pure/scene.js").Mark[]} */
    const marks = [];
    /** @type {Map<string, import("../plots/grid.js").Cell>} */
    const cells = plot?.cells ?? new Map();
    const frame = (/** @type {string} */ name, /** @type {string} */ stroke) => {
      const cell = cells.get(name);
      if (cell) marks.push({
        kind: "rect", x: cell.x - 1, y: cell.y - 1, w: cell.w + 2, h: cell.h + 2, stroke, width: 2.5,
      });
    };
    for (const [name, cell] of cells) {
      const [, layer, head] = /^L(\d+)H(\d+)$/.exec(name) ?? [];
      const { color, name: called } = app.notes.of(Number(layer), Number(head));
      if (called || color) marks.push({
        kind: "circle", x: cell.x + cell.w - 3, y: cell.y + 3, r: 2.6, fill: color || app.theme.colours.ink, stroke: app.theme.colours.panel, width: 1,
      });
    }
    frame(app.headName(), app.theme.colours.ink);
    if (store.state.hot) frame(store.state.hot, app.theme.colours.accent);
    return { width, height, marks };
  }

  function showList() {
    const name = heads.axis("grid") ?? "";
    fill(list, top().map((row) => el("li", {}, button(address(row.layer, row.head), () => app.goTo(row.layer, row.head), {
      on: { pointerenter: () => app.setHot(address(row.layer, row.head)), pointerleave: () => app.setHot("") },
    }, el("span", { class: "num" }, number(row[name]))))));
  }

  function table() {
    const name = heads.axis("grid") ?? "";
    const rows = ranked(heads.shownRows(), name);
    return {
      columns: ["rank", "layer", "head", name], rows: rows.map((row, i) => [i + 1, row.layer, row.head, row[name]]),
    };
  }

  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => {
    const row = plot?.find(...canvas.at(event));
    app.setHot(row ? address(row.layer, row.head) : "");
    target.style.cursor = row ? "pointer" : "default";
    if (row) tip.show(event.clientX, event.clientY, headTip(row, [heads.axis("grid")], heads.rows, app.notes.of(row.layer, row.head)));
    else tip.hide();
  }));
  target.addEventListener("pointerleave", () => {
    app.setHot("");
    tip.hide();
  });
  target.addEventListener("click", (event) => {
    const row = plot?.find(...canvas.at(event));
    if (row) app.goTo(row.layer, row.head);
  });
  app.on(["ranks"], () => (ranks.input.checked = store.state.ranks));
  app.on(["grid", "top", "ranks", "find", "box", "x", "y", "themeName", "noteVersion"], () => {
    metric.value = heads.axis("grid") ?? "";
    count.value = String(most());
    canvas.redraw();
    showList();
  });
  app.on(["hot", "layer", "head"], oncePerFrame(() => plot && canvas.redrawOver()));
  count.value = String(most());
  showList();
  return panel.root;
}
