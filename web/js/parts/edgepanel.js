// SPDX-License-Identifier: Apache-2.0
// The edge that an attribution is of: its two tokens in their sequence, and what is known of it.

import { button, el } from "../core/dom.js";
import { tokensScene } from "../plots/tokens.js";
import { number } from "../pure/format.js";
import { named } from "../pure/spelling.js";
import { valueAt } from "../pure/sequence.js";
import { measure, spansOf } from "./card.js";
import { guestWords } from "./guests.js";
import { createTokens } from "./tokens.js";

/** @typedef {ReturnType<typeof import("../pure/attribution.js").readAttribution>} Answer */

/**
 * The panel of the chosen edge: its element, `refresh()` for another direction, `tell(answer)` for the facts an answer adds.
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 */
export function createEdgePanel(app, kind) {
  const { store, session } = app;
  const { seq, qpos, kpos } = store.state;
  const [q, k] = [qpos ?? -1, kpos ?? -1];
  const sequence = session.sequence(seq);
  const other = kind === "qk" ? "ov" : "qk";
  const swap = button(`See ${other.toUpperCase()}`, () => store.set({ tab: other, view: "", pick: 0, partner: null }));
  if (!sequence) {
    const words = session.isComing(seq) ? "Loading the sequence …" : guestWords(app, seq);
    return {
      root: el("div", { class: "edge" }, el("p", {}, words), el("p", {}, `query ${q} → key ${k}`), swap),
      refresh() {}, tell() {},
    };
  }
  const inside = q < sequence.n && k < sequence.n;
  const stored = inside && !sequence.textOnly ? valueAt(sequence, q, k) : null;
  const guest = session.guests.find(seq);
  /** @param {number} i */
  const word = (i) => (inside ? named(sequence.tokens, i) : "outside the sequence");
  const heads = button(
    "Rank heads", () => store.set({ ...session.place(sequence), rank: `${seq}:${q},${k}` }),
    { title: "Rank all heads by their attention on this edge" },
  );
  const sources = button("Sources", () => {
    const { layer, head } = store.state;
    const question = { question: "sources", layer, head, prompt: { sequence: String(seq) }, query: q, key: k };
    store.set({ tab: "lab", ask: JSON.stringify(question) });
  }, { title: "Which components the score comes from" });
  const tokens = createTokens(app, sequence, {
    spans: spansOf(sequence, { open: false, anchors: [q, k] }), largest: () => 1,
    mode: () => ({ transpose: store.state.transpose !== (store.state.alt === true), reduction: "max" }),
    marks: () => ({ query: q, key: k, cached: new Set() }),
    onOpen: () => store.set({ ...session.place(sequence), open: seq }),
  });
  const facts = el("span", { class: "dim facts" }, factsOf(null, stored, seq));
  const root = el("div", { class: "edge" },
    el("div", { class: "edge-line" },
      el("b", { class: `badge ${kind}` }, kind.toUpperCase()),
      el(
        "span", {}, "query ", el("b", { class: "q" }, String(q), " ", word(q)), " → key ",
        el("b", { class: "k" }, String(k), " ", word(k)),
      ),
      facts, el("span", { class: "spring" }), el("span", { class: "row" }, heads, sources, swap)),
    guest && el("p", { class: "note" }, guestWords(app, seq)), tokens.root);
  const title = () => `${app.headName()} ${kind.toUpperCase()}, sequence ${seq}, query ${q} to key ${k}`;
  app.gives.set(root, { title, give: { scene: () => tokensScene({
    title: title(), tokens: sequence.tokens, look: tokens.look, theme: app.theme.name,
    colours: app.theme.colours, measure,
  }) } });
  return {
    root, refresh: tokens.refresh,
    /** @param {Answer | null} answer */
    tell: (answer) => (facts.textContent = factsOf(answer, stored, seq)),
  };
}

/**
 * Attention, sequence and dictionary, as far as they are known.
 * @param {Answer | null} answer
 * @param {number | null} stored
 * @param {string} seq
 */
function factsOf(answer, stored, seq) {
  const attention = answer?.attention ?? stored;
  const { name, features, layer } = answer?.dictionary ?? {};
  const ofLayer = layer === null || layer === undefined ? "" : `, layer ${layer}`;
  const size = features === null || features === undefined ? "" : `, ${features.toLocaleString("en-US")} features`;
  return [
    attention === null ? "" : attention ? `attention ${number(attention)}` : "attention below the stored threshold",
    `sequence ${seq}`, name ? `dictionary ${name}${ofLayer}${size}` : "",
    answer?.headOutputs ? `heads' outputs by ${answer.headOutputs}` : "",
  ].filter(Boolean).join(" · ");
}
