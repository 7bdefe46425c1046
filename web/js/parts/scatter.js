// SPDX-License-Identifier: Apache-2.0
// Overview, first view: the scatter of heads.

import { button, checkbox, el, oncePerFrame, select } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createCanvas } from "../plots/canvas.js";
import { ringMarks } from "../plots/headrings.js";
import { barMarks, scatterPlot } from "../plots/scatter.js";
import { address, words } from "../pure/format.js";
import { errorOf, metricTable } from "../pure/rank.js";
import { createPresets } from "./presets.js";
import { headPoints, pointedOut } from "./headpoints.js";

/**
 * @typedef {import("../plots/canvas.js").At} At
 * @typedef {"x" | "y" | "color"} Which axis
 */

/** @param {import("../core/app.js").App} app */
export function createScatter(app) {
  const { store, heads, tip } = app;
  /** @type {ReturnType<typeof scatterPlot> | null} */
  let plot = null;
  /** @type {{from: At, to: At | null} | null} */
  let drag = null;

  const panel = createPanel(app, {
    name: "scatter", title: "All heads",
    describe: "Every head of the tree as a point. Click one to open it; drag a box to select several.",
    give: { scene: () => canvas.whole, table: () => table() },
  });

  const option = (/** @type {string} */ name) => [name, heads.label(name)];
  /** @type {(key: Which, label: string) => HTMLElement} */
  const axisSelect = (key, label) => {
    const options = key === "color" ? [["none", "no colour"], ...heads.axes.map(option)] : heads.axes.map(option);
    const node = select(
      label, options, heads.axis(key) ?? "none",
      (value) => store.set(key === "color" ? { color: value } : { [key]: value, box: "" }),
    );
    tip.on(node, () => heads.describe(heads.axis(key) ?? ""));
    app.on([key], () => (node.value = heads.axis(key) ?? "none"));
    return el("label", { class: "axis" }, el("span", {}, key === "color" ? "colour" : key), node);
  };
  /** @type {(key: "xlog" | "ylog", name: string) => HTMLElement} */
  const logBox = (key, name) => {
    const box = checkbox(
      "log", store.state[key], (on) => store.set({ [key]: on, box: "" }), { title: `Logarithmic ${name} axis` },
    );
    app.on([key], () => (box.input.checked = store.state[key]));
    return box;
  };
  const bars = checkbox(
    "±", store.state.bars, (on) => store.set({ bars: on }), { title: "Standard errors of all heads" },
  );
  app.on(["bars"], () => (bars.input.checked = store.state.bars));
  const hasErrors = heads.names.some((name) => heads.rows.some((row) => errorOf(row, name) !== null));
  const [preset, says] = createPresets(app);
  panel.controls.append(
    preset ?? "", axisSelect("x", "Horizontal axis"), logBox("xlog", "horizontal"),
    axisSelect("y", "Vertical axis"), logBox("ylog", "vertical"),
    axisSelect("color", "Colour"), hasErrors ? bars : "");
  const note = el("p", { class: "note", role: "status" });
  const clear = button("Clear box", () => store.set({ box: "" }), { class: "small" });
  const holder = el("div", { class: "plot plot-scatter" });
  panel.body.append(panel.controls, says ?? "", holder, el("div", { class: "row" }, note, clear));

  const canvas = createCanvas(holder, { label: "Scatter of heads", draw, over, focusable: true });

  /**
   * @param {number} width
   * @param {number} height
   */
  function draw(width, height) {
    const { set } = heads.shown();
    plot = scatterPlot({
      rows: heads.rows, names: { x: heads.axis("x"), y: heads.axis("y"), color: heads.axis("color") },
      logs: { x: store.state.xlog, y: store.state.ylog }, bars: store.state.bars, discrete: heads.discrete,
      shown: set && ((row) => set.has(address(row.layer, row.head))),
      width, height, colours: app.theme.colours, extentOf: heads.extent, shareOf: (row) => heads.share(row, heads.axis("color")),
    });
    const parts = [];
    if (plot.hidden) parts.push(`${plot.hidden} not shown: at or below zero on a log axis, or without a value.`);
    if (set) parts.push(`${plot.points.length} of ${heads.rows.length} heads selected.`);
    note.textContent = parts.join(" ");
    clear.hidden = !store.state.box;
    canvas?.setLabel(`Scatter of ${heads.rows.length} heads, ${words(heads.axis("x"))} across, ${words(heads.axis("y"))} up. The table below has the same numbers.`);
    return plot.scene;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  function over(width, height) {
    /** @type {import("../pure/scene.js").Mark[]} */
    const marks = [];
    const { colours } = app.theme;
    if (!plot) return { width, height, marks };
    const { points, outliers, x: across, y: up } = plot;
    const named = points.flatMap(({ row, x, y }) => {
      const { name, color } = app.notes.of(row.layer, row.head);
      return name ? [{ text: name, x, y, fill: color || colours.soft, size: 10.5 }] : [];
    });
    const far = outliers.map(({ row, x, y }) => ({ text: address(row.layer, row.head), x, y, fill: colours.soft, size: 10 }));
    const ringed = pointedOut(app).flatMap((head) => {
      const point = points.find((p) => address(p.row.layer, p.row.head) === head.name);
      if (!point) return [];
      marks.push(...barMarks(point.row, { x: heads.axis("x"), y: heads.axis("y") }, across, up, { faint: head.stroke }));
      return [{ ...head, x: point.x, y: point.y }];
    });
    marks.push(...ringMarks(ringed, [...named, ...far], { width, height, colours }));
    const box = heads.box();
    if (drag?.to) marks.push(boxMark(drag.from, drag.to, colours));
    else if (box) marks.push(boxMark(
      [across.at(box.x[0]), up.at(box.y[0])], [across.at(box.x[1]), up.at(box.y[1])], colours,
    ));
    return { width, height, marks };
  }

  function table() {
    const axes = [heads.axis("x"), heads.axis("y"), heads.axis("color")];
    const rows = plot?.points.map(({ row }) => row) ?? heads.shownRows(); // out of sight, as on phones, it is not drawn
    return metricTable(rows, [...new Set(axes)].flatMap((n) => (n !== null && heads.names.includes(n) ? [n] : [])));
  }

  const target = canvas.element;
  const pointer = headPoints(app, canvas, {
    points: () => plot?.points ?? [], names: () => [heads.axis("x"), heads.axis("y"), heads.axis("color")],
  });
  target.addEventListener("pointermove", oncePerFrame((event) => {
    if (!drag) {
      target.style.cursor = pointer.hover(event) ? "pointer" : "crosshair";
      return;
    }
    const to = canvas.at(event);
    if (Math.hypot(to[0] - drag.from[0], to[1] - drag.from[1]) > 4) drag.to = to;
    canvas.redrawOver();
  }));
  target.addEventListener("pointerleave", pointer.leave);
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { from: canvas.at(event), to: null };
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointerup", (event) => {
    if (!drag || !plot) return;
    const { from } = drag;
    const to = canvas.at(event);
    drag = null;
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) > 4) {
      const [xs, ys] = [[from[0], to[0]].map(plot.x.invert), [from[1], to[1]].map(plot.y.invert)];
      const sorted = (/** @type {number[]} */ pair) => pair.sort((a, b) => a - b).map((v) => +v.toPrecision(6));
      store.set({ box: [...sorted(xs), ...sorted(ys)].join(",") });
      return;
    }
    const point = pointer.under(event);
    if (point) pointer.open(point);
    else if (store.state.box) store.set({ box: "" });
    canvas.redrawOver();
  });
  target.addEventListener("pointercancel", () => (drag = null));
  target.addEventListener("keydown", pointer.walk);

  app.on(["x", "y", "color", "xlog", "ylog", "bars", "box", "find", "themeName", "noteVersion", "ranks"], () => canvas.redraw());
  app.on(["hot", "layer", "head", "vsVersion"], oncePerFrame(() => plot && canvas.redrawOver()));
  return panel.root;
}

/** @type {(a: At, b: At, colours: import("../core/app.js").Colours) => import("../pure/scene.js").Mark} */
const boxMark = (a, b, colours) => ({
  kind: "rect", x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), w: Math.abs(a[0] - b[0]), h: Math.abs(a[1] - b[1]),
  stroke: colours.accent, width: 1, fill: "rgba(70,130,190,0.10)",
});
