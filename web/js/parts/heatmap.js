// SPDX-License-Identifier: Apache-2.0
// The heat map of one sequence, linked with its tokens: hover, zoom, move, by pointer and by keys.

import { button, el, oncePerFrame } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createCanvas } from "../plots/canvas.js";
import { heatmapPlot, moved, zoomed } from "../plots/heatmap.js";
import { number } from "../pure/format.js";
import { ARROWS } from "../pure/near.js";
import { shifted } from "../pure/scene.js";
import { patternDifference, patternTable, valueAt } from "../pure/sequence.js";
import { edgeLines } from "./tokentip.js";

/**
 * @typedef {import("../plots/heatmap.js").View} View
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{q: number, k: number}} Cell
 */

/**
 * `onCell(cell)` hears what is under the pointer; `onPress(cell)` a click; `held()` are the queries to mark.
 * @param {import("../core/app.js").App} app
 * @param {Sequence} sequence
 * @param {{largest: () => number, onCell: (cell: Cell | null) => void, onPress: (cell: Cell) => void, held?: () => number[]}} options
 */
export function createHeatmap(app, sequence, { largest, onCell, onPress, held = () => [] }) {
  const { tip } = app;
  const whole = { q0: 0, q1: sequence.n, k0: 0, k1: sequence.n };
  let view = viewOf(app.store.state.zoom, sequence.n) ?? whole;
  /** @type {ReturnType<typeof heatmapPlot> | null} */
  let plot = null;
  /** @type {Cell | null} */
  let cell = null;
  let pointed = -1;
  /** @type {{x: number, y: number, view: View, far: boolean} | null} */
  let drag = null;
  const panel = createPanel(app, {
    name: `map-${sequence.id}`, title: `Attention pattern of ${app.headName()}, sequence ${sequence.id}`,
    describe: "Queries down, keys across. Wheel or + and - zoom, drag or arrows move, double click or 0 shows all.",
    give: { scene: () => (other ? allThree() : withHeld(canvas.scene)), table: () => table() },
  });
  /** @type {Sequence | null} the second head's, where there is one that has this text */
  let other = null;
  const { compare, store } = app;
  const forms = el("div", { class: "segmented", role: "group", "aria-label": "Pattern", hidden: true },
    [["", app.headName()], ["other", compare.name], ["difference", "difference"]].map(([form, name]) => button(
      name, () => store.set({ pattern: form }), { "data-form": form })));
  panel.controls.append(forms);
  compare.sequence(sequence.id).then((found) => {
    if (!found) return;
    other = found;
    showForms();
    canvas.redraw();
  }).catch(() => {}); // the column beside the text says why
  const form = () => (other ? store.state.pattern : "");
  const pattern = () => patternOf(form());
  /** @param {string} form */
  function patternOf(form) {
    if (!other || !form) return sequence;
    return form === "other" ? other : patternDifference(sequence, other);
  }
  function showForms() {
    forms.hidden = !other;
    for (const node of forms.children) node.setAttribute("aria-pressed", String(node.getAttribute("data-form") === form()));
  }
  /** The two patterns and their difference as one drawing. */
  function allThree() {
    const scene = canvas.scene;
    if (!scene || !plot) return scene;
    const { width, height } = scene;
    const { left, side } = plot.side;
    const step = left + side + 62; // the scale stands right of a map
    const scenes = ["", "other", "difference"].map((form) => plotOf(form, width, height).scene);
    const titles = [app.headName(), compare.name, `${app.headName()} − ${compare.name}`];
    const marks = scenes.flatMap((scene, i) => /** @type {Mark[]} */ ([
      { kind: "text", x: i * step + left, y: 14, text: titles[i], size: 12, weight: 600, fill: app.theme.colours.ink },
      ...scene.marks.map((mark) => shifted(mark, i * step, 20)),
    ]));
    return { width: 3 * step, height: height + 20, ground: scene.ground, marks };
  }
  const holder = el("div", { class: "plot plot-map" });
  const stripe = button("Induction stripe", () => app.store.set({ stripe: !app.store.state.stripe }), {
    class: "small", title: "Frame the keys right after an earlier occurrence of the query's token",
  });
  const showStripe = () => stripe.setAttribute("aria-pressed", String(app.store.state.stripe));
  panel.controls.append(stripe);
  panel.body.append(holder);
  const canvas = createCanvas(holder, {
    label: `Attention pattern of sequence ${sequence.id}, ${sequence.n} by ${sequence.n} tokens`, focusable: true,
    draw: (width, height) => {
      plot = plotOf(form(), width, height);
      return plot.scene;
    },
    over: (width, height) => ({ width, height, marks: overMarks() }),
  });
  /**
   * @param {string} form
   * @param {number} width
   * @param {number} height
   */
  function plotOf(form, width, height) {
    const shown = patternOf(form);
    return heatmapPlot({
      sequence: shown, view, largest: form === "difference" ? largestInside(shown) : largest(), width, height, theme: app.theme.name, colours: app.theme.colours,
      stripe: store.state.stripe, difference: form === "difference",
    });
  }
  app.on(["pattern"], () => {
    showForms();
    canvas.redraw();
  });
  app.own(canvas.stop);
  app.on(["stripe"], () => {
    showStripe();
    canvas.redraw();
  });
  showStripe();

  /**
   * The held queries, left of their rows.
   * @returns {Mark[]}
   */
  function heldMarks() {
    if (!plot) return [];
    const { side: { left, top, side }, place } = plot;
    return held().map((q) => place(q, 0)).filter((row) => row.y + row.h > top && row.y < top + side).map((row) => ({
      kind: "line", points: [left - 4, row.y + row.h / 2, left, row.y + row.h / 2], stroke: app.theme.colours.query_mark, width: Math.max(3, row.h),
    }));
  }
  /**
   * A drawing for the exports: what follows the pointer is left out.
   * @param {import("../core/app.js").Scene | null} scene
   */
  const withHeld = (scene) => scene && { ...scene, marks: [...scene.marks, ...heldMarks()] };
  function overMarks() {
    /** @type {Mark[]} */
    const marks = [];
    if (!plot) return marks;
    const { side: { left, top, side }, place } = plot;
    /** @type {(box: {x: number, y: number, w: number, h: number}, fill: string) => void} */
    const band = (box, fill) => {
      const x = Math.max(left, box.x);
      const y = Math.max(top, box.y);
      const [right, bottom] = [Math.min(left + side, box.x + box.w), Math.min(top + side, box.y + box.h)];
      if (right > x && bottom > y) marks.push({ kind: "rect", x, y, w: right - x, h: bottom - y, fill });
    };
    /** @type {(q: number, k: number) => void} */
    const line = (q, k) => {
      const { x, y, w, h } = place(q, k);
      band({ x: left, y, w: side, h: Math.max(1.5, h) }, "rgba(217,72,1,0.18)");
      band({ x, y: top, w: Math.max(1.5, w), h: side }, "rgba(33,113,181,0.18)");
    };
    marks.push(...heldMarks());
    if (cell) line(cell.q, cell.k);
    else if (pointed >= 0) line(pointed, pointed);
    return marks;
  }

  /** @param {View} next */
  function setView(next) {
    view = next;
    canvas.redraw();
    const size = view.q1 - view.q0;
    app.store.set({ zoom: size === sequence.n ? "" : [view.q0, view.k0, size].map((v) => +v.toFixed(1)).join(",") });
  }
  /** @param {Cell | null} next */
  function setCell(next) {
    if (next?.q === cell?.q && next?.k === cell?.k) return;
    cell = next;
    canvas.redrawOver();
    onCell(cell);
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  function showTip(x, y) {
    if (!cell) return tip.hide();
    tip.show(
      x, y,
      el(
        "div", { class: "toktip" }, el("b", {}, number(valueAt(pattern(), cell.q, cell.k))),
        edgeLines(sequence.tokens, cell.q, cell.k),
      ),
    );
  }

  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => {
    const [x, y] = canvas.at(event);
    if (drag && plot) {
      const size = (view.q1 - view.q0) / plot.side.side;
      drag.far ||= Math.hypot(x - drag.x, y - drag.y) > 4;
      if (drag.far) setView(moved(drag.view, sequence.n, (drag.y - y) * size, (drag.x - x) * size));
      return;
    }
    setCell(plot?.cell(x, y) ?? null);
    showTip(event.clientX, event.clientY);
  }));
  target.addEventListener("pointerleave", () => {
    tip.hide();
    setCell(null);
  });
  target.addEventListener("pointerdown", (event) => {
    const [x, y] = canvas.at(event);
    drag = { x, y, view, far: false };
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointerup", () => {
    const far = drag?.far;
    drag = null;
    if (!far && cell) onPress(cell);
  });
  target.addEventListener("wheel", (event) => {
    if (event.ctrlKey) return;
    const at = plot?.cell(...canvas.at(event));
    if (!at) return;
    event.preventDefault();
    setView(zoomed(view, sequence.n, event.deltaY > 0 ? 1.2 : 1 / 1.2, at.q + 0.5, at.k + 0.5));
  }, { passive: false });
  target.addEventListener("dblclick", () => setView(whole));
  target.addEventListener("keydown", (event) => {
    const step = Math.max(1, (view.q1 - view.q0) / 10);
    /** @type {[number, number]} */
    const middle = [(view.q0 + view.q1) / 2, (view.k0 + view.k1) / 2];
    const arrow = ARROWS[event.key];
    if (arrow) setView(moved(view, sequence.n, arrow[1] * step, arrow[0] * step));
    else if (event.key === "+" || event.key === "=") setView(zoomed(view, sequence.n, 1 / 1.4, ...middle));
    else if (event.key === "-") setView(zoomed(view, sequence.n, 1.4, ...middle));
    else if (event.key === "0") setView(whole);
    else return;
    event.preventDefault();
  });

  const table = () =>
    patternTable(pattern(), (q, k) => q + 1 > view.q0 && q < view.q1 && k + 1 > view.k0 && k < view.k1);

  return {
    root: panel.root,
    refresh: () => canvas.redraw(),
    /** The held queries changed. */
    mark: () => plot && canvas.redrawOver(),
    /**
     * Marks the row and column of a token hovered in the text.
     * @param {number} i
     */
    point(i) {
      pointed = i;
      if (plot) canvas.redrawOver();
    },
  };
}

/**
 * The largest size of an entry with neither side at position 0, which would outshine the others.
 * @param {Sequence} sequence
 */
function largestInside(sequence) {
  let most = 1e-6;
  for (let i = sequence.rowStart[1]; i < sequence.cols.length; i++) if (sequence.cols[i] > 0) most = Math.max(most, Math.abs(sequence.vals[i]));
  return most;
}

/**
 * The view a `zoom` value names; null when it names none inside the pattern.
 * @param {string} zoom
 * @param {number} n
 * @returns {View | null}
 */
function viewOf(zoom, n) {
  const [q0, k0, size] = zoom.split(",").map(Number);
  const inside = [q0, k0].every((v) => v >= 0 && v + size <= n + 0.1) && size >= 1;
  return zoom !== "" && inside ? { q0, q1: q0 + size, k0, k1: k0 + size } : null;
}
