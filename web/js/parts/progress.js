// SPDX-License-Identifier: Apache-2.0
// How much of a large file has come.

import { el } from "../core/dom.js";

/**
 * The megabytes that are there, while more are on their way; for as long as the place it is in lasts.
 * @param {import("../core/app.js").App} app
 */
export function progress(app) {
  const node = el("span", { class: "dim" });
  const show = () => {
    const { readBytes } = app.store.state;
    node.textContent = readBytes ? ` ${(readBytes / 1e6).toFixed(1)} MB` : "";
  };
  app.on(["readBytes"], show);
  show();
  return node;
}
