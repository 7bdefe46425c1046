// SPDX-License-Identifier: Apache-2.0
// One sequence of a head: its tokens, its heat map, and what can be done with it.

import { copyButton } from "../core/copy.js";
import { button, el, fill } from "../core/dom.js";
import { fileName, saveCsv, saveJson, savePng, saveSvg } from "../core/exports.js";
import { maximiser, menu } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { readSelection, writeSelection } from "../core/state.js";
import { FONT } from "../pure/scene.js";
import { tokensScene } from "../plots/tokens.js";
import { number } from "../pure/format.js";
import { entries, folds, patternTable, strongestPair, toRecord } from "../pure/sequence.js";
import { createEdgeHeads } from "./edgeheads.js";
import { createHeatmap } from "./heatmap.js";
import { createTokens } from "./tokens.js";

/** Sequences longer than this fold around their strongest edge. */
export const FOLD_FROM = 160;
const CONTEXT = 34;
const EDGES_SHOWN = 12; // stored edges offered while an edge is picked

let ruler = null;
/** Width of a text at 13 px in the page's font. */
export function measure(text) {
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = `13px ${FONT}`;
  return ruler.measureText(text).width;
}

/** The stretches of a sequence that are shown: all when short or opened. */
export function spansOf(sequence, { open, anchors = [] }) {
  if (open || sequence.n <= FOLD_FROM) return [[0, sequence.n]];
  const pair = strongestPair(sequence);
  const within = anchors.filter((i) => i >= 0 && i < sequence.n);
  return folds(sequence.n, within.length ? within : pair ? [pair.q, pair.k] : [], CONTEXT);
}

/**
 * `custom` cards can be deleted when `remove` is given.
 * @param {import("../core/app.js").App} app
 */
