// SPDX-License-Identifier: Apache-2.0
// The panels of a cloud, one a space, all seen by one camera and marked together.

import { el, oncePerFrame } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { readLenses, WHOLE, writeLenses } from "../plots/cloud.js";
import { withLegend } from "../plots/legend.js";
import { explainedWords, SPACE_NAMES } from "../pure/cloud.js";
import { membership } from "../pure/clusters.js";
import { legendOf } from "../pure/paint.js";
import { createCloud2d, flatScene } from "./cloud2d.js";
import { createCloud3d } from "./cloud3d.js";
import { cloudPair, secondCloud } from "./cloudfigure.js";
import { namesOf, pointsOf } from "./cloudpaint.js";
import { regionsOfCloud } from "./regions.js";

const CAMERA = { eye: { x: 1, y: 1, z: 0.85 }, up: { x: 0, y: 0, z: 1 }, center: { x: 0, y: 0, z: 0 } };
const FACE = { eye: { x: 0, y: 0, z: 2 }, up: { x: 0, y: 1, z: 0 }, center: { x: 0, y: 0, z: 0 } };

/**
 * The camera an `eye` value names, else the usual one.
 * @param {string} eye
 */
function cameraOf(eye) {
  const [x, y, z] = eye.split(",").map(Number);
  const given = eye !== "" && [x, y, z].every((v) => Math.abs(v) < 20) && Math.hypot(x, y, z) > 0.05;
  return given ? { ...CAMERA, eye: { x, y, z } } : CAMERA;
}

/**
 * @typedef {import("../core/app.js").Colours} Colours
 * @typedef {import("../pure/cloud.js").Camera} Camera
 * @typedef {ReturnType<typeof import("./cloudmodel.js").createCloudModel>} Model
 * @typedef {{model: Model, layout: import("./cloudmodel.js").Layout, spaces: string[], flat: boolean, colors: string[], clusters: import("../pure/clusters.js").Cluster[],
 *   labels: import("../pure/clusters.js").Cluster[], chosen: number,
 *   lasso: boolean, paint: string}} Shown what the panels show now
 * @typedef {{recolour: () => unknown, mark: (marks: {hot: number, chosen: number}) => void, turn: (camera: Camera) => unknown,
 *   readonly scene?: import("../core/app.js").Scene | null, stop?: () => void}} View
 * @typedef {{clientX: number, clientY: number, type?: string}} Spot a place of the window, or an event there
 * @typedef {{xyz: Float32Array, look: () => {colors: string[], dim: boolean}, colours: () => Colours, camera: () => Camera,
 *   onHover: (i: number, at?: Spot) => void, onPress: (i: number) => void}} Watched points as a panel draws them, and who is told of them
 */

/**
 * `shown()` is what to draw; `hear` what happens in the panels: summary(i) of a hovered point, press(i), lasso(points),
 * fail(message) when the third dimension cannot be had.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/place.js").Place} place where the panels are put
 * @param {() => Shown} shown
 * @param {{summary: (i: number) => Node, press: (i: number) => void, lasso: (points: number[]) => void,
 *   fail: (message: string) => void}} hear
 */
