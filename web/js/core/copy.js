// SPDX-License-Identifier: Apache-2.0
// Copies a text and says so on the button that was pressed.

import { button } from "./dom.js";

const SAID_MS = 1500;

/**
 * A button that copies `text()`; where there is no clipboard it says `refused` instead.
 * @param {string} label
 * @param {() => string} text
 * @param {import("./dom.js").Props} props
 */
export function copyButton(label, text, props = {}, refused = "No clipboard") {
  const node = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text());
      node.textContent = "Copied";
    } catch {
      node.textContent = refused;
    }
    setTimeout(() => (node.textContent = label), SAID_MS);
  }, props);
  return node;
}
