// SPDX-License-Identifier: Apache-2.0
// The QK and OV tabs: an edge's sequence, what its score is made of, its ranked features; and what to do without.

import { copyButton } from "../core/copy.js";
import { button, el } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { CUSTOM } from "../core/state.js";
import { tokensScene } from "../plots/tokens.js";
import { readAttribution } from "../pure/attribution.js";
import { splitCommands } from "../pure/commands.js";
import { number, quoted } from "../pure/format.js";
import { isCustomId, valueAt } from "../pure/sequence.js";
import { measure, spansOf } from "./card.js";
import { createFeatureList } from "./featurelist.js";
import { createScoreSum } from "./scoresum.js";
import { createTokens } from "./tokens.js";

const EDGES_SHOWN = 24; // stored edges offered where one is missing

/**
 * `kind` is "qk" or "ov".
 * @param {import("../core/app.js").App} app
 */
export function createAttribution(app, kind) {
  const { store, session, tree, backend } = app;
  const top = createPlace(app, el("div", {}));
  const below = createPlace(app, el("div", {}));
  const root = el("div", { class: "attribution" }, top.element, below.element);
  let answer = null;
  let asked = "";
  let abort = null;
  let failure = null;
  let stale = ""; // why the answer is a stored one although there is a backend
  let tokens = null; // the view of the edge's sequence
  let lists = null;
  let sum = null; // where the terms of the score are

  const edge = () => ({ seq: store.state.seq, q: store.state.qpos, k: store.state.kpos });
  const mine = () => store.state.tab === kind;

  async function load(force = false) {
    if (!mine() || !store.state.seq) return;
    const { layer, head } = store.state;
    const wanted = [layer, head, ...Object.values(edge())].join(" ");
    if (wanted === asked && !force) return;
    asked = wanted;
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    answer = failure = null;
    showEdge();
    showAnswer();
    try {
      const found = await find(layer, head, edge(), signal);
      if (signal.aborted) return;
      if (found) answer = readAttribution(found);
      else failure = {
        message: `This edge has no stored ${kind.toUpperCase()} attribution, and there is no backend to compute it.`,
        hint: "`make serve` computes it when you ask, `make attributions` stores the strongest edges for a static host.",
      };
    } catch (error) {
      if (error.name === "AbortError") return;
      failure = {
        message: error.message, hint: error.retryAfter ? `Trying again in ${error.retryAfter} s.` : "",
        retry: true, retryAfter: error.retryAfter,
      };
      if (error.retryAfter) setTimeout(
        () => asked === wanted && failure?.retryAfter && load(true), Math.min(error.retryAfter, 60) * 1000,
      );
    }
    if (asked === wanted) showAnswer();
  }

  /**
   * A backend knows whether its stored answer is of the dictionary it has now, so it is asked first; where it is gone
   * or still loading, and where there is none, a stored answer is better than nothing.
   */
  async function find(layer, head, edge, signal) {
    stale = "";
    if (!backend) return tree.attribution(kind, layer, head, edge);
    try {
      const body = { layer, head, seq_idx: edge.seq, query_pos: edge.q, key_pos: edge.k };
      const found = await backend.call(`${kind}_attributions`, body, signal);
      tree.noteCached(kind, layer, head, edge);
      return found;
    } catch (error) {
      if (error.name === "AbortError" || (error.status !== 0 && error.status !== 503)) throw error;
      const stored = await tree.attribution(kind, layer, head, edge).catch(() => null);
      if (!stored) throw error;
      stale = `This answer was stored earlier. ${error.message}`;
      return stored;
    }
  }

  function showEdge() {
    if (mine()) top.fill(edgePanel);
  }
  function showAnswer() {
    if (!mine()) return;
    lists = sum = null;
    below.fill(failure ? failed : answer ? body : waiting);
  }

  const waiting = () => el(
    "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Attributing the edge …",
  );
  const failed = () => el(
    "div", { class: "empty error", role: "alert" }, withCommands(failure.message),
    failure.hint ? withCommands(failure.hint, "dim") : null, failure.retry && button("Try again", () => load(true)),
    storedEdges(),
  );

  /** Stored edges of this sequence, each a step away. */
  function storedEdges() {
    const { seq } = edge();
    const edges = tree.cachedEdges(kind, store.state.layer, store.state.head, seq);
    return edges.length ? el(
      "p", { class: "dim row" }, `Stored edges of sequence ${seq}:`,
      edges.slice(0, EDGES_SHOWN).map(([q, k]) =>
        button(`${q} → ${k}`, () => app.chooseEdge(kind, seq, q, k), { class: "small" })),
    ) : null;
  }

  /** @param {import("../core/app.js").App} app */
  function edgePanel(app) {
    const { seq, q, k } = edge();
    const sequence = session.sequence(seq);
    const other = kind === "qk" ? "ov" : "qk";
    const swap = button(`See ${other.toUpperCase()}`, () => store.set({ tab: other, view: "pairs", pick: 0, partner: null }));
    tokens = null;
    if (!sequence) {
      const isLoading = !session.head.data && !session.head.error || isCustomId(seq) && /no|loading/.test(session.head.asked);
      return el(
        "div", { class: "edge" },
        el(
          "p", {},
          isLoading
            ? "Loading the sequence …"
            : `Sequence ${seq} is not stored with this head; its tokens are not shown.`,
        ),
        el("p", {}, `query ${q} → key ${k}`), swap,
      );
    }
    const inside = q < sequence.n && k < sequence.n;
    const word = (i) => (inside ? quoted(sequence.tokens[i]) : "outside the sequence");
    const interval = sequence.interval > 0 ? sequence.interval : CUSTOM;
    const heads = button(
      "Rank heads", () => store.set({ tab: "sequences", interval, rank: `${seq}:${q},${k}`, at: `${seq}:0` }),
      { title: "Rank all heads by their attention on this edge" },
    );
    tokens = createTokens(app, sequence, {
      spans: spansOf(sequence, { open: false, anchors: [q, k] }), largest: () => 1,
      mode: () => ({ transpose: store.state.transpose !== (store.state.alt === true), reduction: "max" }),
      marks: () => ({ query: q, key: k, cached: new Set() }),
      onOpen: () => store.set({
        tab: "sequences", interval, open: seq, at: `${seq}:0`,
      }),
    });
    const sources = button("Sources", () => {
      const { layer, head } = store.state;
      const prompt = { sequence: String(seq) };
      store.set({ tab: "lab", ask: JSON.stringify({ question: "sources", layer, head, prompt, query: q, key: k }) });
    }, { title: "Which components the score comes from" });
    const facts = el("span", { class: "dim facts" });
    showFacts(facts, inside ? valueAt(sequence, q, k) : null);
    const panel = el("div", { class: "edge" },
      el("div", { class: "edge-line" },
        el("b", { class: `badge ${kind}` }, kind.toUpperCase()),
        el(
          "span", {}, "query ", el("b", { class: "q" }, String(q), " ", word(q)), " → key ",
          el("b", { class: "k" }, String(k), " ", word(k)),
        ),
        facts, el("span", { class: "spring" }), el("span", { class: "row" }, heads, sources, swap)),
      tokens.root);
    const title = () => `${app.headName()} ${kind.toUpperCase()}, sequence ${seq}, query ${q} to key ${k}`;
    app.gives.set(panel, { title, give: { scene: () => tokensScene({
      title: title(), tokens: sequence.tokens, look: tokens.look, theme: app.theme.name,
      colours: app.theme.colours, measure,
    }) } });
    return panel;
  }

  /** Attention, sequence and dictionary, as far as they are known. */
  function showFacts(node, stored) {
    const exact = answer?.attention ?? null;
    const attention = exact ?? stored;
    const { name, features, layer } = answer?.dictionary ?? {};
    node.textContent = [
      attention === null ? "" : attention ? `attention ${number(attention)}` : "attention below the stored threshold",
      `sequence ${edge().seq}`,
      name ? `dictionary ${name}${layer === null ? "" : `, layer ${layer}`}${features === null ? "" : `, ${features.toLocaleString("en-US")} features`}` : "",
    ].filter(Boolean).join(" · ");
  }

  /** @param {import("../core/app.js").App} app */
  function body(app) {
    const sequence = session.sequence(edge().seq);
    const stored = sequence ? valueAt(sequence, edge().q, edge().k) : null;
    const facts = top.element.querySelector(".facts");
    if (facts) showFacts(facts, stored);
    const at = (side) => {
      const i = side === "key" ? edge().k : edge().q;
      const token = sequence?.tokens[i];
      return `${side} ${i}${token === undefined ? "" : ` ${quoted(token)}`}`;
    };
    lists = createFeatureList(app, kind, answer, at);
    sum = createPlace(app, el("div", {}));
    showSum();
    const note = stale && el(
      "p", { class: "note", role: "status" }, stale, " ", button("Try again", () => load(true), { class: "small" }),
    );
    return [note, el(
      "div", { class: "attribution-body" },
      el("div", { class: "attribution-lists" }, sum.element, lists.list), lists.features,
    )];
  }
  const showSum = () => answer?.sum && sum?.fill((app) => createScoreSum(app, kind, answer.sum));

  app.on(["tab", "seq", "qpos", "kpos", "layer", "head"], (state, changed) => {
    load();
    if (mine() && changed.has("tab")) {
      showEdge();
      showAnswer();
    }
  });
  app.on(["headVersion"], () => {
    showEdge();
    if (answer) showAnswer();
  });
  app.on(["themeName"], () => {
    showEdge();
    showAnswer();
  });
  app.on(["view"], showAnswer);
  app.on(["full"], () => mine() && showSum()); // maximised, it shows every term
  app.on(["pick", "partner"], (state, changed) => mine() && !changed.has("view") && lists?.mark());
  app.on(["alt", "transpose"], () => mine() && tokens?.refresh());
  load();
  return root;
}

/** A sentence whose commands can be copied. */
function withCommands(sentence, className = "") {
  return el("p", { class: className || null }, splitCommands(sentence).map(({ text, command }) => (command
    ? el("span", { class: "command" }, el("code", {}, text), copyButton("Copy", () => text, {
      class: "small", "aria-label": `Copy ${text}`,
    }))
    : text)));
}

/**
 * Opens an edge in a tab: qk and ov attribute it, umap projects it, heads ranks the heads on it.
 * @param {import("../core/app.js").Store} store
 */
export function edgeOpener(store) {
  return (kind, seq, q, k) => {
    if (kind === "umap") store.set({ picking: null, tab: "umap", land: { seq, q, k } });
    else if (kind === "heads") store.set({ picking: null, rank: `${seq}:${q},${k}` });
    else store.set({ picking: null, seq, qpos: q, kpos: k, tab: kind, view: "pairs", pick: 0, partner: null });
  };
}
