// SPDX-License-Identifier: Apache-2.0
// What a screen reader is told of things that are drawn, and so have no element of their own.

import { el } from "./dom.js";

/**
 * Answers say(text); the latest text counts.
 * @returns {(text: string) => void}
 */
export function createSpeech() {
  const node = el("p", { class: "unseen", role: "status" });
  document.body.append(node);
  return (text) => {
    if (node.textContent !== text) node.textContent = text;
  };
}
