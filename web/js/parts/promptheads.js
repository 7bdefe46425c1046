// SPDX-License-Identifier: Apache-2.0
// What every head does on one prompt, in small: coloured and sorted by a metric of that prompt, each a click away.

import { button, checkbox, el, fill, oncePerFrame, select } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { CUSTOM, forgetHead } from "../core/state.js";
import { createCanvas, sceneUnit } from "../plots/canvas.js";
import { atlasOf, thumbnailLayout, thumbnailPlot } from "../plots/thumbnails.js";
import { address, number, words } from "../pure/format.js";
import { nextAlong } from "../pure/near.js";
import { edgeLines } from "./tokentip.js";

/** @typedef {import("../core/prompts.js").PromptHead} PromptHead */

const TOP = 10; // heads listed by the metric
const SMALL_FIRST = new Set(["pattern_entropy"]); // metrics whose small values stand out

/**
 * `edgeValue(head)` is the attention on the chosen edge, null while it is not known.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/prompts.js").PromptHeads} found
 * @param {{edge: () => {q: number, k: number} | null, edgeValue: (head: PromptHead) => number | null}} chosen
 */
export function createPromptHeads(app, found, { edge, edgeValue }) {
  const { store, tip } = app;
  const { heads, side } = found;
  const panel = createPanel(app, {
    name: "prompt-heads", title: "Every head on this prompt",
    describe: "Queries down, keys across, the strongest of what falls into a cell. The frame has the colour of the metric, "
      + "which is of this prompt alone. A click opens the head with the prompt.",
    give: { scene: () => canvas.scene, table: () => table() },
  });
  const by = () => {
    const wanted = store.state.by;
    if (wanted === "edge" && edge()) return "edge";
    return found.metrics.includes(wanted) ? wanted : found.metrics[0] ?? "";
  };
  const value = (/** @type {PromptHead} */ head) => (by() === "edge" ? edgeValue(head) : head.values[by()] ?? null);
  const ranked = () => {
    const sign = SMALL_FIRST.has(by()) ? 1 : -1;
    const values = heads.map(value);
    return [...heads.keys()].filter((i) => values[i] !== null).sort((a, b) => sign * (Number(values[a]) - Number(values[b])) || a - b);
  };
  const metric = select("Metric of the prompt", [], "", (v) => store.set({ by: v }));
  const flow = checkbox("in order of it", store.state.flow, (on) => store.set({ flow: on }), { title: "Sorted instead of layers × heads" });
  panel.controls.append(el("label", { class: "axis wide" }, el("span", {}, "metric"), metric), flow);
  const holder = el("div", { class: "plot plot-thumbnails" });
  const list = el("ol", { class: "ranking", "aria-label": "Heads first by this metric" });
  panel.body.append(list, holder);

  let atlas = atlasOf(heads, side, app.theme.name);
  /** @type {ReturnType<typeof thumbnailPlot> | null} */
  let plot = null;
  const canvas = createCanvas(holder, {
    label: `The patterns of ${heads.length} heads on the prompt`, focusable: true,
    draw(width) {
      const order = ranked();
      const values = order.map((i) => Number(value(heads[i])));
      plot = thumbnailPlot({
        heads, order: store.state.flow ? order : [...heads.keys()], sorted: store.state.flow, side, atlas, width, value,
        extent: [Math.min(...values, Infinity), Math.max(...values, -Infinity)], colours: app.theme.colours,
      });
      return plot.scene;
    },
    over: (width, height) => ({ width, height, marks: ringsOf() }),
  });
  app.own(canvas.stop);
  const fit = new ResizeObserver(([entry]) => {
    const unit = sceneUnit();
    holder.style.height = `${unit * thumbnailLayout(heads, store.state.flow, entry.contentRect.width / unit).height}px`;
  });
  fit.observe(panel.body);
  app.own(() => fit.disconnect());

  /** @returns {import("../pure/scene.js").Mark[]} */
  function ringsOf() {
    return [[app.headName(), app.theme.colours.ring], [store.state.hot, app.theme.colours.ink]].flatMap(([name, stroke]) => {
      const cell = plot?.cells.find(({ head }) => address(head.layer, head.head) === name);
      return cell ? [{ kind: "rect", x: cell.x - 2, y: cell.y - 2, w: cell.size + 4, h: cell.size + 4, stroke, width: 2 }] : [];
    });
  }
  /** @param {PromptHead} head */
  const open = ({ layer, head }) => store.set({
    ...forgetHead(), layer, head, tab: "sequences", interval: CUSTOM, at: `${found.id}:0`, pane: "head",
  });
  /**
   * @param {PromptHead | null} head
   * @param {number} x
   * @param {number} y
   */
  function point(head, x, y) {
    app.setHot(head ? address(head.layer, head.head) : "");
    if (!head) return tip.hide();
    return tip.show(x, y, tipOf(head));
  }
  /** @param {PromptHead} head */
  function tipOf(head) {
    const at = edge();
    const line = at && el("tr", {}, el("td", {}, "on the edge"), el("td", { class: "num" }, number(edgeValue(head) ?? NaN)));
    return el("div", { class: "headtip" }, el("b", {}, address(head.layer, head.head)), el("table", {}, line,
      found.metrics.map((name) => el("tr", {}, el("td", {}, words(name)), el("td", { class: "num" }, number(head.values[name]))))),
    at ? edgeLines(found.tokens, at.q, at.k) : null);
  }

  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => {
    const head = plot?.find(...canvas.at(event)) ?? null;
    target.style.cursor = head ? "pointer" : "default";
    point(head, event.clientX, event.clientY);
  }));
  target.addEventListener("pointerleave", () => point(null, 0, 0));
  target.addEventListener("click", (event) => {
    const head = plot?.find(...canvas.at(event));
    if (head) open(head);
  });
  target.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const cells = plot?.cells ?? [];
    const hot = cells.findIndex(({ head }) => address(head.layer, head.head) === (store.state.hot || app.headName()));
    const from = cells[Math.max(0, hot)];
    if (event.key === "Enter" && from) return open(from.head);
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !from) return undefined;
    event.preventDefault();
    const to = cells[nextAlong(cells.length, (i) => [cells[i].x, cells[i].y], [from.x, from.y], step)];
    if (!to) return undefined;
    const at = canvas.inWindow(to.x + to.size, to.y + to.size);
    target.scrollIntoView({ block: "nearest" });
    app.say(`${address(to.head.layer, to.head.head)}, ${words(by())} ${number(value(to.head) ?? NaN)}`);
    return point(to.head, at.clientX, at.clientY);
  });

  function show() {
    fill(metric, [...found.metrics, ...(edge() ? ["edge"] : [])].map((name) => el("option", { value: name }, name === "edge" ? "attention on the edge" : words(name))));
    metric.value = by();
    flow.input.checked = store.state.flow;
    fill(list, ranked().slice(0, TOP).map((i) => {
      const name = address(heads[i].layer, heads[i].head);
      return el("li", {}, button(name, () => open(heads[i]), {
        on: { pointerenter: () => app.setHot(name), pointerleave: () => app.setHot("") },
      }, el("span", { class: "num" }, number(value(heads[i]) ?? NaN))));
    }));
    holder.style.height = `${sceneUnit() * thumbnailLayout(heads, store.state.flow, holder.clientWidth / sceneUnit()).height}px`;
    canvas.redraw();
  }
  function table() {
    const names = [...found.metrics, ...(edge() ? ["edge"] : [])];
    return {
      columns: ["layer", "head", ...names.map((name) => (name === "edge" ? "attention_on_edge" : name))],
      rows: ranked().map((i) => [heads[i].layer, heads[i].head, ...names.map((n) => (n === "edge" ? edgeValue(heads[i]) : heads[i].values[n]))]),
    };
  }
  app.on(["by", "flow"], show);
  app.on(["themeName"], () => {
    atlas = atlasOf(heads, side, app.theme.name);
    show();
  });
  app.on(["hot", "layer", "head"], oncePerFrame(() => plot && canvas.redrawOver()));
  show();
  return { root: panel.root, show };
}
