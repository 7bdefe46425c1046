// SPDX-License-Identifier: Apache-2.0
// The keyboard: one table of keys, the momentary Alt, and nothing of anybody else's chords.

import { isTyping } from "./dom.js";

/**
 * Binds `table` ({key: {says, run(event)}}) to the page. Keys with Ctrl or Cmd and keys typed into
 * a field stay the browser's. `alt(held)` follows the Alt key; it is let go when the window loses
 * the focus, since its keyup then never comes.
 * @param {import("./app.js").Keys} table
 * @param {(held: boolean) => void} alt
 */
export function bindKeys(table, alt) {
  let held = false;
  const hold = (/** @type {boolean} */ value) => {
    if (held === value) return;
    held = value;
    alt(value);
  };
  addEventListener("keydown", (event) => {
    if (event.key === "Alt" && !event.ctrlKey && !event.metaKey && !isTyping(event.target)) {
      hold(true);
      event.preventDefault(); // on some systems Alt alone would open the menu bar
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    const action = table[event.key] ?? table[event.key.toLowerCase()];
    if (!action) return;
    if (action.run(event) !== false) event.preventDefault();
  });
  addEventListener("keyup", (event) => event.key === "Alt" && hold(false));
  addEventListener("blur", () => hold(false));
  document.addEventListener("visibilitychange", () => document.hidden && hold(false));
  // A mouse move without Alt is proof that it was let go somewhere else.
  addEventListener("pointermove", (event) => held && !event.altKey && hold(false));
}
