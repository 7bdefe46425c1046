// SPDX-License-Identifier: Apache-2.0
// The UMAP tab: linked panels of the head's query, key, value and output space.

import { button, el, fill, oncePerFrame, select, setOptions } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { SPACES, SPACE_NAMES, projectedPosition } from "../pure/cloud.js";
import { membership, readClusters } from "../pure/clusters.js";
import { tokenRule } from "../pure/match.js";
import { PAINTS, paintPoints } from "../pure/paint.js";
import { valueAt } from "../pure/sequence.js";
import { createCloud2d, flatScene } from "./cloud2d.js";
import { createCloud3d, missing3d } from "./cloud3d.js";
import { createClusterList, keptClusters } from "./clusters.js";
import { createPointText } from "./pointtext.js";

const CAMERA = { eye: { x: 1, y: 1, z: 0.85 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
const FACE = { eye: { x: 0, y: 0, z: 2 }, up: { x: 0, y: 1, z: 0 }, center: { x: 0, y: 0, z: 0 } };

/** The camera an `eye` value names, else the usual one. */
function cameraOf(eye) {
  const [x, y, z] = eye.split(",").map(Number);
  const given = eye !== "" && [x, y, z].every((v) => Number.isFinite(v) && Math.abs(v) < 20) && Math.hypot(x, y, z) > 0.05;
  return given ? { ...CAMERA, eye: { x, y, z } } : CAMERA;
}

export function createProjection(app) {
  const { store, tree, session, tip } = app;
  let cloud = null;
  let tokens = {};
  let clusters = [];
  let views = new Map();
  let camera = store.state.flat ? FACE : cameraOf(store.state.eye);
  let lasso = false;
  let loaded = "";
  let abort = null;
  let hot = -1;
  let colors = [];
  let no3d = null;

  const layoutSelect = select("Layout", [], "", (value) => store.set({ cloud: value }));
  const step = (by) => {
    const next = layoutSelect.options[layoutSelect.selectedIndex + by];
    if (next) store.set({ cloud: next.value });
  };
  const spaceBox = el("div", { class: "segmented", role: "group", "aria-label": "Panels" });
  const paint = select("Colour of the points", PAINTS, "norm", (value) => store.set({ paint: value }));
  const rule = el("input", { type: "search", placeholder: "token or /pattern/", "aria-label": "Token rule", spellcheck: false, value: store.state.rule, on: { input: () => store.set({ rule: rule.value }) } });
  const side = select("Side the rule reads", [["q", "query token"], ["k", "key token"]], store.state.side, (value) => store.set({ side: value }));
  const ruleBox = el("span", { class: "row" }, side, rule);
  const dims = el("div", { class: "segmented", role: "group", "aria-label": "Dimensions" },
    ["3-D", "2-D"].map((label) => button(label, () => {
      lasso = false;
      camera = label === "2-D" ? FACE : cameraOf(store.state.eye);
      store.set({ flat: label === "2-D" });
    }, { "data-flat": String(label === "2-D") })));
  const lassoButton = button("Lasso", () => setLasso(!lasso), { "aria-pressed": "false", class: "toggle", title: "Draw around points to name a cluster" });
  const note = el("p", { class: "note", role: "status" });
  const grid = el("div", { class: "clouds" });
  const list = createClusterList(app, { change: changeClusters });
  const text = createPointText(app, { identity, tokensOf, attention });
  const root = el("div", { class: "projection" },
    el("div", { class: "toolbar" }, el("label", { class: "axis" }, el("span", {}, "layout"), layoutSelect),
      el("span", { class: "stepper" }, button("‹", () => step(-1), { class: "icon", "aria-label": "Layout before" }), button("›", () => step(1), { class: "icon", "aria-label": "Next layout" })),
      spaceBox, el("label", { class: "axis" }, el("span", {}, "colour"), paint), ruleBox, el("span", { class: "spring" }), dims, lassoButton),
    note, grid, el("div", { class: "cloud-foot" }, text.root, list.root));

  const total = () => (cloud ? cloud.n + cloud.projected.length : 0);
  const mine = () => store.state.tab === "umap";

  /** [sequence, query, key] of a point; projected ones follow the cloud's own. */
  function identity(i) {
    if (i < cloud.n) return [cloud.seq[i], cloud.q[i], cloud.k[i]];
    const p = cloud.projected[i - cloud.n];
    return [String(p.seq_idx), p.top_q, p.top_k];
  }
  function tokensOf(i) {
    const [seq] = identity(i);
    const own = i >= cloud.n ? cloud.projected[i - cloud.n].tokens : null;
    const found = Array.isArray(own) ? own : tokens[seq] ?? session.sequence(seq)?.tokens;
    return Array.isArray(found) ? found : null;
  }
  function attention(i) {
    if (i < cloud.n && cloud.attention) return cloud.attention[i];
    const [seq, q, k] = identity(i);
    const sequence = session.sequence(seq);
    return sequence ? valueAt(sequence, q, k) || NaN : NaN;
  }
  const pointOf = () => {
    const match = /^(p?)(\d{1,9})$/.exec(store.state.point);
    if (!match || !cloud) return -1;
    const i = Number(match[2]) + (match[1] ? cloud.n : 0);
    return i < total() ? i : -1;
  };
  const nameOf = (i) => (i < 0 ? "" : i < cloud.n ? String(i) : `p${i - cloud.n}`);

  async function load() {
    if (!mine()) return;
    const { layer, head } = store.state;
    const key = `${layer},${head}`;
    if (loaded === key) return land();
    loaded = key;
    abort?.abort();
    abort = new AbortController();
    stopViews();
    cloud = null;
    fill(grid, el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading the projection …"));
    note.textContent = "";
    try {
      const [file, all] = await Promise.all([tree.cloud(layer, head, abort.signal), tree.cloudTokens()]);
      if (loaded !== key) return;
      cloud = file;
      tokens = all;
      clusters = keptClusters(app) ?? readClusters(file.clusters);
      build();
      land();
    } catch (error) {
      if (error.name === "AbortError") return;
      loaded = "";
      fill(grid, el("div", { class: "empty error", role: "alert" }, el("p", {}, error.message), button("Try again", load)));
    }
  }

  const layout = () => cloud.layouts.find((l) => l.name === store.state.cloud) ?? cloud.layouts.find((l) => l.name !== "pca") ?? cloud.layouts[0];
  function spaces() {
    const have = SPACES.filter((s) => layout().spaces[s]);
    const wanted = have.filter((s) => (store.state.spaces || "OQK").includes(s));
    return wanted.length ? wanted : have.slice(0, 1);
  }
  const painted = () => store.state.paint || (clusters.length ? "cluster" : "norm");

  /** Positions of the cloud and, after it, of the projected points. */
  function positions(space) {
    const own = layout().spaces[space];
    const xyz = new Float32Array(3 * total()).fill(NaN);
    xyz.set(own);
    cloud.projected.forEach((p, i) => {
      const at = projectedPosition(p, layout().name, space);
      if (at) xyz.set(at, 3 * (cloud.n + i));
    });
    return xyz;
  }

  function recolour() {
    const reader = tokenRule(store.state.rule);
    rule.setCustomValidity(reader.error ?? "");
    const at = store.state.side === "q" ? 1 : 2;
    const n = total();
    const norms = cloud.norms && Float64Array.from({ length: n }, (_, i) => (i < cloud.n ? cloud.norms[i] : cloud.projected[i - cloud.n].norm ?? NaN));
    colors = paintPoints(painted(), {
      points: { n, norms, q: Array.from({ length: n }, (_, i) => identity(i)[1]), k: Array.from({ length: n }, (_, i) => identity(i)[2]) },
      attention, rule: store.state.rule ? reader : null, clusters, clusterOf: membership(clusters, n, identity),
      tokenAt: (i) => tokensOf(i)?.[identity(i)[at]] ?? null,
    });
    const hits = painted() === "token" && store.state.rule ? `${colors.filter((c) => c === "#d94801").length} of ${n} points match. ` : "";
    note.textContent = `${hits}${note.dataset.why ?? ""}`;
  }

  function showControls() {
    setOptions(layoutSelect, cloud.layouts.map((l) => [l.name, l.label]), layout().name);
    const on = spaces();
    fill(spaceBox, SPACES.filter((s) => layout().spaces[s]).map((s) => button(s, () => {
      const next = on.includes(s) ? on.filter((x) => x !== s) : SPACES.filter((x) => on.includes(x) || x === s);
      if (next.length) store.set({ spaces: next.join("") });
    }, { "aria-pressed": String(on.includes(s)), title: SPACE_NAMES[s] })));
    paint.value = painted();
    ruleBox.hidden = painted() !== "token";
    side.value = store.state.side;
    const flat = isFlat();
    for (const node of dims.children) {
      node.setAttribute("aria-pressed", String((node.dataset.flat === "true") === flat));
      node.disabled = node.dataset.flat === "false" && no3d !== null && no3d !== "";
    }
    lassoButton.setAttribute("aria-pressed", String(lasso));
  }
  const isFlat = () => store.state.flat || lasso || Boolean(no3d);

  function build() {
    if (!cloud || !mine()) return;
    if (!cloud.layouts.length) {
      fill(grid, el("p", { class: "empty" }, "The projection file has no layout the page knows."));
      return;
    }
    no3d ??= missing3d();
    note.dataset.why = no3d;
    stopViews();
    recolour();
    showControls();
    list.show(clusters);
    fill(grid, spaces().map((space) => panelOf(space)));
    text.show(pointOf());
  }

  function panelOf(space) {
    const holder = el("div", { class: "plot plot-cloud" });
    const panel = createPanel(app, {
      name: `cloud-${space}`, title: `${space} · ${SPACE_NAMES[space]}`,
      give: { scene: () => sceneOf(space), table: () => tableOf(space) },
    });
    panel.body.append(holder);
    const options = {
      xyz: positions(space), look: () => ({ colors, dim: pointOf() >= 0 }), colours: () => app.theme.colours, camera: () => camera,
      label: `Projection of the ${SPACE_NAMES[space]} space, ${total()} points`,
      onHover: (i, event) => setHot(i, event, holder), onPress: (i) => store.set({ point: i === pointOf() ? "" : nameOf(i) }),
      onCamera: (next) => {
        camera = next;
        const { x, y, z } = next.eye;
        store.set({ eye: [x, y, z].map((v) => +v.toFixed(3)).join(",") });
        for (const [other, view] of views) if (other !== space) view.turn?.(next);
      },
      lassoing: () => lasso, onLasso,
    };
    if (isFlat()) views.set(space, createCloud2d(holder, options));
    else {
      const waiting = { recolour() {}, mark() {}, stop() { this.stopped = true; } };
      views.set(space, waiting);
      createCloud3d(holder, options).then((view) => {
        if (waiting.stopped) return view.stop();
        views.set(space, view);
        view.mark({ hot, chosen: pointOf() });
      }).catch((error) => {
        if (waiting.stopped) return;
        no3d = error.message;
        build();
      });
    }
    return panel.root;
  }

  const mark = oncePerFrame(() => views.forEach((view) => view.mark({ hot, chosen: pointOf() })));
  function setHot(i, event, holder) {
    if (i === hot && i < 0) return;
    hot = i;
    mark();
    if (i < 0) return tip.hide();
    const box = holder.getBoundingClientRect();
    tip.show(event?.clientX ?? box.left + 8, event?.clientY ?? box.top - 8, text.summary(i));
  }

  /** The panel as a drawing: in 3-D the same points under the same camera. */
  function sceneOf(space) {
    const view = views.get(space);
    if (view?.scene) return view.scene;
    return flatScene({ xyz: positions(space), look: { colors, dim: pointOf() >= 0 }, camera, colours: app.theme.colours, size: 640, chosen: pointOf() });
  }
  function tableOf(space) {
    const xyz = positions(space);
    const of = membership(clusters, total(), identity);
    const rows = Array.from({ length: total() }, (_, i) => [...identity(i), xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2], of[i] >= 0 ? clusters[of[i]].name : "", i >= cloud.n].map((v) => (Number.isNaN(v) ? null : v)));
    return { columns: ["seq_idx", "query", "key", "d0", "d1", "d2", "cluster", "projected"], rows };
  }

  function setLasso(on) {
    lasso = on;
    build();
    list.say(on ? "Draw around points in any panel." : "");
  }
  function onLasso(points) {
    if (!points.length) return list.say("No points inside.");
    list.ask(points.map(identity).map(([seq, q, k]) => [/^\d{1,15}$/.test(seq) ? Number(seq) : seq, q, k]));
  }
  function changeClusters(next) {
    clusters = next;
    lasso = false;
    if (!store.state.paint || painted() === "cluster" || next.length) store.set({ paint: next.length ? "cluster" : "" });
    build();
  }

  /** Finds the edge somebody asked to see: in the cloud, among the projected, else by the backend. */
  async function land() {
    const edge = store.state.land;
    if (!edge || !cloud) return;
    store.set({ land: null });
    const wanted = `${edge.seq}|${edge.q}|${edge.k}`;
    for (let i = 0; i < total(); i++) {
      if (identity(i).join("|") === wanted) return store.set({ point: nameOf(i) });
    }
    if (!app.backend) {
      note.textContent = `Edge ${edge.q} → ${edge.k} of sequence ${edge.seq} is not in the cloud; with serve it can be projected into it.`;
      return;
    }
    const { layer, head } = store.state;
    const here = cloud;
    note.textContent = "Projecting the edge …";
    try {
      const answer = await app.backend.call("project_to_umap", { layer, head, seq_idx: edge.seq, query_pos: edge.q, key_pos: edge.k });
      if (cloud !== here) return;
      if (answer.found_in_cloud) store.set({ point: String(answer.existing_index) });
      else if (answer.found_in_projected) store.set({ point: `p${answer.projected_index}` });
      else if (answer.point) {
        cloud.projected.push(answer.point);
        build();
        store.set({ point: nameOf(total() - 1) });
      }
      note.textContent = `Edge ${edge.q} → ${edge.k} of sequence ${edge.seq} is marked.`;
    } catch (error) {
      note.textContent = error.retryAfter ? `${error.message} Try again in ${error.retryAfter} s.` : error.message;
    }
  }

  function stopViews() {
    views.forEach((view) => view.stop());
    views = new Map();
    hot = -1;
  }

  const refresh = () => {
    if (!cloud || !mine() || !cloud.layouts.length) return;
    recolour();
    showControls();
    views.forEach((view) => view.recolour());
  };
  store.on(["tab", "layer", "head", "land"], () => {
    if (mine()) load();
    else if (cloud && `${store.state.layer},${store.state.head}` !== loaded) {
      stopViews();
      cloud = null;
      loaded = "";
      fill(grid);
    }
  });
  store.on(["cloud", "spaces", "flat", "themeName"], build);
  store.on(["paint", "rule", "side"], refresh);
  store.on(["headVersion"], () => painted() === "attention" && refresh());
  store.on(["point"], () => {
    if (!cloud || !mine()) return;
    views.forEach((view) => view.recolour());
    mark();
    text.show(pointOf());
  });
  load();
  return root;
}
