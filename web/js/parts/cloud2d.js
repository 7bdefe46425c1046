// SPDX-License-Identifier: Apache-2.0
// One projection panel in two dimensions: hover, press, move, zoom, lasso.

import { oncePerFrame } from "../core/dom.js";
import { createCanvas } from "../plots/canvas.js";
import { centred, cloudScene, nearestAlong, nearestPoint, placeLine, placeNames, placePoints, unitOf, WHOLE, zoomedAt } from "../plots/cloud.js";
import { cameraAxes, frame, inside, project } from "../pure/cloud.js";
import { ARROWS } from "../pure/near.js";

/**
 * @typedef {import("../plots/canvas.js").At} At
 * @typedef {import("../plots/cloud.js").Lens} Lens
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("./clouds.js").Watched} Watched
 */

/**
 * As createCloud3d; `lassoing()` says whether a drag draws a lasso, whose points `onLasso` hears;
 * `labels()` names groups of points, as {text, points}; `regions(flat)` are lines in the plane and more such names, null for
 * none; `lens` is where the view starts, `onLens` hears where it goes.
 * @param {HTMLElement} holder
 * @param {Watched & {lens: Lens, onLasso: (points: number[]) => void, onLens: (lens: Lens) => void, lassoing: () => boolean,
 *   label: string, labels?: () => {text: string, points: number[]}[],
 *   regions?: (flat: Float32Array) => ReturnType<typeof import("./regions.js").regionsOfCloud> | null}} options
 */