export function createCard(app, sequence, { remove = /** @type {((sequence: any) => void) | null} */ (null) }) {
  const { store, session } = app;
  const root = el("article", { class: "card", "data-id": sequence.id, "aria-label": `Sequence ${sequence.id}` });
  /** @type {any} */
  let view = null;
  /** @type {any} */
  let map = null;
  let mounted = false;
  const place = createPlace(app, root);
  const { grow, show: showSize } = maximiser(app, root, `card-${sequence.id}`, `sequence ${sequence.id}`);

  const isOpen = () => store.state.open.split(",").includes(sequence.id);
  const selected = () => {
    const sel = readSelection(store.state.sel);
    return sel && sel.id === sequence.id ? sel.positions.filter((i) => i < sequence.n) : [];
  };
  const picking = () => (store.state.picking?.id === sequence.id ? store.state.picking : null);
  const mode = () => ({
    transpose: store.state.transpose !== (store.state.alt === true),
    reduction: picking() ? "max" : store.state.reduction,
  });
  const spans = () => spansOf(sequence, { open: isOpen(), anchors: [...selected(), ...edgeHere()] });
  const edgeHere = () => {
    const { seq, qpos, kpos } = store.state;
    return seq === sequence.id && qpos !== null ? [qpos, kpos] : [];
  };

  const storedEdges = (kind) =>
    (kind === "qk" || kind === "ov"
      ? app.tree.cachedEdges(kind, store.state.layer, store.state.head, sequence.id)
      : []);

  function marks() {
    const pick = picking();
    if (!pick) return null;
    const edges = storedEdges(pick.kind);
    const cached = new Set(pick.q === null ? edges.map((e) => e[0]) : edges.filter((e) => e[0] === pick.q).map((e) => e[1]));
    return { query: pick.q ?? -1, key: -1, cached };
  }

  function press(i, event) {
    const pick = picking();
    if (pick) {
      if (pick.q === null) store.set({ picking: { ...pick, q: i } });
      else app.chooseEdge(pick.kind, sequence.id, pick.q, i);
      return;
    }
    const now = selected();
    const add = event.shiftKey || event.ctrlKey || event.metaKey;
    const next = now.includes(i) ? now.filter((p) => p !== i) : add ? [...now, i] : [i];
    store.set({ sel: writeSelection(sequence.id, next.sort((a, b) => a - b)) });
  }

  /** @param {import("../core/app.js").App} app */
  function header(app) {
    const id = copyButton(sequence.id, () => sequence.tokens.join(""), {
      class: "chip", "aria-label": `Sequence ${sequence.id}: copy its text`, title: "Copy the text",
    });
    const pair = strongestPair(sequence);
    return el("header", {},
      id,
      el("span", { class: "num" }, "max ", el("b", {}, sequence.max.toFixed(3))),
      el("span", { class: "dim" }, `${sequence.n} tokens`),
      pair && el("span", { class: "dim wide-only" }, `strongest ${pair.q} → ${pair.k}`),
      el("span", { class: "spring" }),
      actionsOf(app, sequence, { storedEdges, startPick, isOpen, toggle }),
      menu(app, `Export sequence ${sequence.id}`, [
        ["SVG", () => saveSvg(name(), scene(), title())],
        ["PNG", () => savePng(name(), scene())],
        ["CSV: pattern", () => saveCsv(name(), table())],
        ["JSON", () => saveJson(name(), toRecord(sequence))],
      ]),
      grow,
      remove
        && button("×", () => remove(sequence), { class: "icon", "aria-label": `Delete sequence ${sequence.id}`, title: "Delete" }));
  }

  function startPick(kind) {
    const same = picking()?.kind === kind;
    store.set({ picking: same ? null : { kind, id: sequence.id, q: null } });
  }
  function toggle() {
    const ids = store.state.open.split(",").filter(Boolean);
    store.set({ open: (isOpen() ? ids.filter((id) => id !== sequence.id) : [...ids, sequence.id]).join(",") });
  }

  const title = () => `${app.headName()}, sequence ${sequence.id}, max ${number(sequence.max)}`;
  const name = () => fileName(app.headName(), "sequence", sequence.id);
  /** The drawing of the tokens as they are, made for the moment when the card is out of sight. */
  function scene() {
    const away = !mounted;
    if (away) mount();
    const made = tokensScene({
      title: title(), tokens: sequence.tokens, look: view.look, theme: app.theme.name,
      colours: app.theme.colours, measure,
    });
    if (away) unmount();
    return made;
  }
  const table = () => patternTable(sequence);
  app.gives.set(root, { title, give: { scene, json: () => toRecord(sequence), table } });

  /** Under the tokens: what is being picked, and the edges whose answers are stored. */
  function pickLine({ kind, q }) {
    const edges = storedEdges(kind).filter((edge) => q === null || edge[0] === q).slice(0, EDGES_SHOWN);
    return [
      `${kind === "heads" ? "Heads" : kind.toUpperCase()}: choose the ${q === null ? "query" : "key"} token · Esc cancels`,
      edges.length ? [" · stored: ", edges.map(([from, to]) =>
        button(`${from} → ${to}`, () => app.chooseEdge(kind, sequence.id, from, to), { class: "small" }))] : null,
    ];
  }

  function mount() {
    if (mounted) return;
    mounted = true;
    build();
  }
  const line = el("p", { class: "line", role: "status" });
  const showLine = () => {
    const pick = picking();
    fill(line, pick ? pickLine(pick) : sumText(sequence, selected(), mode().transpose));
    line.hidden = line.textContent === "";
  };

  /** What of the state decides how the card is built. */
  const built = () => JSON.stringify([isOpen(), store.state.map === sequence.id, ranked()]);
  /** The edge of this sequence on which the heads are ranked: {q, k} or null. */
  function ranked() {
    const { id, positions: [q, k] = [] } = readSelection(store.state.rank) ?? {};
    return id === sequence.id && q < sequence.n && k < sequence.n ? { q, k } : null;
  }

  function build() {
    place.fill(content);
    view.select(selected());
    root.classList.toggle("picking", picking() !== null);
    showLine();
    root.style.minHeight = "";
  }
  /** @param {import("../core/app.js").App} app */
  function content(app) {
    root.dataset.built = built();
    map = null;
    view = createTokens(app, sequence, {
      spans: spans(), mode, marks, largest: session.largest, onPress: press, onOpen: toggle,
      onFocus: (i) => map?.point(i),
    });
    if (store.state.map === sequence.id) {
      map = createHeatmap(app, sequence, {
        largest: session.largest,
        onCell: (cell) => {
          view.point(cell ? cell.q : -1);
          for (const node of view.root.querySelectorAll(".mark-key")) node.classList.remove("mark-key");
          if (cell) view.element(cell.k)?.classList.add("mark-key");
        },
        onPress: ({ q, k }) => {
          const pick = picking();
          if (pick) app.chooseEdge(pick.kind, sequence.id, q, k);
          else store.set({ sel: writeSelection(sequence.id, [q]) });
        },
      });
    }
    const edge = ranked();
    listen(app);
    return [header(app), view.root, line, map?.root, edge && createEdgeHeads(app, sequence, edge)];
  }
  /** @param {import("../core/app.js").App} app */
  function listen(app) {
    app.on(["transpose", "alt", "reduction", "themeName"], () => {
      view.refresh();
      map?.refresh();
      showLine();
    });
    app.on(["sel"], () => {
      view.select(selected());
      showLine();
    });
    app.on(["picking"], () => {
      root.classList.toggle("picking", picking() !== null);
      view.refresh();
      showLine();
    });
    app.on(["open", "map", "rank"], () => built() === root.dataset.built || build());
  }

  function unmount() {
    if (!mounted) return;
    mounted = false;
    root.style.minHeight = `${root.offsetHeight}px`;
    map = null;
    place.empty();
  }

  // Until it is measured: about nine words a line of a card.
  root.style.minHeight = `${70 + 24 * Math.ceil(Math.min(sequence.n, 2 * CONTEXT * 2) / 18)}px`;
  return { root, sequence, mount, unmount, showSize, isFull: () => root.classList.contains("full") };
}

