// SPDX-License-Identifier: Apache-2.0
// The text around a point of the cloud, its query and key marked.

import { button, el, fill } from "../core/dom.js";
import { number } from "../pure/format.js";
import { textOnly } from "../pure/sequence.js";
import { named } from "../pure/spelling.js";
import { edgeText } from "./edgetext.js";
import { edgeLines } from "./tokentip.js";

/**
 * `points()` is the cloud model the numbers of points refer to.
 * @param {import("../core/app.js").App} app
 * @param {() => import("./clouds.js").Model} points
 */
export function createPointText(app, points) {
  const root = el("div", { class: "pointtext", role: "status" });

  return {
    root,
    /**
     * The point in a line or two, for the tooltip.
     * @param {number} i
     */
    summary(i) {
      const [seq, q, k] = points().identity(i);
      const tokens = points().tokensOf(i);
      return el("div", { class: "toktip" }, el("div", { class: "dim" }, `sequence ${seq} · ${q} → ${k}`),
        tokens ? edgeLines(tokens, q, k) : el("div", {}, "(no token data)"));
    },
    /** @param {number} i */
    show(i) {
      if (i < 0) {
        fill(root, el("p", { class: "dim" }, "Hover a point for its text; click one to hold it."));
        return;
      }
      const [seq, q, k] = points().identity(i);
      const tokens = points().tokensOf(i);
      const value = points().attention(i);
      const word = (/** @type {number} */ at) => (tokens?.[at] === undefined ? "" : named(tokens, at));
      fill(root,
        el("div", { class: "edge-line" }, el(
          "span", {}, "query ", el("b", { class: "q" }, `${q} ${word(q)}`), " → key ",
          el("b", { class: "k" }, `${k} ${word(k)}`),
        ),
          el("span", { class: "dim" }, `sequence ${seq}`), Number.isFinite(value) ? el(
            "span", { class: "dim" }, `attention ${number(value)}`,
          ) : null, el("span", { class: "spring" }),
          tokens ? button(
            "Open sequence", () => app.store.set({ ...app.session.place(app.session.sequence(seq) ?? textOnly(seq, tokens)), sel: `${seq}:${q}` }),
            { class: "small" },
          ) : null,
          ["qk", "ov"].map((kind) => (app.backend || app.tree.cachedEdges(
            kind, app.store.state.layer, app.store.state.head, seq,
          ).some((e) => e[0] === q && e[1] === k)
            ? button(kind.toUpperCase(), () => app.chooseEdge(kind, seq, q, k), { class: `act ${kind}` }) : null))),
        tokens ? edgeText(tokens, [q], [k]) : el("p", { class: "dim" }, "(no token data)"));
    },
  };
}
