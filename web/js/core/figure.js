// SPDX-License-Identifier: Apache-2.0
// A drawing on its way into a paper: in the light theme, under a title, over a caption, as wide as the column.

import { button, el, fill } from "./dom.js";
import { savePng, saveSvg } from "./exports.js";
import { drawScene } from "../pure/scene.js";
import { figureScene } from "../pure/figure.js";

/**
 * Asks how the figure of `scene` shall be and saves it. The fields keep what was last written for the same drawing.
 * @param {import("./app.js").App} app
 * @param {{file: string, title: string, scene: () => import("../pure/scene.js").Scene | null | undefined}} options
 */
export function openFigure(app, { file, title, scene }) {
  const drawn = app.theme.inLight(scene);
  if (!drawn) return;
  const heading = el("input", { value: title, "aria-label": "Title of the figure" });
  const caption = el("textarea", { rows: 2, value: app.tree.config.model_name ?? "", "aria-label": "Caption of the figure" });
  const width = el("input", { type: "number", min: 20, max: 400, value: 85, "aria-label": "Width in millimetres" });
  const preview = el("div", { class: "figure-preview" });
  const made = () => figureScene(drawn, {
    title: heading.value, caption: caption.value, ink: app.theme.inLight(() => app.theme.colours.ink),
  });
  const millimetres = () => Math.min(400, Math.max(20, Number(width.value) || 85));
  const dialog = el("dialog", { class: "figure", "aria-label": "Figure" }, el("form", { method: "dialog" },
    el("label", {}, "Title ", heading), el("label", {}, "Caption ", caption),
    el("label", {}, "Width ", width, " mm (85 is a column of two, 170 both)"),
    el("div", { class: "row" },
      button("Save SVG", () => saveSvg(file, made(), heading.value, millimetres()), { class: "primary" }),
      button("Save PNG", () => savePng(file, made(), millimetres()), { class: "primary" }),
      el("button", { type: "submit" }, "Close"))), preview);
  const show = () => {
    const canvas = el("canvas", { role: "img", "aria-label": "Preview of the figure" });
    const { width: w, height: h } = made();
    Object.assign(canvas, { width: 2 * w, height: 2 * h });
    drawScene(canvas.getContext("2d"), made(), 2);
    fill(preview, canvas);
  };
  for (const field of [heading, caption]) field.addEventListener("input", show);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  show();
}
