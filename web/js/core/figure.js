// SPDX-License-Identifier: Apache-2.0
// A drawing on its way into a paper: in the light theme, under a title, over a caption, as wide as the column.

import { button, el, fill } from "./dom.js";
import { savePng, saveSvg } from "./exports.js";
import { createCrop } from "./figurecrop.js";
import { drawScene } from "../pure/scene.js";
import { figureScene } from "../pure/figure.js";

/** @typedef {import("./app.js").Scene} Scene */

const WIDE = 640; // units of a scene beyond which its letters would be small in a column of two

/**
 * Asks how a figure shall be and saves it. `read` answers what draws it, when all that it needs is there; of a text that can
 * be cropped it is told the stretches that are wanted, null for all of it.
 * @param {import("./app.js").App} app
 * @param {{file: string, title: string, crop?: import("./figurecrop.js").Text,
 *   read: (crop: import("../pure/crop.js").Stretch[] | null) => Promise<() => Scene | null | undefined>}} options
 */
export async function openFigure(app, { file, title, crop, read }) {
  /** @type {Scene | null | undefined} */
  let drawn = null;
  const heading = el("input", { value: title, "aria-label": "Title of the figure" });
  const caption = el("textarea", { rows: 2, value: app.tree.config.model_name ?? "", "aria-label": "Caption of the figure" });
  const width = el("input", { type: "number", min: 20, max: 400, value: 85, "aria-label": "Width in millimetres" });
  const part = crop?.ends.length ? createCrop(crop, () => draw()) : null;
  const preview = el("div", { class: "figure-preview" });
  /** @param {Scene} scene */
  const made = (scene) => figureScene(scene, {
    title: heading.value, caption: caption.value, ink: app.theme.inLight(() => app.theme.colours.ink),
  });
  const millimetres = () => Math.min(400, Math.max(20, Number(width.value) || 85));
  const saves = [
    button("Save SVG", () => drawn && saveSvg(file, made(drawn), heading.value, millimetres()), { class: "primary", disabled: true }),
    button("Save PNG", () => drawn && savePng(file, made(drawn), millimetres()), { class: "primary", disabled: true }),
  ];
  const dialog = el("dialog", { class: "figure", "aria-label": "Figure" }, el("form", { method: "dialog" },
    el("label", {}, "Title ", heading), el("label", {}, "Caption ", caption),
    el("label", {}, "Width ", width, " mm (85 is a column of two, 170 both)"), part?.root,
    el("div", { class: "row" }, saves, el("button", { type: "submit" }, "Close"))), preview);
  // Enter is meant for the field: the form's only button of that kind closes it.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change"));
  });
  function show() {
    if (!drawn) return;
    const scene = made(drawn);
    const canvas = el("canvas", { role: "img", "aria-label": "Preview of the figure", width: 2 * scene.width, height: 2 * scene.height });
    drawScene(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), scene, 2);
    fill(preview, canvas);
  }
  for (const field of [heading, caption]) field.addEventListener("input", show);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  await draw();
  if (drawn && /** @type {Scene} */ (drawn).width > WIDE) width.value = "170";

  async function draw() {
    drawn = null;
    for (const save of saves) save.disabled = true;
    fill(preview, el("p", { class: "dim", role: "status" }, el("span", { class: "spinner" }), "Drawing …"));
    try {
      drawn = app.theme.inLight(await read(part?.stretches() ?? null));
      if (!drawn) throw new Error("There is nothing to draw yet: close this, and try again when the panel shows something.");
      for (const save of saves) save.disabled = false;
      show();
    } catch (error) {
      fill(preview, el("p", { class: "error", role: "alert" }, error.message));
    }
  }
}
