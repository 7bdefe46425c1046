// SPDX-License-Identifier: Apache-2.0
// One projection panel in three dimensions, drawn by plotly.js, which is fetched on first use.

import { el } from "../core/dom.js";
import { frame } from "../pure/cloud.js";

const VENDOR = new URL("../../vendor/plotly.min.js", import.meta.url).href;
let loading = null;

/** Why three dimensions cannot be had here; empty when they can. */
export function missing3d() {
  const probe = document.createElement("canvas");
  const context = probe.getContext("webgl2") ?? probe.getContext("webgl");
  const found = context !== null;
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return found ? "" : "This browser has no WebGL, so the cloud is drawn in two dimensions.";
}

/** plotly.js, loaded once. */
export function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = el("script", { src: VENDOR, async: true });
    script.addEventListener("load", () => (globalThis.Plotly ? resolve(globalThis.Plotly) : reject(new Error("plotly.min.js did not start."))));
    script.addEventListener("error", () => reject(new Error("vendor/plotly.min.js is missing beside the page, so the cloud is drawn in two dimensions; set-up fetches it.")));
    document.head.append(script);
  });
  return loading;
}

const columns = (xyz, pick) => {
  const out = { x: [], y: [], z: [] };
  for (const i of pick) {
    out.x.push(xyz[3 * i]);
    out.y.push(xyz[3 * i + 1]);
    out.z.push(xyz[3 * i + 2]);
  }
  return out;
};

/**
 * A 3-D view of points `xyz`. `look()` answers {colors: string[], dim: boolean}; `colours()` the
 * theme. Answers once plotly has drawn.
 */
export async function createCloud3d(holder, { xyz, look, colours, camera, onHover, onPress, onCamera }) {
  const plotly = await loadPlotly();
  const all = Array.from({ length: xyz.length / 3 }, (_, i) => i);
  const { middle, half } = frame(xyz);
  const range = (d) => [middle[d] - 1.08 * half, middle[d] + 1.08 * half];
  const axis = (d) => ({
    title: { text: "" }, range: range(d), showticklabels: false, showspikes: false, showbackground: false,
    gridcolor: colours().line, zerolinecolor: colours().line, linecolor: colours().line,
  });
  const layout = () => ({
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", uirevision: "keep",
    scene: {
      xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "cube", bgcolor: "rgba(0,0,0,0)", dragmode: "orbit",
      camera: { ...camera(), projection: { type: "orthographic" } },
    },
  });
  const main = () => ({
    type: "scatter3d", mode: "markers", ...columns(xyz, all), hoverinfo: "none",
    marker: { size: xyz.length > 6000 ? 2.4 : 3.4, color: look().colors, opacity: look().dim ? 0.15 : 0.85, line: { width: 0 } },
  });
  const ring = (size, color) => ({ type: "scatter3d", mode: "markers", x: [], y: [], z: [], hoverinfo: "skip", marker: { size, color, symbol: "circle-open", line: { width: 2, color } } });
  await plotly.newPlot(holder, [main(), ring(11, colours().ink), ring(13, colours().ring)], layout(), { displayModeBar: false, responsive: true, displaylogo: false });
  holder.on("plotly_hover", ({ points: [point] }) => point?.curveNumber === 0 && onHover(point.pointNumber));
  holder.on("plotly_unhover", () => onHover(-1));
  holder.on("plotly_click", ({ points: [point] }) => point?.curveNumber === 0 && onPress(point.pointNumber));
  holder.on("plotly_relayout", (change) => change["scene.camera"] && onCamera(change["scene.camera"]));

  const marked = { hot: -1, chosen: -1 };
  return {
    recolour: () => plotly.restyle(holder, { "marker.color": [look().colors], "marker.opacity": look().dim ? 0.15 : 0.85 }, [0]),
    mark({ hot, chosen }) {
      if (hot === marked.hot && chosen === marked.chosen) return;
      Object.assign(marked, { hot, chosen });
      const at = (i) => columns(xyz, i >= 0 ? [i] : []);
      const [a, b] = [at(hot), at(chosen)];
      plotly.restyle(holder, { x: [a.x, b.x], y: [a.y, b.y], z: [a.z, b.z] }, [1, 2]);
    },
    turn: (next) => plotly.relayout(holder, { "scene.camera": { ...next, projection: { type: "orthographic" } } }),
    picture: (options) => plotly.toImage(holder, options),
    stop: () => plotly.purge(holder),
  };
}
