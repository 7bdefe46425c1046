// SPDX-License-Identifier: Apache-2.0
// The one tooltip of the page: beside the pointer, or under a focused element.

import { el, fill } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/** {show(x, y, ...children), hide(), on(element, text)} */
export function createTip() {
  const node = el("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
  document.body.append(node);

  /**
   * @param {number} x
   * @param {number} y
   * @param {Child[]} children
   */
  function show(x, y, ...children) {
    fill(node, ...children);
    node.hidden = false;
    const { width, height } = node.getBoundingClientRect();
    const left = x + 14 + width > innerWidth ? Math.max(4, x - width - 14) : x + 14;
    const top = y + 16 + height > innerHeight ? Math.max(4, y - height - 12) : y + 16;
    node.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
  const hide = () => {
    node.hidden = true;
  };
  addEventListener("scroll", hide, { capture: true, passive: true });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());

  return {
    show,
    hide,
    /**
     * Shows `text` (a string or a function of none) on hover and focus of an element.
     * @template {HTMLElement} T
     * @param {T} element
     * @param {Child | (() => Child)} text
     */
    on(element, text) {
      const read = () => (typeof text === "function" ? text() : text);
      const open = () => {
        const box = element.getBoundingClientRect();
        if (!read()) return;
        show(box.left, box.bottom - 8, read());
        element.setAttribute("aria-describedby", node.id);
      };
      const close = () => {
        hide();
        element.removeAttribute("aria-describedby");
      };
      element.addEventListener("pointerenter", open);
      element.addEventListener("focus", () => element.matches(":focus-visible") && open());
      element.addEventListener("pointerleave", close);
      element.addEventListener("blur", close);
      return element;
    },
  };
}
