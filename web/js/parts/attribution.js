// SPDX-License-Identifier: Apache-2.0
// The QK and OV tabs: an edge, its feature pairs and marginals, and the features behind them.

import { button, el, fill } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { readAttribution } from "../pure/attribution.js";
import { attentionRamp, attentionStep, signed } from "../pure/colour.js";
import { number, quoted, score, token as shown } from "../pure/format.js";
import { valueAt } from "../pure/sequence.js";
import { spansOf } from "./card.js";
import { createTokens } from "./tokens.js";

const SIDES = { qk: { key: "Key", query: "Query" }, ov: { key: "Value", query: "Output" } };
const SNIPPETS_FIRST = 6; // snippets shown before "more"
const AROUND = 14; // tokens of a snippet on either side of its strongest

/** `kind` is "qk" or "ov". */
export function createAttribution(app, kind) {
  const { store, session, tree, backend } = app;
  const names = SIDES[kind];
  const root = el("div", { class: "attribution" });
  let answer = null;
  let asked = "";
  let abort = null;
  let failure = null;
  let view = null; // the tokens of the edge's sequence

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
    show();
    try {
      let found = await tree.attribution(kind, layer, head, edge());
      if (!found && backend) {
        const { seq, q, k } = edge();
        found = await backend.call(
          `${kind}_attributions`, { layer, head, seq_idx: seq, query_pos: q, key_pos: k }, signal,
        );
        tree.noteCached(kind, layer, head, { seq, q, k });
      }
      if (signal.aborted) return;
      if (found) answer = readAttribution(found);
      else failure = {
        message: `This edge has no stored ${kind.toUpperCase()} attribution, and there is no backend to compute it.`,
        hint: "Run serve with a dictionary of the layer, or choose a cached edge: those are marked when you press the button on a sequence.",
      };
    } catch (error) {
      if (error.name === "AbortError") return;
      failure = { message: error.message, hint: hintFor(error), retry: true, retryAfter: error.retryAfter };
      if (error.retryAfter) setTimeout(
        () => asked === wanted && failure?.retryAfter && load(true), Math.min(error.retryAfter, 60) * 1000,
      );
    }
    if (asked === wanted) show();
  }

  const hintFor = (error) => {
    if (error.status === 501) return "The answer says what serve must be given.";
    if (error.retryAfter) return `Trying again in ${error.retryAfter} s.`;
    return "";
  };

  function show() {
    if (!mine()) return;
    fill(
      root, edgePanel(),
      answer ? body() : failure ? failed() : el(
        "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), `Attributing the edge …`,
      ),
    );
  }
  const failed = () => el(
    "div", { class: "empty error", role: "alert" }, el("p", {}, failure.message),
    failure.hint && el("p", { class: "dim" }, failure.hint), failure.retry && button("Try again", () => load(true)),
  );

  function edgePanel() {
    const { seq, q, k } = edge();
    const sequence = session.sequence(seq);
    const swap = button(kind === "qk" ? "See OV" : "See QK", () => store.set({ tab: kind === "qk" ? "ov" : "qk" }));
    if (!sequence) {
      const waiting = !session.head.data || !session.head.customLoaded;
      return el(
        "div", { class: "edge" },
        el(
          "p", {},
          waiting
            ? "Loading the sequence …"
            : `Sequence ${seq} is not stored with this head; its tokens are not shown.`,
        ),
        el("p", {}, `query ${q} → key ${k}`), swap,
      );
    }
    const inside = q < sequence.n && k < sequence.n;
    const text = (i) => (inside ? quoted(sequence.tokens[i]) : "outside the sequence");
    view = createTokens(app, sequence, {
      spans: spansOf(sequence, { open: false, anchors: [q, k] }), largest: () => 1,
      mode: () => ({ transpose: store.state.transpose !== (store.state.alt === true), reduction: "max" }),
      marks: () => ({ query: q, key: k, cached: new Set() }),
      onOpen: () => store.set({
        tab: "sequences", interval: sequence.interval > 0 ? sequence.interval : -1, open: seq,
      }),
    });
    return el("div", { class: "edge" },
      el("div", { class: "edge-line" },
        el("b", { class: `badge ${kind}` }, kind.toUpperCase()),
        el(
          "span", {}, "query ", el("b", { class: "q" }, String(q), " ", text(q)), " → key ",
          el("b", { class: "k" }, String(k), " ", text(k)),
        ),
        inside && el(
          "span", { class: "dim" },
          `attention ${valueAt(sequence, q, k) ? number(valueAt(sequence, q, k)) : "below the stored threshold"}`,
        ),
        el("span", { class: "dim" }, `sequence ${seq}`), el("span", { class: "spring" }), swap),
      view.root);
  }

  const lists = () => [
    ["pairs", "Pairs", answer.pairs], ["key", `Marginal ${names.key}`, answer.key],
    ["query", `Marginal ${names.query}`, answer.query],
  ];

  function body() {
    const tabs = lists().filter(([key, , rows]) => rows.length || (key === "pairs" && !answer.key.length && !answer.query.length));
    const [side, , rows] = tabs.find(([key]) => key === store.state.view) ?? tabs[0];
    if (!rows.length) return el(
      "p", { class: "empty" },
      "No pair of features acts on this edge: both tokens' features are outside the dictionary, or their product is zero.",
    );
    const chosen = Math.min(Math.max(0, store.state.pick), rows.length - 1);
    const most = Math.max(...rows.map((r) => Math.abs(r.score)), 1e-12);
    const panel = createPanel(app, {
      name: `${kind}-list`, title: `${kind.toUpperCase()} ${side === "pairs" ? "pairs" : "marginals"}`,
      describe: `Orange adds to the ${kind === "qk" ? "score" : "output"}, blue takes away; colours are relative to the strongest in the list.`,
      give: { table: () => listTable(side, rows) },
    });
    const list = el("ol", {
      class: "pairs", role: "listbox", tabIndex: 0,
      "aria-label": `${tabs.find(([k]) => k === side)[1]}, strongest first`,
      "aria-activedescendant": `${kind}-row-${chosen}`,
    },
      rows.map((row, i) => rowNode(row, i, i === chosen, most, side)));
    list.addEventListener("keydown", (event) => {
      const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 0, End: rows.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      store.set({ pick: Math.min(rows.length - 1, Math.max(0, to)) });
      const next = root.querySelector(".pairs");
      next.focus();
      next.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    });
    panel.body.append(
      tabs.length > 1 ? el(
        "div", { class: "segmented", role: "group", "aria-label": "List" },
        tabs.map(([key, label, all]) => button(
          `${label} ${all.length}`, () => store.set({ view: key, pick: 0 }), { "aria-pressed": String(key === side) },
        )),
      ) : "",
      list);
    const right = side === "pairs" ? pairFeatures(rows[chosen]) : marginalFeatures(rows[chosen], side);
    return el("div", { class: "attribution-body" }, panel.root, el("div", { class: "features" }, right));
  }

  function rowNode(row, i, on, most, view) {
    const badge = scoreBadge(row.score, most);
    const words = view === "pairs"
      ? [el("span", { class: "k" }, row.key.description), el("span", { class: "q" }, row.query.description)]
      : [el("span", {}, row.feature.description)];
    return el(
      "li",
      {
        role: "option", id: `${kind}-row-${i}`, "aria-selected": String(on),
        on: { click: () => store.set({ pick: i }) },
      },
      badge, el("span", { class: "words" }, words),
    );
  }

  const pairFeatures = (row) => [
    featurePanel("key", names.key, row.key), featurePanel("query", names.query, row.query),
  ];

  function marginalFeatures(row, side) {
    const other = side === "key" ? "query" : "key";
    const most = Math.max(...row.partners.map((p) => Math.abs(p.score)), 1e-12);
    const partner = el("div", { class: "partner" });
    const choose = (p) => fill(partner, featurePanel(other, names[other], p.feature));
    const partners = el("div", { class: "partners" }, el(
      "h4", {}, `Acts with ${names[other].toLowerCase()} features`,
    ), row.partners.map((p) => {
      return button(
        "", () => choose(p), { class: "partner-row" }, scoreBadge(p.score, most), el("span", {}, p.feature.description),
      );
    }));
    return [featurePanel(side, names[side], row.feature, row.partners.length ? partners : null), partner];
  }

  function featurePanel(side, title, feature, extra = null) {
    const panel = createPanel(app, {
      name: `${kind}-${side}`, title: `${title} feature${feature.id ? ` ${feature.id}` : ""}`, level: 3,
      give: { json: () => feature },
    });
    panel.root.classList.add(`side-${side}`);
    panel.body.append(el("p", { class: "description" }, feature.description));
    if (extra) panel.body.append(extra);
    if (feature.snippets.length) panel.body.append(snippetList(feature));
    else panel.body.append(el("p", { class: "dim" }, "No snippets come with this feature."));
    return panel.root;
  }

  function snippetList({ snippets }) {
    const largest = Math.max(...snippets.map((s) => s.max), 1e-9);
    const intervals = [...new Set(snippets.map((s) => s.interval))];
    const root = el("div", { class: "snippets" });
    const groupNodes = (interval, limit) => {
      const group = snippets.filter((s) => s.interval === interval);
      const before = snippets.findIndex((s) => s.interval === interval);
      const inSight = group.slice(0, Math.max(0, limit - before));
      if (!inSight.length) return [];
      const title = `${interval ? `Interval ${interval}` : "Other"} (max ${number(group[0].max)})`;
      return [intervals.length > 1 && el("h4", {}, title), inSight.map((s) => snippetNode(s, largest))];
    };
    const draw = (limit) => {
      const rest = snippets.length - limit;
      const more = rest > 0 && button(`${rest} more`, () => draw(snippets.length), { class: "small" });
      fill(root, intervals.map((interval) => groupNodes(interval, limit)), more);
    };
    draw(SNIPPETS_FIRST);
    return root;
  }

  function snippetNode(snippet, largest) {
    const ramp = attentionRamp(app.theme.name);
    const line = el("p", { class: "snippet" });
    const expand = button("", () => draw(true), { class: "link small", "aria-label": "Full context" });
    const draw = (whole) => {
      const from = whole ? 0 : Math.max(0, snippet.peak - AROUND);
      const to = whole ? snippet.tokens.length : Math.min(snippet.tokens.length, snippet.peak + AROUND + 1);
      const parts = [];
      for (let i = from; i < to; i++) {
        const node = el("span", {}, shown(snippet.tokens[i]));
        const step = attentionStep(snippet.activations[i], largest);
        if (step) {
          node.style.backgroundColor = ramp[step].fill;
          node.style.color = ramp[step].ink;
          node.title = number(snippet.activations[i]);
        }
        parts.push(node);
        if (snippet.tokens[i].includes("\n")) parts.push(el("br"));
      }
      const cut = from > 0 || to < snippet.tokens.length;
      expand.textContent = "⋯";
      fill(line, from > 0 ? "… " : null, parts, to < snippet.tokens.length ? " … " : null, cut ? expand : null);
    };
    draw(false);
    return line;
  }

  function listTable(view, rows) {
    if (view === "pairs") {
      return {
        columns: ["rank", "attribution", "query_feature", "key_feature", "query_description", "key_description"],
        rows: rows.map((r, i) => [i + 1, r.score, r.query.id, r.key.id, r.query.description, r.key.description]),
      };
    }
    return {
      columns: ["rank", "marginal_score", "description"],
      rows: rows.map((r, i) => [i + 1, r.score, r.feature.description]),
    };
  }

  store.on(["tab", "seq", "qpos", "kpos", "layer", "head"], () => {
    load();
    if (mine() && answer) show();
  });
  store.on(["headVersion", "view", "pick", "themeName"], () => mine() && show());
  store.on(["alt", "transpose"], () => mine() && view?.refresh());
  load();
  show();
  return root;
}

function scoreBadge(value, most) {
  const badge = el("span", { class: "score num" }, score(value));
  const { fill: ground, ink } = signed(value, most);
  badge.style.backgroundColor = ground;
  badge.style.color = ink;
  return badge;
}

/** Opens an edge in a tab: qk and ov attribute it, umap projects it. */
export function edgeOpener(app) {
  return (kind, seq, q, k) => {
    if (kind === "umap") app.store.set({ picking: null, tab: "umap", land: { seq, q, k } });
    else app.store.set({ picking: null, seq, qpos: q, kpos: k, tab: kind, view: "pairs", pick: 0 });
  };
}

