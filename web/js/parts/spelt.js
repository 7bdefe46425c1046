// SPDX-License-Identifier: Apache-2.0
// A character over the byte tokens that spell it, as elements.

import { el } from "../core/dom.js";
import { broken } from "../pure/format.js";

/**
 * What tokens spell together, over `tokens`, the element of each.
 * @param {import("../pure/spelling.js").Spelt} whole
 * @param {HTMLElement[]} tokens
 */
export function speltNode({ text, rtl }, tokens) {
  const character = text.trim();
  const [before, after] = text.split(character || "\0");
  return el("span", { class: rtl ? "spelt rtl" : "spelt" }, broken(before),
    el("span", { class: "spelt-box", dir: rtl ? "rtl" : "ltr" },
      el("span", { class: "whole" }, character), el("span", { class: "bytes" }, tokens)), broken(after ?? ""));
}
