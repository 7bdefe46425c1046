// SPDX-License-Identifier: Apache-2.0
// The text around a point of the cloud, its query and key marked.

import { button, el, fill } from "../core/dom.js";
import { broken, number } from "../pure/format.js";
import { folds } from "../pure/sequence.js";
import { bytesOf, named, partsOf } from "../pure/spelling.js";
import { speltNode } from "./spelt.js";
import { edgeLines } from "./tokentip.js";

const CONTEXT = 40;

/**
 * `points()` is the cloud model the numbers of points refer to.
 * @param {import("../core/app.js").App} app
 * @param {() => import("./clouds.js").Model} points
 */
export function createPointText(app, points) {
  const root = el("div", { class: "pointtext", role: "status" });

  /**
   * @param {string[]} tokens
   * @param {number} i
   * @param {number} q
   * @param {number} k
   */
  function span(tokens, i, q, k, text = broken(tokens[i])) {
    const kind = i === q && i === k ? "mark-both" : i === q ? "mark-query" : i === k ? "mark-key" : "";
    return el("span", { class: kind ? `tok ${kind}` : "tok" }, text);
  }

  /**
   * @param {string[]} tokens
   * @param {number} q
   * @param {number} k
   */
  function body(tokens, q, k) {
    const parts = [];
    let at = 0;
    for (const [from, to] of folds(tokens.length, [q, k].filter((i) => i >= 0 && i < tokens.length), CONTEXT)) {
      if (from > at) parts.push(el("span", { class: "dim" }, ` ⋯ ${from - at} tokens ⋯ `));
      for (const part of partsOf(tokens, from, to)) {
        const bytes = [];
        for (let i = part.from; part.whole && i < part.to; i++) bytes.push(span(tokens, i, q, k, bytesOf(tokens[i])));
        parts.push(part.whole ? speltNode(part.whole, bytes) : span(tokens, part.from, q, k));
      }
      at = to;
    }
    if (at < tokens.length) parts.push(el("span", { class: "dim" }, ` ⋯ ${tokens.length - at} tokens`));
    return el("p", { class: "tokens", dir: "auto" }, parts);
  }

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
      const stored = app.session.sequence(seq);
      fill(root,
        el("div", { class: "edge-line" }, el(
          "span", {}, "query ", el("b", { class: "q" }, `${q} ${word(q)}`), " → key ",
          el("b", { class: "k" }, `${k} ${word(k)}`),
        ),
          el("span", { class: "dim" }, `sequence ${seq}`), Number.isFinite(value) ? el(
            "span", { class: "dim" }, `attention ${number(value)}`,
          ) : null, el("span", { class: "spring" }),
          stored ? button(
            "Open sequence",
            () => app.store.set({
              tab: "sequences", interval: stored.interval > 0 ? stored.interval : -1, sel: `${seq}:${q}`, at: `${seq}:0`,
            }),
            { class: "small" },
          ) : null,
          ["qk", "ov"].map((kind) => (app.backend || app.tree.cachedEdges(
            kind, app.store.state.layer, app.store.state.head, seq,
          ).some((e) => e[0] === q && e[1] === k)
            ? button(kind.toUpperCase(), () => app.chooseEdge(kind, seq, q, k), { class: `act ${kind}` }) : null))),
        tokens ? body(tokens, q, k) : el("p", { class: "dim" }, "(no token data)"));
    },
  };
}