export function createClouds(app, place, shown, hear) {
  const { store, tip } = app;
  /** @type {Map<string, View>} */
  let views = new Map();
  let camera = store.state.flat ? FACE : cameraOf(store.state.eye);
  let hot = -1;
  let owned = ""; // the lenses the panels stand at

  const look = () => ({ colors: shown().colors, dim: shown().chosen >= 0 });
  const mark = oncePerFrame(() => views.forEach((view) => view.mark({ hot, chosen: shown().chosen })));

  /**
   * @param {number} i
   * @param {Spot | undefined} event
   * @param {HTMLElement} holder
   */
  function setHot(i, event, holder) {
    if (i === hot && i < 0) return;
    hot = i;
    mark();
    if (i < 0) return tip.hide();
    const box = holder.getBoundingClientRect();
    const summary = hear.summary(i);
    // A place without an event's type was reached by keys.
    if (event && !event.type) app.say(summary.textContent ?? "");
    return tip.show(event?.clientX ?? box.left + 8, event?.clientY ?? box.top - 8, summary);
  }
  /**
   * @param {Camera} next
   * @param {string} from
   */
  function turnAll(next, from) {
    camera = next;
    const { x, y, z } = next.eye;
    store.set({ eye: [x, y, z].map((v) => +v.toFixed(3)).join(",") });
    for (const [space, view] of views) if (space !== from) view.turn(next);
  }
  /**
   * @param {string} space
   * @param {import("../plots/cloud.js").Lens} lens
   */
  function setLens(space, lens) {
    owned = writeLenses({ ...readLenses(store.state.lens), [space]: lens });
    store.set({ lens: owned });
  }
  /**
   * `make` of the last points it was asked for, while regions are shown; null while they are not.
   * @param {(flat: Float32Array) => ReturnType<typeof regionsOfCloud>} make
   */
  function remembered(make) {
    /** @type {Float32Array | null} */
    let of = null;
    /** @type {ReturnType<typeof regionsOfCloud> | null} */
    let made = null;
    return (/** @type {Float32Array} */ flat) => {
      if (!store.state.regions) return null;
      if (of !== flat) [of, made] = [flat, make(flat)];
      return made;
    };
  }
  /**
   * The panel as a drawing: in 3-D the same points under the same camera.
   * @param {string} space
   */
  function sceneOf(space) {
    const { model, layout, chosen } = shown();
    return views.get(space)?.scene ?? flatScene({
      xyz: model.positions(layout, space), look: look(), camera, colours: app.theme.colours, size: 640, chosen,
    });
  }

  /**
   * The panel for a paper: with what its colours mean, and beside it the second head's where there is one.
   * @param {string} space
   */
  async function figureOf(space) {
    const { model, layout, clusters, paint, flat } = shown();
    if (!app.compare.head) return () => withLegend(sceneOf(space), legendOf(paint, pointsOf(app, model, clusters)), app.theme.colours);
    const other = await secondCloud(app);
    const own = { name: app.headName(), model, clusters };
    return () => cloudPair(app, [own, other], { space, layout: layout.name, camera, paint, regions: flat && store.state.regions });
  }

  /**
   * @param {import("../core/app.js").App} app
   * @param {string} space
   */
  function panelOf(app, space) {
    const { model, layout, flat } = shown();
    const holder = el("div", { class: "plot plot-cloud" });
    const panel = createPanel(app, {
      name: `cloud-${space}`, title: `${space} · ${SPACE_NAMES[space]}`,
      give: { scene: () => sceneOf(space), figure: () => figureOf(space), table: () => tableOf(shown(), space) },
    });
    panel.body.append(holder);
    const explained = layout.name === "pca" ? explainedWords(model.cloud.explained[space]) : null;
    if (explained) panel.controls.append(tip.on(el("span", { class: "dim" }, explained.total), explained.axes));
    const options = {
      xyz: model.positions(layout, space), look, colours: () => app.theme.colours, camera: () => camera,
      label: `Projection of the ${SPACE_NAMES[space]} space, ${model.total} points`,
      onHover: (/** @type {number} */ i, /** @type {Spot | undefined} */ event) => setHot(i, event, holder),
      labels: () => namesOf(shown().model, shown().labels), regions: remembered((/** @type {Float32Array} */ flat) => regionsOfCloud(model, flat)), onPress: hear.press, onLasso: hear.lasso, lassoing: () => shown().lasso,
      onCamera: (/** @type {Camera} */ next) => turnAll(next, space),
      lens: readLenses(store.state.lens)[space] ?? WHOLE,
      onLens: (/** @type {import("../plots/cloud.js").Lens} */ lens) => setLens(space, lens),
    };
    if (!flat) open3d(app, space, holder, options);
    else {
      const view = createCloud2d(holder, options);
      app.own(view.stop);
      views.set(space, view);
    }
    return panel.root;
  }

  /**
   * @param {import("../core/app.js").App} app
   * @param {string} space
   * @param {HTMLElement} holder
   * @param {Parameters<typeof createCloud3d>[1]} options
   */
  function open3d(app, space, holder, options) {
    const waiting = { recolour() {}, mark() {}, turn() {} };
    views.set(space, waiting);
    const isGone = () => views.get(space) !== waiting;
    createCloud3d(holder, options).then((view) => {
      app.own(view.stop);
      if (isGone()) return;
      views.set(space, view);
      view.mark({ hot, chosen: shown().chosen });
    }).catch((error) => isGone() || hear.fail(error.message));
  }

  return {
    mark,
    /** Draws all panels anew. */
    build() {
      this.forget();
      place.fill((app) => shown().spaces.map((space) => panelOf(app, space)));
    },
    recolour: () => views.forEach((view) => view.recolour()),
    forget() {
      place.empty();
      views = new Map();
      hot = -1;
    },
    /**
     * Looks from the front in two dimensions, from where the state says in three.
     * @param {boolean} flat
     */
    face(flat) {
      camera = flat ? FACE : cameraOf(store.state.eye);
    },
    /** Whether the panels stand where the state's lenses say. */
    get isInPlace() {
      return store.state.lens === owned;
    },
  };
}

/**
 * The points of a panel, where they lie and whose they are.
 * @param {Shown} shown
 * @param {string} space
 */
function tableOf({ model, layout, clusters }, space) {
  const xyz = model.positions(layout, space);
  const of = membership(clusters, model.total, model.identity);
  const rows = Array.from({ length: model.total }, (_, i) => [
    ...model.identity(i), ...xyz.subarray(3 * i, 3 * i + 3),
    of[i] >= 0 ? clusters[of[i]].name : "", i >= model.cloud.n,
  ].map((v) => (Number.isNaN(v) ? null : v)));
  return { columns: ["seq_idx", "query", "key", "d0", "d1", "d2", "cluster", "projected"], rows };
}
