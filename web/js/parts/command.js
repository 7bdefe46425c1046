// SPDX-License-Identifier: Apache-2.0
// Sentences that hold commands.

import { copyButton } from "../core/copy.js";
import { el } from "../core/dom.js";
import { splitCommands } from "../pure/commands.js";

/**
 * A sentence whose commands can be copied.
 * @param {string} sentence
 */
export function withCommands(sentence, className = "") {
  return el("p", { class: className || null }, splitCommands(sentence).map(({ text, command }) => (command
    ? el("span", { class: "command" }, el("code", {}, text), copyButton("Copy", () => text, {
      class: "small", "aria-label": `Copy ${text}`,
    }))
    : text)));
}
