// SPDX-License-Identifier: Apache-2.0
// One projection panel in two dimensions: hover, press, move, zoom, lasso.

import { oncePerFrame } from "../core/dom.js";
import { createCanvas } from "../plots/canvas.js";
import { cloudScene, nearestPoint, placePoints } from "../plots/cloud.js";
import { cameraAxes, frame, inside, project } from "../pure/cloud.js";

/** As createCloud3d; `lassoing()` says whether a drag draws a lasso, whose points `onLasso` hears. */
export function createCloud2d(holder, { xyz, look, colours, camera, onHover, onPress, onLasso, lassoing, label }) {
  const size = frame(xyz);
  let flat = project(xyz, size, cameraAxes(camera().eye, camera().up));
  let pan = [0, 0];
  let zoom = 1;
  let places = new Float32Array(0);
  let drag = null;
  let marks = { hot: -1, chosen: -1 };

  const canvas = createCanvas(holder, {
    label,
    draw: (width, height) => {
      places = placePoints(flat, { width, height, zoom, pan });
      return cloudScene({ places, look: look(), width, height, colours: colours() });
    },
    over: (width, height) => ({ width, height, marks: overMarks() }),
  });

  function overMarks() {
    /** @returns {import("../plots/scene.js").Mark[]} */
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

  const target = canvas.element;
  target.addEventListener("pointermove", oncePerFrame((event) => {
    const at = canvas.at(event);
    if (drag?.path) {
      drag.path.push(at);
      canvas.redrawOver();
    } else if (drag) {
      drag.far ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > 4;
      if (drag.far) {
        pan = [drag.pan[0] + at[0] - drag.from[0], drag.pan[1] + at[1] - drag.from[1]];
        canvas.redraw();
      }
    } else onHover(nearestPoint(places, ...at), event);
  }));
  target.addEventListener("pointerleave", () => onHover(-1));
  target.addEventListener("pointerdown", (event) => {
    const at = canvas.at(event);
    drag = { from: at, pan, far: false, path: lassoing() ? [at] : null };
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
    zoom = Math.min(40, Math.max(0.5, zoom * (event.deltaY > 0 ? 1 / 1.15 : 1.15)));
    canvas.redraw();
  }, { passive: false });
  target.addEventListener("dblclick", () => {
    zoom = 1;
    pan = [0, 0];
    canvas.redraw();
  });

  return {
    recolour: canvas.redraw,
    mark(next) {
      marks = next;
      canvas.redrawOver();
    },
    turn(next) {
      flat = project(xyz, size, cameraAxes(next.eye, next.up));
      canvas.redraw();
    },
    get scene() {
      return canvas.scene && { ...canvas.scene, marks: [...canvas.scene.marks, ...overMarks()] };
    },
    stop: canvas.stop,
  };
}

/** The drawing of points under a camera, for the exports of a 3-D panel. */
export function flatScene({ xyz, look, camera, colours, size, chosen }) {
  const flat = project(xyz, frame(xyz), cameraAxes(camera.eye, camera.up));
  const places = placePoints(flat, { width: size, height: size });
  const scene = cloudScene({ places, look, width: size, height: size, colours });
  if (chosen >= 0) scene.marks.push({
    kind: "circle", x: places[2 * chosen], y: places[2 * chosen + 1], r: 7, stroke: colours.ring, width: 2,
  });
  return scene;
}
