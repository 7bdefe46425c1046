// SPDX-License-Identifier: Apache-2.0
// The Prompts tab: one text, what all heads do on it, and which of them attend from one of its tokens to another.

import { button, el, fill } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { address } from "../pure/format.js";
import { fromRecord } from "../pure/sequence.js";
import { named } from "../pure/spelling.js";
import { offers } from "./custom.js";
import { createPromptHeads } from "./promptheads.js";
import { createPromptList } from "./promptlist.js";
import { createTokens } from "./tokens.js";

/** @param {import("../core/app.js").App} app */
export function createPrompts(app) {
  const { store, prompts } = app;
  const place = createPlace(app, el("div", { class: "prompt-body" }));
  const root = el("div", { class: "prompt-view" }, createPromptList(app), place.element);
  let shown = "";

  /** On a narrow screen the box is on the side that is out of sight. */
  function writeOne() {
    store.set({ pane: "list" });
    /** @type {HTMLElement | null} */ (document.querySelector(".promptbox textarea"))?.focus();
  }
  async function show() {
    if (store.state.tab !== "prompts") return;
    const id = prompts.find(store.state.prompt)?.id ?? prompts.list[0]?.id ?? "";
    if (id === shown && id) return;
    shown = id;
    if (!id) {
      place.fill(() => el("p", { class: "empty" }, ...(offers(app, "add_prompt")
        ? ["Write a text into the box above the heads: it runs once through all of them. ", button("Write one", writeOne, { class: "small" })]
        : ["This tree has no prompts yet; make serve runs them."])));
      return;
    }
    place.fill(() => el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading the prompt …"));
    try {
      const found = await prompts.heads(id);
      if (shown === id) place.fill((app) => promptBody(app, found));
    } catch (error) {
      if (shown !== id) return;
      shown = "";
      place.fill(() => el("div", { class: "empty error", role: "alert" }, el("p", {}, error.message), button("Try again", show)));
    }
  }
  app.on(["tab", "prompt", "promptVersion", "backendStatus"], show);
  show();
  return root;
}

/**
 * @param {import("../core/app.js").App} app
 * @param {import("../core/prompts.js").PromptHeads} found
 */
function promptBody(app, found) {
  const { store, prompts } = app;
  const line = el("p", { class: "line", role: "status" });
  /** @type {Map<string, number>} */
  let values = new Map();
  let asked = "";
  /** @returns {{q: number, k: number} | null} */
  const edge = () => {
    const match = /^(\d{1,6}),(\d{1,6})$/.exec(store.state.edge);
    const [q, k] = match ? [Number(match[1]), Number(match[2])] : [-1, -1];
    return match && q < found.tokens.length && k < found.tokens.length ? { q, k } : null;
  };
  const picked = () => (/^\d{1,6}$/.test(store.state.edge) ? Number(store.state.edge) : -1);

  // Its tokens without colour: what they give differs from head to head.
  const sequence = fromRecord({ sequence_id: found.id, tokens: found.tokens, attention_indices: [], attention_values: [] });
  if (!sequence) return el("p", { class: "empty error" }, "The prompt's file has no tokens.");
  const tokens = createTokens(app, sequence, {
    spans: [[0, sequence.n]], largest: () => 1, mode: () => ({ transpose: false, reduction: "max" }),
    marks: () => ({ query: edge()?.q ?? picked(), key: edge()?.k ?? -1, cached: new Set() }),
    onPress: (i) => store.set(picked() >= 0 ? { edge: `${picked()},${i}`, by: "edge" } : { edge: String(i) }),
  });
  const heads = createPromptHeads(app, found, {
    edge, edgeValue: ({ layer, head }) => values.get(address(layer, head)) ?? null,
  });

  async function readEdge() {
    const at = edge();
    const key = at ? store.state.edge : "";
    if (key === asked) return;
    asked = key;
    values = new Map();
    if (at) {
      const read = await prompts.edge(found.id, at.q, at.k).catch(() => null);
      if (asked !== key) return;
      if (!read) fill(line, "The attention on this edge could not be read.");
      values = new Map((read ?? []).map(({ layer, head, value }) => [address(layer, head), value]));
    }
    heads.show();
  }
  function showEdge() {
    const at = edge();
    const word = (/** @type {number} */ i) => `${i} ${named(found.tokens, i)}`;
    const clear = button("Clear", () => store.set({ edge: "" }), { class: "small" });
    if (at) fill(line, "query ", el("b", { class: "q" }, word(at.q)), " → key ", el("b", { class: "k" }, word(at.k)),
      "; 0 is below the stored threshold. ", clear);
    else if (picked() >= 0) fill(line, "query ", el("b", { class: "q" }, word(picked())), ": choose the key token. ", clear);
    else fill(line, "Click a query token, then a key token, to colour and sort the heads by their attention on that edge.");
    tokens.refresh();
    readEdge();
  }
  app.on(["edge"], showEdge);
  app.on(["themeName"], tokens.refresh);
  showEdge();
  return [el("article", { class: "card", "aria-label": "The prompt" }, tokens.root, line), heads.root];
}
