// SPDX-License-Identifier: Apache-2.0
// One projection panel in three dimensions, drawn by plotly.js, which is fetched on first use.

import { el } from "../core/dom.js";
import { createCanvas } from "../plots/canvas.js";
import { seenBall } from "../pure/cloud.js";

const VENDOR = new URL("../../vendor/plotly.min.js", import.meta.url).href;
const EDGE = 1.08; // of the cube, in distances of the farthest point from the middle
const FILLED = 1; // of the units that plotly shows of a cube: what most points lie within
const MISSING = "vendor/plotly.min.js is missing beside the page, so the cloud is drawn in two dimensions;"
  + " set-up fetches it.";

/**
 * @typedef {import("./clouds.js").View} View
 * @typedef {{points: {pointNumber: number}[], "scene.camera"?: import("../pure/cloud.js").Camera}} PlotEvent
 * @typedef {{dataScale?: number[], glplot?: {cameraParams?: Record<"model" | "view" | "projection", number[]>}}} PlotScene
 * @typedef {HTMLElement & {on: (event: string, run: (event: PlotEvent) => unknown) => void,
 *   _fullLayout?: {scene?: {_scene?: PlotScene}}}} Plot as plotly makes it
 * @typedef {{newPlot: Call, restyle: Call, relayout: Call, purge: (plot: HTMLElement) => void}} Plotly what is used of it
 * @typedef {(plot: HTMLElement, ...args: unknown[]) => Promise<unknown>} Call
 */

/** @type {Promise<Plotly> | null} */
let loading = null;

/** Why three dimensions cannot be had here; empty when they can. */
export function missing3d() {
  const probe = document.createElement("canvas");
  const context = probe.getContext("webgl2") ?? probe.getContext("webgl");
  const found = context !== null;
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return found ? "" : "This browser has no WebGL, so the cloud is drawn in two dimensions.";
}

/**
 * plotly.js, loaded once.
 * @returns {Promise<Plotly>}
 */
function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = el("script", { src: VENDOR, async: true });
    const started = () => {
      const { Plotly } = /** @type {{Plotly?: Plotly}} */ (/** @type {unknown} */ (globalThis));
      if (Plotly) resolve(Plotly);
      else reject(new Error("plotly.js did not start."));
    };
    script.addEventListener("load", started);
    script.addEventListener("error", () => reject(new Error(MISSING)));
    document.head.append(script);
  });
  return loading;
}

/** @type {(xyz: Float32Array, d: number) => number[]} */
const column = (xyz, d) => Array.from({ length: xyz.length / 3 }, (_, i) => xyz[3 * i + d]);

/**
 * A 3-D view of points; `onCamera` hears where they are seen from. Answers once plotly has drawn.
 * @param {HTMLElement} holder
 * @param {import("./clouds.js").Watched & {onCamera: (camera: import("../pure/cloud.js").Camera) => void}} options
 */
export async function createCloud3d(holder, { xyz, look, colours, camera, onHover, onPress, onCamera }) {
  const plotly = await loadPlotly();
  const { middle, radius, reach } = seenBall(xyz);
  // The axes hold every stray, as plotly draws nothing beyond them; the cube is so large that most points fill the panel.
  const range = (/** @type {number} */ d) => [middle[d] - EDGE * reach, middle[d] + EDGE * reach];
  const side = (2 * EDGE * reach * FILLED) / radius;
  const axis = (/** @type {number} */ d) => ({
    title: { text: "" }, range: range(d), showticklabels: false, showspikes: false, showbackground: false,
    gridcolor: colours().line, zerolinecolor: colours().line, linecolor: colours().line,
  });
  const layout = () => ({
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
    uirevision: "keep",
    scene: {
      xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "manual", aspectratio: { x: side, y: side, z: side }, bgcolor: "rgba(0,0,0,0)", dragmode: "orbit",
      camera: { ...camera(), projection: { type: "orthographic" } },
    },
  });
  const main = () => ({
    type: "scatter3d", mode: "markers", x: column(xyz, 0), y: column(xyz, 1), z: column(xyz, 2), hoverinfo: "none",
    marker: {
      size: xyz.length > 6000 ? 2.4 : 3.4, color: look().colors, opacity: look().dim ? 0.15 : 0.85, line: { width: 0 },
    },
  });
  const plot = /** @type {Plot} */ (/** @type {unknown} */ (el("div", { class: "plot3d" })));
  holder.append(plot);
  await plotly.newPlot(plot, [main()], layout(), { displayModeBar: false, responsive: true, displaylogo: false });
  let marked = { hot: -1, chosen: -1 };
  const rings = createCanvas(
    holder, { label: "", draw: (width, height) => ({ width, height, marks: ringMarks(width, height) }) },
  );
  rings.element.classList.add("over");
  rings.element.setAttribute("aria-hidden", "true");

  plot.on("plotly_hover", ({ points: [point] }) => onHover(point.pointNumber));
  plot.on("plotly_unhover", () => onHover(-1));
  plot.on("plotly_click", ({ points: [point] }) => onPress(point.pointNumber));
  plot.on("plotly_relayouting", rings.redraw);
  plot.on("plotly_relayout", (change) => {
    rings.redraw();
    if (change["scene.camera"]) onCamera(change["scene.camera"]);
  });

  /**
   * Rings around the hovered and the chosen point; restyling plotly would take ten frames for each.
   * @param {number} width
   * @param {number} height
   * @returns {import("../pure/scene.js").Mark[]}
   */
  function ringMarks(width, height) {
    const { ink, ring } = colours();
    const rings = /** @type {[number, number, string][]} */ ([[marked.hot, 6.5, ink], [marked.chosen, 7.5, ring]]);
    return rings.flatMap(([i, r, stroke]) => {
      const at = i >= 0 ? onScreen(plot, xyz.subarray(3 * i, 3 * i + 3)) : null;
      return at ? [{
        kind: "circle", x: (width * (1 + at[0])) / 2, y: (height * (1 - at[1])) / 2, r, stroke, width: 2,
      }] : [];
    });
  }

  return {
    recolour: () => plotly.restyle(
      plot, { "marker.color": [look().colors], "marker.opacity": look().dim ? 0.15 : 0.85 }, [0],
    ),
    /** @type {View["mark"]} */
    mark(next) {
      marked = next;
      rings.redraw();
    },
    /** @type {View["turn"]} */
    turn: (next) => plotly.relayout(plot, { "scene.camera": { ...next, projection: { type: "orthographic" } } }),
    stop() {
      rings.stop();
      plotly.purge(plot);
    },
  };
}

/**
 * Where plotly draws a point, in -1..1 across and up; null when it cannot be told. The matrices are
 * plotly's own (those its 3-D annotations are placed with), column by column.
 * @param {Plot} plot
 * @param {Float32Array} place
 */
function onScreen(plot, [x, y, z]) {
  const scene = plot._fullLayout?.scene?._scene;
  const camera = scene?.glplot?.cameraParams;
  const scale = scene?.dataScale;
  if (!camera || !scale) return null;
  /** @type {(m: number[], v: number[]) => number[]} */
  const through = (m, v) =>
    [0, 1, 2, 3].map((row) => m[row] * v[0] + m[4 + row] * v[1] + m[8 + row] * v[2] + m[12 + row] * v[3]);
  const scaled = [x * scale[0], y * scale[1], z * scale[2], 1];
  const matrices = [camera.model, camera.view, camera.projection];
  const p = matrices.reduce((v, m) => through(m, v), scaled);
  return p.every(Number.isFinite) ? [p[0] / p[3], p[1] / p[3]] : null;
}
