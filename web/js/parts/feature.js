// SPDX-License-Identifier: Apache-2.0
// One feature of a dictionary: what it is about, how strong it is here, and texts that activate it.

import { button, el, fill } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { attentionRamp, attentionStep, signed } from "../pure/colour.js";
import { number, score, token as shown } from "../pure/format.js";
import { bytesOf, partsOf } from "../pure/spelling.js";
import { speltNode } from "./spelt.js";

/**
 * @typedef {import("../pure/attribution.js").Feature} Feature
 * @typedef {import("../pure/attribution.js").Snippet} Snippet
 */

const SNIPPETS_FIRST = 6; // snippets shown before "more"
const AROUND = 14; // tokens of a snippet on either side of its strongest

/**
 * A score on its signed colour, relative to the largest of its list.
 * @param {number} value
 * @param {number} most
 * @param {string} theme
 */
export function scoreBadge(value, most, theme) {
  const badge = el("span", { class: "score num" }, score(value));
  const { fill: ground, ink } = signed(value, most, theme);
  badge.style.backgroundColor = ground;
  badge.style.color = ink;
  return badge;
}

/**
 * The panel `name` of a feature on a side ("key" or "query") of the edge; `at` says in words
 * which token it was read at, `extra` is put between its description and its snippets.
 * @param {import("../core/app.js").App} app
 * @param {{name: string, side: string, title: string, feature: Feature, at: string,
 *   extra?: HTMLElement | null}} options
 */
export function createFeature(app, { name, side, title, feature, at, extra = null }) {
  const panel = createPanel(app, {
    name, title: `${title} feature${feature.id ? ` ${feature.id}` : ""}`, level: 3, give: { json: () => feature },
  });
  panel.root.classList.add(`side-${side}`);
  if (feature.description !== feature.name) panel.body.append(el("p", { class: "description" }, feature.description));
  if (feature.activation !== null) panel.body.append(el(
    "p", { class: "dim" }, feature.activation > 0 ? `activation ${number(feature.activation)} at ${at}` : `not active at ${at}`,
  ));
  if (extra) panel.body.append(extra);
  if (feature.snippets.length) panel.body.append(snippetList(app, feature));
  else panel.body.append(el("p", { class: "dim" }, "No snippets come with this feature."));
  return panel.root;
}

/**
 * @param {import("../core/app.js").App} app
 * @param {Feature} feature
 */
function snippetList(app, { snippets }) {
  const largest = Math.max(...snippets.map((s) => s.max), 1e-9);
  const intervals = [...new Set(snippets.map((s) => s.interval))];
  const root = el("div", { class: "snippets" });
  /** @type {(interval: number, limit: number) => (HTMLElement | HTMLElement[] | false)[]} */
  const groupNodes = (interval, limit) => {
    const group = snippets.filter((s) => s.interval === interval);
    const before = snippets.findIndex((s) => s.interval === interval);
    const inSight = group.slice(0, Math.max(0, limit - before));
    if (!inSight.length) return [];
    const title = `${interval ? `Interval ${interval}` : "Other"} (max ${number(group[0].max)})`;
    return [intervals.length > 1 && el("h4", {}, title), inSight.map((s) => snippetNode(app, s, largest))];
  };
  const draw = (/** @type {number} */ limit) => {
    const rest = snippets.length - limit;
    const more = rest > 0 && button(`${rest} more`, () => draw(snippets.length), { class: "small" });
    fill(root, intervals.map((interval) => groupNodes(interval, limit)), more);
  };
  draw(SNIPPETS_FIRST);
  return root;
}

/**
 * @param {import("../core/app.js").App} app
 * @param {Snippet} snippet
 * @param {number} largest
 */
function snippetNode(app, snippet, largest) {
  const ramp = attentionRamp(app.theme.name);
  const line = el("p", { class: "snippet" });
  const expand = button("⋯", () => draw(true), { class: "link small", "aria-label": "Full context" });
  /** @type {(i: number, text: string) => HTMLElement} */
  const tokenNode = (i, text) => {
    const node = el("span", {}, text);
    const step = attentionStep(snippet.activations[i], largest);
    if (step) {
      node.style.backgroundColor = ramp[step].fill;
      node.style.color = ramp[step].ink;
      node.title = number(snippet.activations[i]);
    }
    return node;
  };
  const draw = (/** @type {boolean} */ whole) => {
    const from = whole ? 0 : Math.max(0, snippet.peak - AROUND);
    const to = whole ? snippet.tokens.length : Math.min(snippet.tokens.length, snippet.peak + AROUND + 1);
    const parts = [];
    for (const part of partsOf(snippet.tokens, from, to)) {
      const text = snippet.tokens[part.from];
      const bytes = [];
      for (let i = part.from; part.whole && i < part.to; i++) bytes.push(tokenNode(i, bytesOf(snippet.tokens[i])));
      parts.push(part.whole ? speltNode(part.whole, bytes) : tokenNode(part.from, shown(text)));
      if (!part.whole && text.includes("\n")) parts.push(el("br"));
    }
    const cut = from > 0 || to < snippet.tokens.length;
    fill(line, from > 0 ? "… " : null, parts, to < snippet.tokens.length ? " … " : null, cut ? expand : null);
  };
  draw(false);
  return line;
}
