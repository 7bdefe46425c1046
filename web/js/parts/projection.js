// SPDX-License-Identifier: Apache-2.0
// The Clouds tab: linked panels of the head's query, key, value and output space, their colours and clusters.

import { button, el, fill } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { tokenRule } from "../pure/match.js";
import { legendOf, MATCH, paintPoints } from "../pure/paint.js";
import { missing3d } from "./cloud3d.js";
import { createCloudControls } from "./cloudcontrols.js";
import { createCloudModel } from "./cloudmodel.js";
import { pointsOf } from "./cloudpaint.js";
import { createClouds } from "./clouds.js";
import { createClusterList } from "./clusters.js";
import { createClusterStore } from "./clusterstore.js";
import { landEdge } from "./landing.js";
import { progress } from "./progress.js";
import { createPointText } from "./pointtext.js";

/** @typedef {import("./clouds.js").Model} Model */

/** @param {import("../core/app.js").App} app */
export function createProjection(app) {
  const { store, tree, session } = app;
  /** @type {Model | null} */
  let model = null;
  let lasso = false;
  let loaded = "";
  /** @type {AbortController | null} */
  let abort = null;
  /** @type {string[]} */
  let colors = [];
  /** @type {string | null} */
  let no3d = null; // why there is no third dimension; "" when there is, null while nobody asked

  const controls = createCloudControls(app, { setFlat, toggleLasso: () => setLasso(!lasso) });
  const note = el("p", { class: "note", role: "status" });
  const legend = el("p", { class: "note legend" });
  const place = createPlace(app, el("div", { class: "clouds" }));
  const keeper = createClusterStore(app, changed);
  const list = createClusterList(app, keeper, { describe: (cluster) => model?.describe(cluster) ?? null, isolate });
  const text = createPointText(app, () => /** @type {Model} */ (model));
  const clouds = createClouds(app, place, () => shown(), {
    summary: text.summary, lasso: onLasso,
    press: (i) => store.set({ point: i === chosen() ? "" : model?.nameOf(i) ?? "" }),
    fail(message) {
      no3d = message;
      build();
    },
  });
  const root = el("div", { class: "projection" },
    controls.root, note, legend, place.element, el("div", { class: "cloud-foot" }, text.root, list.root));

  const mine = () => store.state.tab === "umap";
  const isReady = () => model !== null && model.cloud.layouts.length > 0 && mine();
  const layout = () => /** @type {import("./cloudmodel.js").Layout} */ (model?.layout(store.state.cloud));
  const painted = () => store.state.paint || (keeper.clusters.length ? "cluster" : "norm");
  const isFlat = () => store.state.flat || lasso || Boolean(no3d);
  const chosen = () => (model ? model.pointOf(store.state.point) : -1);
  const shown = () => ({
    model: /** @type {Model} */ (model), layout: layout(), lasso, colors, clusters: keeper.clusters, chosen: chosen(), flat: isFlat(), paint: painted(),
    spaces: model?.spaces(model.layout(store.state.cloud), store.state.spaces || "OQK") ?? [],
    labels: painted() === "cluster" ? keeper.clusters : [],
  });

  async function load() {
    if (!mine()) return;
    const { layer, head } = store.state;
    const key = `${layer},${head}`;
    if (loaded === key) return land();
    forget();
    loaded = key;
    abort?.abort();
    abort = new AbortController();
    place.fill((app) => el(
      "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading the clouds …", progress(app),
    ));
    store.set({ readBytes: 0 });
    note.textContent = "";
    try {
      const [cloud, tokens] = await Promise.all([tree.cloud(layer, head, abort.signal, (bytes = 0) => store.set({ readBytes: bytes })), tree.cloudTokens()]);
      if (loaded !== key) return;
      model = createCloudModel({ cloud, tokens, session });
      keeper.open(cloud.clusters, cloud.clustersVersion);
      build();
      land();
    } catch (error) {
      if (error.name === "AbortError") return;
      loaded = "";
      place.fill(() => el(
        "div", { class: "empty error", role: "alert" }, el("p", {}, error.message), button("Try again", load),
      ));
    }
  }
  function forget() {
    clouds.forget();
    model = null;
    loaded = "";
  }

  function recolour() {
    if (!model) return;
    const { total } = model;
    const reader = tokenRule(store.state.rule);
    const points = pointsOf(app, model, keeper.clusters);
    colors = paintPoints(painted(), points);
    showLegend(legend, legendOf(painted(), points));
    const byRule = painted() === "token" && store.state.rule && !reader.error;
    const hits = byRule ? colors.flatMap((color, i) => (color === MATCH ? [i] : [])) : [];
    const words = reader.error ?? (byRule ? `${hits.length} of ${total} points match. ` : "");
    const name = hits.length ? button("Name them", () => onLasso(hits), { class: "small" }) : null;
    fill(note, words, name, name && no3d ? " " : null, no3d);
  }
  const showControls = () => controls.show({ ...shown(), no3d });

  function build() {
    if (!model || !mine()) return;
    clouds.forget();
    if (!model.cloud.layouts.length) {
      place.fill(() => el("p", { class: "empty" }, "The cloud's file has no layout the page knows."));
      return;
    }
    no3d ??= missing3d();
    recolour();
    showControls();
    list.show();
    clouds.build();
    text.show(chosen());
  }
  function repaint() {
    if (!isReady()) return;
    recolour();
    showControls();
    clouds.recolour();
  }

  /** @param {boolean} flat */
  function setFlat(flat) {
    lasso = false;
    clouds.face(flat);
    if (store.state.flat === flat) build();
    else store.set({ flat });
  }
  /** @param {boolean} on */
  function setLasso(on) {
    lasso = on;
    build();
    list.say(on ? "Draw around points in any panel, as often as you like." : "");
  }
  /** @param {number[]} points */
  function onLasso(points) {
    if (!points.length || !model) return list.say("No points inside.");
    return list.ask(points.map(model.identity).map(([seq, q, k]) => [/^\d{1,15}$/.test(seq) ? Number(seq) : seq, q, k]));
  }
  /** The clusters are others now. */
  function changed() {
    list.show();
    if (!isReady()) return;
    if (store.state.paint !== "cluster" && keeper.clusters.length) store.set({ paint: "cluster" });
    else if (!keeper.clusters.length) store.set({ paint: "" });
    repaint();
  }
  /**
   * Shows one cluster alone, or all again.
   * @param {string} name
   */
  function isolate(name) {
    store.set({ onlyCluster: store.state.onlyCluster === name ? "" : name, paint: "cluster" });
  }

  /** Finds the edge somebody asked to see. */
  async function land() {
    const edge = store.state.land;
    if (!edge || !model) return;
    store.set({ land: null });
    const here = model;
    note.textContent = "Finding the edge …";
    const { point, placed, words } = await landEdge(app, here, edge);
    if (model !== here) return;
    if (placed) build();
    if (point !== null) store.set({ point });
    note.textContent = words;
  }

  app.on(["tab", "layer", "head", "land"], () => {
    if (mine()) load();
    else if (model && `${store.state.layer},${store.state.head}` !== loaded) forget();
  });
  app.on(["cloud", "spaces", "flat", "regions", "themeName"], build);
  app.on(["lens"], () => clouds.isInPlace || !isFlat() || build());
  app.on(["paint", "rule", "side", "onlyCluster"], repaint);
  app.on(["treeChanges"], () => isReady() && keeper.refresh());
  app.on(["headVersion"], () => {
    if (!isReady()) return;
    if (painted() === "attention") repaint();
    text.show(chosen()); // the payload may hold the point's sequence
  });
  app.on(["point"], () => {
    if (!isReady()) return;
    clouds.recolour();
    clouds.mark();
    text.show(chosen());
  });
  load();
  return root;
}

/**
 * What the colours mean: a scale between two words, or coloured names.
 * @param {HTMLElement} node
 * @param {ReturnType<typeof legendOf>} legend
 */
function showLegend(node, legend) {
  fill(node, legend.flatMap(({ text, stops }) => {
    const mark = el("span", { class: stops.length > 1 ? "scale" : "swatch" });
    mark.style.background = stops.length > 1 ? `linear-gradient(to right, ${stops.join(",")})` : stops[0];
    return [mark, el("span", {}, text)];
  }));
}
