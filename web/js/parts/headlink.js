// SPDX-License-Identifier: Apache-2.0
// The name of another head: a link where the tree has it.

import { button, el } from "../core/dom.js";
import { address } from "../pure/format.js";

/**
 * A link where the tree has the head, its name otherwise.
 * @param {import("../core/app.js").App} app
 * @param {import("../pure/shapes.js").Address} place
 * @param {() => unknown} open what the link does
 */
export function headLink(app, { layer, head }, open = () => app.goTo(layer, head)) {
  const name = address(layer, head);
  if (!app.heads.row(layer, head)) return el("span", { class: "dim" }, name);
  return button(name, open, {
    class: "link", on: { pointerenter: () => app.setHot(name), pointerleave: () => app.setHot("") },
  });
}

/**
 * A cell with a bar of this share of its width, for eyes only.
 * @param {number} share 0 to 1
 */
export function barCell(share) {
  const filled = el("span", { class: "bar" });
  filled.style.width = `${100 * share}%`;
  return el("td", { class: "bar-cell", "aria-hidden": "true" }, filled);
}
