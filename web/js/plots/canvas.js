// SPDX-License-Identifier: Apache-2.0
// A canvas that follows its element's size and the screen's pixel density.

import { drawScene } from "../pure/scene.js";
import { el } from "../core/dom.js";

const TYPE = 13.2; // size of the page's type, in pixels, at which a unit of a scene is a pixel

/** Pixels of a unit of a scene: on large screens drawings grow as the page's type does. */
export const sceneUnit = () => Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / TYPE);

/**
 * A canvas in `holder` that redraws when its size changes: `draw(width, height)`, in scene units, answers a scene.
 * `over` (optional) answers a second scene on a layer above, for what follows the pointer.
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {(width: number, height: number) => Scene} Draw
 * @typedef {[number, number]} At a place, in scene units
 * @param {HTMLElement} holder
 * @param {{label: string, draw: Draw, over?: Draw | null, focusable?: boolean}} options
 */
export function createCanvas(
  holder, { label, draw, over = null, focusable = false },
) {
  const layers = [el("canvas", { role: "img", "aria-label": label, tabIndex: focusable ? 0 : -1 })];
  if (over) layers.push(el("canvas", { class: "over", "aria-hidden": "true" }));
  holder.classList.add("canvas");
  holder.append(...layers);
  let size = { width: 0, height: 0 };
  let unit = 1;
  /** @type {import("../pure/scene.js").Scene | null} */
  let scene = null;

  /**
   * @param {HTMLCanvasElement} layer
   * @param {Scene} made
   */
  function paint(layer, made) {
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(size.width * scale), Math.round(size.height * scale)];
    if (layer.width !== width || layer.height !== height) Object.assign(layer, { width, height });
    drawScene(/** @type {CanvasRenderingContext2D} */ (layer.getContext("2d")), made, scale * unit);
  }
  function redraw() {
    if (size.width < 2 || size.height < 2) return;
    unit = sceneUnit();
    scene = draw(size.width / unit, size.height / unit);
    paint(layers[0], scene);
    if (over) redrawOver();
  }
  function redrawOver() {
    if (over && size.width >= 2 && size.height >= 2) paint(layers[1], over(size.width / unit, size.height / unit));
  }
  const observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry.contentRect;
    if (Math.abs(width - size.width) < 0.5 && Math.abs(height - size.height) < 0.5) return;
    size = { width, height };
    redraw();
  });
  observer.observe(holder);

  return {
    element: layers[0],
    redraw,
    redrawOver,
    /** What is on screen, drawn anew for the exports: in the theme that holds now. */
    get scene() {
      return scene && draw(scene.width, scene.height);
    },
    /** The same with what is on the layer above. */
    get whole() {
      const drawn = scene && draw(scene.width, scene.height);
      return drawn && over ? { ...drawn, marks: [...drawn.marks, ...over(drawn.width, drawn.height).marks] } : drawn;
    },
    setLabel: (/** @type {string} */ text) => layers[0].setAttribute("aria-label", text),
    /**
     * Pointer position in scene units.
     * @param {{clientX: number, clientY: number}} event
     * @returns {At}
     */
    at(event) {
      const box = layers[0].getBoundingClientRect();
      return [(event.clientX - box.left) / unit, (event.clientY - box.top) / unit];
    },
    /**
     * Where a place of the scene is in the window.
     * @param {number} x
     * @param {number} y
     */
    inWindow(x, y) {
      const box = layers[0].getBoundingClientRect();
      return { clientX: box.left + x * unit, clientY: box.top + y * unit };
    },
    stop: () => observer.disconnect(),
  };
}