/**
 * What can be done with a sequence, as buttons; the card tells its state and changes it.
 * @param {import("../core/app.js").App} app
 */
function actionsOf(app, sequence, { storedEdges, startPick, isOpen, toggle }) {
  const { store } = app;
  const { layer, head } = store.state;
  const live = app.backend !== null;
  const out = ["qk", "ov"].map((kind) => {
    const cached = storedEdges(kind).length;
    const closed = !live && !cached;
    const node = button(kind.toUpperCase(), () => closed || startPick(kind), {
      class: `act ${kind}${cached ? " solid" : ""}`, "aria-disabled": closed ? "true" : null,
      "aria-label": `${kind.toUpperCase()} attribution of an edge of sequence ${sequence.id}`,
    });
    return app.tip.on(node, closed
      ? "No edge of this sequence has a stored attribution: make attributions stores some, make serve computes any."
      : cached ? `${cached} stored ${cached === 1 ? "edge" : "edges"}` : "Choose an edge for its attribution");
  });
  if (app.tree.hasCloud(layer, head)) {
    out.push(app.tip.on(
      button(
        "UMAP", () => startPick("umap"),
        { class: "act umap", "aria-label": `Show an edge of sequence ${sequence.id} in the projection` },
      ),
      "Find an edge in the projection",
    ));
  }
  const open = store.state.map === sequence.id;
  out.push(button(
    "Map", () => store.set({ map: open ? "" : sequence.id, zoom: "" }),
    {
      class: `act${open ? " solid" : ""}`, "aria-pressed": String(open),
      "aria-label": `Heat map of sequence ${sequence.id}`,
    },
  ));
  out.push(app.tip.on(
    button("Heads", () => startPick("heads"), {
      class: "act", "aria-label": `Rank the heads on an edge of sequence ${sequence.id}`,
    }),
    "Rank all heads by their attention on an edge",
  ));
  if (sequence.n > FOLD_FROM) {
    out.push(button(
      isOpen() ? "Fold" : "Unfold", toggle,
      {
        class: "act", "aria-expanded": String(isOpen()),
        "aria-label": `${isOpen() ? "Fold" : "Unfold"} sequence ${sequence.id}`,
      },
    ));
  }
  return out;
}

/** What the selection sums to, in words. */
function sumText(sequence, chosen, transpose) {
  if (!chosen.length) return "";
  const top = entriesOf(sequence, chosen, transpose)
    .slice(0, 4)
    .map(({ at, value }) => `${at} ${sequence.tokens[at].trim() || "␣"} ${number(value)}`);
  const one = chosen.length === 1;
  const who = one ? "Token" : `${chosen.length} tokens`;
  const does = transpose ? `receive${one ? "s" : ""} from` : `attend${one ? "s" : ""} to`;
  return `${who} ${chosen.join(", ")} ${does}: ${top.join(" · ") || "nothing stored"}`;
}

function entriesOf(sequence, positions, transpose) {
  const sum = new Map();
  for (const p of positions) for (const { at, value } of entries(sequence, p, transpose)) sum.set(
    at, (sum.get(at) ?? 0) + value,
  );
  return [...sum].map(([at, value]) => ({ at, value })).sort((a, b) => b.value - a.value);
}
