// SPDX-License-Identifier: Apache-2.0
// The QK and OV tabs: an edge's sequence, what its score is made of, its ranked features; and what to do without.

import { button, el } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { summary } from "../pure/attribution.js";
import { hasEdge } from "../core/state.js";
import { named } from "../pure/spelling.js";
import { withCommands } from "./command.js";
import { createEdgeAnswer } from "./edgeanswer.js";
import { createEdgePanel } from "./edgepanel.js";
import { createFeatureList } from "./featurelist.js";
import { progress } from "./progress.js";
import { createScoreSum } from "./scoresum.js";

const EDGES_SHOWN = 24; // stored edges offered where one is missing

/**
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 */
export function createAttribution(app, kind) {
  const { store } = app;
  const top = createPlace(app, el("div", {}));
  const below = createPlace(app, el("div", {}));
  /** @type {ReturnType<typeof createEdgePanel> | null} */
  let panel = null;
  /** @type {ReturnType<typeof answerView> | null} */
  let view = null;
  const held = createEdgeAnswer(app, kind, showAnswer);

  const mine = () => store.state.tab === kind;
  const ask = (force = false) => {
    const { layer, head, seq, qpos, kpos } = store.state;
    if (mine() && seq) held.ask({ layer, head, seq, q: qpos ?? -1, k: kpos ?? -1 }, force);
  };

  function showEdge() {
    if (!mine()) return;
    if (!hasEdge(store.state)) {
      below.empty();
      top.fill((app) => el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), `Loading ${app.headName()} …`, progress(app)));
      return;
    }
    top.fill((app) => {
      panel = createEdgePanel(app, kind);
      panel.tell(held.answer);
      return panel.root;
    });
  }
  function showAnswer() {
    if (!mine() || !hasEdge(store.state)) return;
    view = null;
    panel?.tell(held.answer);
    below.fill((app) => {
      if (held.failure) return failed(held.failure);
      if (!held.answer) return waiting();
      view = answerView(app, kind, held.answer);
      return [staleNote(), view.parts];
    });
  }
  const waiting = () => el(
    "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Attributing the edge …",
  );
  /** @param {import("./edgeanswer.js").Failure} failure */
  const failed = ({ message, hint, retry }) => el(
    "div", { class: "empty error", role: "alert" }, withCommands(message),
    hint ? withCommands(hint, "dim") : null, retry && button("Try again", () => ask(true)), storedEdges(app, kind),
  );
  const staleNote = () => held.stale && el(
    "p", { class: "note", role: "status" }, held.stale, " ", button("Try again", () => ask(true), { class: "small" }),
  );

  app.on(["tab", "seq", "qpos", "kpos", "layer", "head"], (state, changed) => {
    if (!mine()) return;
    showEdge();
    if (changed.has("tab")) showAnswer();
    ask();
  });
  app.on(["headVersion", "guestVersion", "themeName"], () => {
    showEdge();
    if (held.answer) showAnswer();
  });
  app.on(["view"], showAnswer);
  app.on(["full"], () => mine() && view?.showSum()); // maximised, it shows every term
  app.on(["pick", "partner"], (state, changed) => mine() && !changed.has("view") && view?.mark());
  app.on(["alt", "transpose"], () => mine() && panel?.refresh());
  showEdge();
  ask();
  return el("div", { class: "attribution" }, top.element, below.element);
}

/**
 * What an answer says: in a sentence, as a sum, as lists.
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 * @param {import("./edgepanel.js").Answer} answer
 */
function answerView(app, kind, answer) {
  const { qpos, kpos, seq } = app.store.state;
  const tokens = app.session.sequence(seq)?.tokens;
  const at = (/** @type {string} */ side, i = (side === "key" ? kpos : qpos) ?? -1) => {
    return `${side} ${i}${tokens?.[i] === undefined ? "" : ` ${named(tokens, i)}`}`;
  };
  const { sentence, warning } = summary(answer, kind);
  const lists = createFeatureList(app, kind, answer, at, warning ? "writes" : "pairs");
  const place = createPlace(app, el("div", {}));
  const { sum } = answer;
  const showSum = () => sum && place.fill((app) => createScoreSum(app, kind, sum));
  showSum();
  return {
    parts: [
      sentence ? el("p", { class: "summary", role: "status" }, sentence) : null,
      warning ? el("p", { class: "note error" }, warning) : null,
      el(
        "div", { class: "attribution-body" },
        el("div", { class: "attribution-lists" }, place.element, lists.list), lists.features,
      ),
    ],
    showSum, mark: lists.mark,
  };
}

/**
 * Stored edges of the open sequence, each a step away.
 * @param {import("../core/app.js").App} app
 * @param {"qk" | "ov"} kind
 */
function storedEdges(app, kind) {
  const { seq, layer, head } = app.store.state;
  const edges = app.tree.cachedEdges(kind, layer, head, seq);
  return edges.length ? el(
    "p", { class: "dim row" }, `Stored edges of sequence ${seq}:`,
    edges.slice(0, EDGES_SHOWN).map(([q, k]) =>
      button(`${q} → ${k}`, () => app.chooseEdge(kind, seq, q, k), { class: "small" })),
  ) : null;
}


/**
 * Opens an edge in a tab: qk and ov attribute it, umap projects it, heads ranks the heads on it.
 * @param {import("../core/app.js").Store} store
 * @returns {(kind: string, seq: string, q: number, k: number) => void}
 */
export function edgeOpener(store) {
  return (kind, seq, q, k) => {
    if (kind === "umap") store.set({ picking: null, tab: "umap", land: { seq, q, k } });
    else if (kind === "heads") store.set({ picking: null, rank: `${seq}:${q},${k}` });
    else store.set({ picking: null, seq, qpos: q, kpos: k, tab: kind, view: "", pick: 0, partner: null });
  };
}