export function createCloud2d(
  holder, {
    xyz, look, colours, camera, lens: start, onHover, onPress, onLasso, onLens, lassoing, label, labels = () => [], regions = () => null,
  },
) {
  const size = frame(xyz);
  let flat = centred(project(xyz, size, cameraAxes(camera().eye, camera().up)));
  let lens = start;
  let extent = { width: 1, height: 1 };
  let places = new Float32Array(0);
  /** @type {{from: At, lens: Lens, far: boolean, path: At[] | null} | null} */
  let drag = null;
  let marks = { hot: -1, chosen: -1 };

  const canvas = createCanvas(holder, {
    label, focusable: true,
    draw: (width, height) => {
      extent = { width, height };
      places = placePoints(flat, { width, height, lens });
      const dense = regions(flat);
      return cloudScene({
        places, look: look(), width, height, colours: colours(), labels: placeNames([...labels(), ...dense?.names ?? []], places),
        lines: dense?.lines.map(({ level, path }) => ({ level, points: placeLine(path, flat, { width, height, lens }) })),
      });
    },
    over: (width, height) => ({ width, height, marks: overMarks() }),
  });

  function overMarks() {
    /** @type {(i: number, r: number, stroke: string) => Mark[]} */
    const ring = (i, r, stroke) => (i >= 0 && Number.isFinite(places[2 * i]) ? [{
      kind: "circle", x: places[2 * i], y: places[2 * i + 1], r, stroke, width: 2,
    }] : []);
    const out = [...ring(marks.hot, 6, colours().ink), ...ring(marks.chosen, 7, colours().ring)];
    if (drag?.path) out.push({
      kind: "line", points: drag.path.flat(), stroke: colours().accent, width: 1.5, dash: [4, 3],
      fill: "rgba(70,130,190,0.12)",
    });
    return out;
  }

  const setLens = (/** @type {Lens} */ next) => {
    lens = next;
    canvas.redraw();
    onLens(lens);
  };
  /**
   * The view moved by pixels.
   * @type {(from: Lens, dx: number, dy: number) => Lens}
   */
  const moved = (from, dx, dy) => {
    const unit = unitOf(flat, { ...extent, lens: from });
    return { ...from, x: from.x - dx / unit, y: from.y + dy / unit };
  };
  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => {
    const at = canvas.at(event);
    if (drag?.path) {
      drag.path.push(at);
      canvas.redrawOver();
    } else if (drag) {
      drag.far ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > 4;
      if (drag.far) {
        setLens(moved(drag.lens, at[0] - drag.from[0], at[1] - drag.from[1]));
      }
    } else onHover(nearestPoint(places, ...at), event);
  }));
  target.addEventListener("pointerleave", () => onHover(-1));
  target.addEventListener("pointerdown", (event) => {
    const at = canvas.at(event);
    drag = { from: at, lens, far: false, path: lassoing() ? [at] : null };
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointerup", (event) => {
    const done = drag;
    drag = null;
    if (!done) return;
    if (done.path) {
      canvas.redrawOver();
      const found = [];
      for (let i = 0; i < places.length / 2; i++) if (inside(
        places[2 * i], places[2 * i + 1], done.path,
      )) found.push(i);
      onLasso(found);
    } else if (!done.far) onPress(nearestPoint(places, ...canvas.at(event)));
  });
  target.addEventListener("pointercancel", () => (drag = null));
  target.addEventListener("wheel", (event) => {
    if (event.ctrlKey) return;
    event.preventDefault();
    const [x, y] = canvas.at(event);
    const unit = unitOf(flat, { ...extent, lens });
    const factor = event.deltaY > 0 ? 1 / 1.15 : 1.15;
    setLens(zoomedAt(lens, factor, lens.x + (x - extent.width / 2) / unit, lens.y - (y - extent.height / 2) / unit));
  }, { passive: false });
  target.addEventListener("dblclick", () => setLens(WHOLE));
  target.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (step && event.shiftKey) setLens(moved(lens, -40 * step[0], -40 * step[1]));
    else if (step) walk(step);
    else if (event.key === "+" || event.key === "=") setLens(zoomedAt(lens, 1.4, lens.x, lens.y));
    else if (event.key === "-") setLens(zoomedAt(lens, 1 / 1.4, lens.x, lens.y));
    else if (event.key === "0") setLens(WHOLE);
    else if (event.key === "Enter" && marks.hot >= 0) onPress(marks.hot);
    else return;
    event.preventDefault();
  });
  target.addEventListener("blur", () => onHover(-1));

  /**
   * To the next point that way from the one that is marked.
   * @param {number[]} step
   */
  function walk(step) {
    const from = marks.hot >= 0 ? marks.hot : marks.chosen;
    const next = from < 0
      ? nearestPoint(places, extent.width / 2, extent.height / 2, Infinity)
      : nearestAlong(places, from, step);
    if (next < 0) return;
    marks = { ...marks, hot: next }; // at once: Enter may follow before the next frame
    onHover(next, canvas.inWindow(places[2 * next], places[2 * next + 1]));
  }

  return {
    recolour: canvas.redraw,
    /** @type {import("./clouds.js").View["mark"]} */
    mark(next) {
      marks = next;
      canvas.redrawOver();
    },
    /** @param {import("../pure/cloud.js").Camera} next */
    turn(next) {
      flat = centred(project(xyz, size, cameraAxes(next.eye, next.up)));
      canvas.redraw();
    },
    get scene() {
      return canvas.whole;
    },
    stop: canvas.stop,
  };
}

/**
 * The drawing of points under a camera, for the exports of a 3-D panel.
 * @param {{xyz: Float32Array, look: ReturnType<Watched["look"]>, camera: import("../pure/cloud.js").Camera,
 *   colours: import("../core/app.js").Colours, size: number, chosen: number}} options
 */
export function flatScene({ xyz, look, camera, colours, size, chosen }) {
  const flat = centred(project(xyz, frame(xyz), cameraAxes(camera.eye, camera.up)));
  const places = placePoints(flat, { width: size, height: size });
  const scene = cloudScene({ places, look, width: size, height: size, colours });
  if (chosen >= 0) scene.marks.push({
    kind: "circle", x: places[2 * chosen], y: places[2 * chosen + 1], r: 7, stroke: colours.ring, width: 2,
  });
  return scene;
}
