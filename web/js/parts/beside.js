// SPDX-License-Identifier: Apache-2.0
// A sequence as the second head sees it, beside the open head's view of it.

import { el } from "../core/dom.js";
import { createTokens } from "./tokens.js";

/**
 * Two columns: `view` of the open head and, once its pattern is there, the second head's. `options` are what createTokens
 * takes. Answers the element and `view()` of the second column (null while there is none).
 * @param {import("../core/app.js").App} app
 * @param {string} id
 * @param {import("./card.js").Tokens} view
 * @param {Parameters<typeof createTokens>[2]} options
 */
export function createBeside(app, id, view, options) {
  const { compare } = app;
  /** @type {import("./card.js").Tokens | null} */
  let other = null;
  let over = false;
  const column = el("div", { class: "beside-column" }, el("b", { class: "beside-name" }, compare.name));
  const waiting = el("p", { class: "dim", role: "status" }, "…");
  column.append(waiting);
  app.own(() => (over = true));
  compare.sequence(id).then((sequence) => {
    if (over) return;
    if (!sequence) {
      waiting.textContent = `${compare.name} does not store this sequence: each head keeps a sample of its own. make serve can run it.`;
      return;
    }
    other = createTokens(app, sequence, { ...options, onFocus: (i) => view.point(i) });
    waiting.replaceWith(other.root);
  }).catch((error) => over || (waiting.textContent = error.message));
  return {
    root: el("div", { class: "beside" },
      el("div", { class: "beside-column" }, el("b", { class: "beside-name" }, app.headName()), view.root), column),
    view: () => other,
  };
}
