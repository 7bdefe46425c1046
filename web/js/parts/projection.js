// SPDX-License-Identifier: Apache-2.0
// The UMAP tab: linked panels of the head's query, key, value and output space.

import { button, el, fill, oncePerFrame } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { readLenses, WHOLE, writeLenses } from "../plots/cloud.js";
import { explainedWords, SPACE_NAMES } from "../pure/cloud.js";
import { membership, readClusters } from "../pure/clusters.js";
import { tokenRule } from "../pure/match.js";
import { MATCH, paintPoints } from "../pure/paint.js";
import { createCloud2d, flatScene } from "./cloud2d.js";
import { createCloud3d, missing3d } from "./cloud3d.js";
import { createCloudControls } from "./cloudcontrols.js";
import { createCloudModel } from "./cloudmodel.js";
import { createClusterList, keptClusters } from "./clusters.js";
import { createPointText } from "./pointtext.js";

const CAMERA = { eye: { x: 1, y: 1, z: 0.85 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
const FACE = { eye: { x: 0, y: 0, z: 2 }, up: { x: 0, y: 1, z: 0 }, center: { x: 0, y: 0, z: 0 } };

/** The camera an `eye` value names, else the usual one. */
function cameraOf(eye) {
  const [x, y, z] = eye.split(",").map(Number);
  const given = eye !== "" && [x, y, z].every((v) => Math.abs(v) < 20) && Math.hypot(x, y, z) > 0.05;
  return given ? { ...CAMERA, eye: { x, y, z } } : CAMERA;
}

/** @param {import("../core/app.js").App} app */
export function createProjection(app) {
  const { store, tree, session, tip } = app;
  let model = null;
  let clusters = [];
  let views = new Map();
  let camera = store.state.flat ? FACE : cameraOf(store.state.eye);
  let lasso = false;
  let loaded = "";
  let abort = null;
  let hot = -1;
  let colors = [];
  let no3d = null; // why there is no third dimension; "" when there is, null while nobody asked

  const controls = createCloudControls(app, { setFlat, toggleLasso: () => setLasso(!lasso) });
  const note = el("p", { class: "note", role: "status" });
  const grid = createPlace(app, el("div", { class: "clouds" }));
  const list = createClusterList(app, { change: changeClusters });
  const text = createPointText(app, () => model);
  const root = el("div", { class: "projection" },
    controls.root, note, grid.element, el("div", { class: "cloud-foot" }, text.root, list.root));

  const mine = () => store.state.tab === "umap";
  const layout = () => model.layout(store.state.cloud);
  const painted = () => store.state.paint || (clusters.length ? "cluster" : "norm");
  const isFlat = () => store.state.flat || lasso || Boolean(no3d);
  const chosen = () => (model ? model.pointOf(store.state.point) : -1);
  const look = () => ({ colors, dim: chosen() >= 0 });

  async function load() {
    if (!mine()) return;
    const { layer, head } = store.state;
    const key = `${layer},${head}`;
    if (loaded === key) return land();
    forget();
    loaded = key;
    abort?.abort();
    abort = new AbortController();
    grid.fill(() => el(
      "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading the projection …",
    ));
    note.textContent = "";
    try {
      const [cloud, tokens] = await Promise.all([tree.cloud(layer, head, abort.signal), tree.cloudTokens()]);
      if (loaded !== key) return;
      model = createCloudModel({ cloud, tokens, session });
      clusters = keptClusters(app) ?? readClusters(cloud.clusters);
      build();
      land();
    } catch (error) {
      if (error.name === "AbortError") return;
      loaded = "";
      grid.fill(() => el(
        "div", { class: "empty error", role: "alert" }, el("p", {}, error.message), button("Try again", load),
      ));
    }
  }

  function forget() {
    stopViews();
    model = null;
    loaded = "";
  }
  function stopViews() {
    grid.empty();
    views = new Map();
    hot = -1;
  }

  function recolour() {
    const reader = tokenRule(store.state.rule);
    const side = store.state.side === "q" ? 1 : 2;
    const { total } = model;
    colors = paintPoints(painted(), {
      total, identity: model.identity, norm: model.norm, attention: model.attention,
      rule: store.state.rule ? reader : null, tokenAt: (i) => model.tokensOf(i)?.[model.identity(i)[side]] ?? null,
      clusters, clusterOf: membership(clusters, total, model.identity),
    });
    const byRule = painted() === "token" && store.state.rule && !reader.error;
    const hits = byRule ? colors.flatMap((color, i) => (color === MATCH ? [i] : [])) : [];
    const words = reader.error ?? (byRule ? `${hits.length} of ${total} points match. ` : "");
    const name = hits.length ? button("Name them", () => onLasso(hits), { class: "small" }) : null;
    fill(note, words, name, name && no3d ? " " : null, no3d);
  }

  function build() {
    if (!model || !mine()) return;
    stopViews();
    if (!model.cloud.layouts.length) {
      grid.fill(() => el("p", { class: "empty" }, "The projection file has no layout the page knows."));
      return;
    }
    no3d ??= missing3d();
    recolour();
    showControls();
    list.show(clusters);
    grid.fill((app) => model.spaces(layout(), spaces()).map((space) => panelOf(app, space)));
    text.show(chosen());
  }
  const spaces = () => store.state.spaces || "OQK";
  const showControls = () =>
    controls.show({
      model, layout: layout(), spaces: model.spaces(layout(), spaces()), paint: painted(), flat: isFlat(), lasso, no3d,
    });

  /** @param {import("../core/app.js").App} app */
  function panelOf(app, space) {
    const holder = el("div", { class: "plot plot-cloud" });
    const panel = createPanel(app, {
      name: `cloud-${space}`, title: `${space} · ${SPACE_NAMES[space]}`,
      give: { scene: () => sceneOf(space), table: () => tableOf(model, layout(), space, clusters) },
    });
    panel.body.append(holder);
    const explained = layout().name === "pca" ? explainedWords(model.cloud.explained[space]) : null;
    if (explained) panel.controls.append(tip.on(el("span", { class: "dim" }, explained.total), explained.axes));
    const options = {
      xyz: model.positions(layout(), space), look, colours: () => app.theme.colours, camera: () => camera,
      label: `Projection of the ${SPACE_NAMES[space]} space, ${model.total} points`,
      onHover: (i, event) => setHot(i, event, holder),
      onPress: (i) => store.set({ point: i === chosen() ? "" : model.nameOf(i) }),
      onCamera: (next) => turnAll(next, space),
      lassoing: () => lasso, onLasso,
      lens: readLenses(store.state.lens)[space] ?? WHOLE,
      onLens: (lens) => setLens({ ...readLenses(store.state.lens), [space]: lens }),
    };
    if (!isFlat()) open3d(app, space, holder, options);
    else {
      const view = createCloud2d(holder, options);
      app.own(view.stop);
      views.set(space, view);
    }
    return panel.root;
  }

  let owned = ""; // the lenses the panels stand at
  function setLens(lenses) {
    owned = writeLenses(lenses);
    store.set({ lens: owned });
  }

  /** @param {import("../core/app.js").App} app */
  function open3d(app, space, holder, options) {
    const waiting = { recolour() {}, mark() {}, turn() {} };
    views.set(space, waiting);
    const isGone = () => views.get(space) !== waiting;
    createCloud3d(holder, options).then((view) => {
      app.own(view.stop);
      if (isGone()) return;
      views.set(space, view);
      view.mark({ hot, chosen: chosen() });
    }).catch((error) => {
      if (isGone()) return;
      no3d = error.message;
      build();
    });
  }

  function turnAll(next, from) {
    camera = next;
    const { x, y, z } = next.eye;
    store.set({ eye: [x, y, z].map((v) => +v.toFixed(3)).join(",") });
    for (const [space, view] of views) if (space !== from) view.turn(next);
  }

  const mark = oncePerFrame(() => views.forEach((view) => view.mark({ hot, chosen: chosen() })));
  function setHot(i, event, holder) {
    if (i === hot && i < 0) return;
    hot = i;
    mark();
    if (i < 0) {
      tip.hide();
      return;
    }
    const box = holder.getBoundingClientRect();
    tip.show(event?.clientX ?? box.left + 8, event?.clientY ?? box.top - 8, text.summary(i));
  }

  /** The panel as a drawing: in 3-D the same points under the same camera. */
  function sceneOf(space) {
    return views.get(space)?.scene
      ?? flatScene({
        xyz: model.positions(layout(), space), look: look(), camera, colours: app.theme.colours, size: 640,
        chosen: chosen(),
      });
  }
  function setFlat(flat) {
    lasso = false;
    camera = flat ? FACE : cameraOf(store.state.eye);
    if (store.state.flat === flat) build();
    else store.set({ flat });
  }
  function setLasso(on) {
    lasso = on;
    build();
    list.say(on ? "Draw around points in any panel." : "");
  }
  function onLasso(points) {
    if (!points.length) {
      list.say("No points inside.");
      return;
    }
    list.ask(points.map(model.identity).map(([seq, q, k]) => [/^\d{1,15}$/.test(seq) ? Number(seq) : seq, q, k]));
  }
  function changeClusters(next) {
    clusters = next;
    lasso = false;
    store.set({ paint: next.length ? "cluster" : "" });
    build();
  }

  /** Finds the edge somebody asked to see: in the cloud, among the projected, else by the backend. */
  async function land() {
    const edge = store.state.land;
    if (!edge || !model) return;
    store.set({ land: null });
    const words = `Edge ${edge.q} → ${edge.k} of sequence ${edge.seq}`;
    const found = model.find(edge);
    if (found >= 0) store.set({ point: model.nameOf(found) });
    else if (!app.backend) note.textContent = `${words} is not in the cloud; with serve it can be projected into it.`;
    else await project(edge, words);
  }

  async function project(edge, words) {
    const { layer, head } = store.state;
    const here = model;
    note.textContent = "Projecting the edge …";
    try {
      const body = { layer, head, seq_idx: edge.seq, query_pos: edge.q, key_pos: edge.k };
      const answer = await /** @type {NonNullable<typeof app.backend>} */ (app.backend).call("project_to_umap", body);
      if (model !== here) return;
      if (answer.point) {
        model.cloud.projected.push(answer.point);
        build();
      }
      const name = answer.found_in_cloud
        ? String(answer.existing_index)
        : `p${answer.found_in_projected ? answer.projected_index : model.cloud.projected.length - 1}`;
      store.set({ point: name });
      note.textContent = `${words} is marked.`;
    } catch (error) {
      note.textContent = error.sentence ?? error.message;
    }
  }

  function repaint() {
    if (!model?.cloud.layouts.length || !mine()) return;
    recolour();
    showControls();
    views.forEach((view) => view.recolour());
  }
  app.on(["tab", "layer", "head", "land"], () => {
    if (mine()) load();
    else if (model && `${store.state.layer},${store.state.head}` !== loaded) forget();
  });
  app.on(["cloud", "spaces", "flat", "themeName"], build);
  app.on(["lens"], () => store.state.lens !== owned && isFlat() && build());
  app.on(["paint", "rule", "side"], repaint);
  app.on(["headVersion"], () => {
    if (!model || !mine()) return;
    if (painted() === "attention") repaint();
    text.show(chosen()); // the payload may hold the point's sequence
  });
  app.on(["point"], () => {
    if (!model || !mine()) return;
    views.forEach((view) => view.recolour());
    mark();
    text.show(chosen());
  });
  load();
  return root;
}

/** The points of a panel, where they lie and whose they are. */
function tableOf(model, layout, space, clusters) {
  const xyz = model.positions(layout, space);
  const of = membership(clusters, model.total, model.identity);
  const rows = Array.from({ length: model.total }, (_, i) => [
    ...model.identity(i), ...xyz.subarray(3 * i, 3 * i + 3),
    of[i] >= 0 ? clusters[of[i]].name : "", i >= model.cloud.n,
  ].map((v) => (Number.isNaN(v) ? null : v)));
  return { columns: ["seq_idx", "query", "key", "d0", "d1", "d2", "cluster", "projected"], rows };
}
