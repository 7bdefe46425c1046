// SPDX-License-Identifier: Apache-2.0
// One sequence of a head: its tokens, its heat map, and what can be done with it.

import { button, el, fill } from "../core/dom.js";
import { fileName, saveCsv, saveJson, savePng, saveSvg } from "../core/exports.js";
import { menu } from "../core/panel.js";
import { readSelection, writeSelection } from "../core/state.js";
import { FONT } from "../plots/scene.js";
import { tokensScene } from "../plots/tokens.js";
import { number } from "../pure/format.js";
import { entries, folds, strongestPair, toRecord } from "../pure/sequence.js";
import { createHeatmap } from "./heatmap.js";
import { createTokens } from "./tokens.js";

/** Sequences longer than this fold around their strongest edge. */
export const FOLD_FROM = 160;
const CONTEXT = 34;

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

/** `custom` cards can be deleted when `remove` is given. */
export function createCard(app, sequence, { remove = null }) {
  const { store, session } = app;
  const root = el("article", { class: "card", "data-id": sequence.id, "aria-label": `Sequence ${sequence.id}` });
  let view = null;
  let map = null;
  let mounted = false;
  const stops = [];

  const isOpen = () => store.state.open.split(",").includes(sequence.id);
  const selected = () => {
    const sel = readSelection(store.state.sel);
    return sel?.id === sequence.id ? sel.positions.filter((i) => i < sequence.n) : [];
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

  function marks() {
    const pick = picking();
    if (!pick) return null;
    const edges = pick.kind === "umap" ? [] : app.tree.cachedEdges(
      pick.kind, store.state.layer, store.state.head, sequence.id,
    );
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

  function header() {
    const id = button(sequence.id, async () => {
      try {
        await navigator.clipboard.writeText(sequence.tokens.join(""));
        id.textContent = "Copied";
      } catch {
        id.textContent = "No clipboard";
      }
      setTimeout(() => (id.textContent = sequence.id), 1500);
    }, { class: "chip", "aria-label": `Sequence ${sequence.id}: copy its text`, title: "Copy the text" });
    const pair = strongestPair(sequence);
    return el("header", {},
      id,
      el("span", { class: "num" }, "max ", el("b", {}, sequence.max.toFixed(3))),
      el("span", { class: "dim" }, `${sequence.n} tokens`),
      pair && el("span", { class: "dim wide-only" }, `strongest ${pair.q} → ${pair.k}`),
      el("span", { class: "spring" }),
      actions(),
      menu(`Export sequence ${sequence.id}`, [
        ["SVG", () => saveSvg(name(), scene(), title())],
        ["PNG", () => savePng(name(), scene())],
        ["CSV: pattern", () => saveCsv(name(), table())],
        ["JSON", () => saveJson(name(), toRecord(sequence))],
      ]),
      remove
        && button("×", () => remove(sequence), { class: "icon", "aria-label": `Delete sequence ${sequence.id}`, title: "Delete" }));
  }

  function actions() {
    const { layer, head } = store.state;
    const live = app.backend !== null;
    const out = ["qk", "ov"].map((kind) => {
      const cached = app.tree.cachedEdges(kind, layer, head, sequence.id).length;
      const closed = !live && !cached;
      const node = button(
        kind.toUpperCase(), () => startPick(kind),
        {
          class: `act ${kind}${cached ? " solid" : ""}`, disabled: closed,
          "aria-label": `${kind.toUpperCase()} attribution of an edge of sequence ${sequence.id}`,
        },
      );
      return app.tip.on(
        node, () => (closed ? "" : cached ? `${cached} cached edges` : "Choose an edge for its attribution"),
      );
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
  const scene = () => tokensScene({
    title: title(), tokens: sequence.tokens, spans: spans(), look: view.look, theme: app.theme.name,
    colours: app.theme.colours, measure,
  });
  function table() {
    const rows = [];
    for (let q = 0; q < sequence.n; q++) {
      for (let i = sequence.rowStart[q]; i < sequence.rowStart[q + 1]; i++) rows.push([
        q, sequence.cols[i], sequence.tokens[q], sequence.tokens[sequence.cols[i]], sequence.vals[i],
      ]);
    }
    return { columns: ["query", "key", "query_token", "key_token", "attention"], rows };
  }

  /** Words under the tokens: what is being picked, or what the selection sums to. */
  function lineText() {
    const pick = picking();
    if (pick) return `${pick.kind.toUpperCase()}: choose the ${pick.q === null ? "query" : "key"} token · Esc cancels`;
    const chosen = selected();
    if (!chosen.length) return "";
    const { transpose } = mode();
    const top = entriesOf(chosen, transpose)
      .slice(0, 4)
      .map(({ at, value }) => `${at} ${sequence.tokens[at].trim() || "␣"} ${number(value)}`);
    const one = chosen.length === 1;
    const who = one ? "Token" : `${chosen.length} tokens`;
    const does = transpose ? `receive${one ? "s" : ""} from` : `attend${one ? "s" : ""} to`;
    return `${who} ${chosen.join(", ")} ${does}: ${top.join(" · ") || "nothing stored"}`;
  }
  function entriesOf(positions, transpose) {
    const sum = new Map();
    for (const p of positions) for (const { at, value } of entries(sequence, p, transpose)) sum.set(
      at, (sum.get(at) ?? 0) + value,
    );
    return [...sum].map(([at, value]) => ({ at, value })).sort((a, b) => b.value - a.value);
  }

  function mount() {
    if (mounted) return;
    mounted = true;
    build();
    stops.push(
      store.on(["transpose", "alt", "reduction", "themeName"], () => {
        view.refresh();
        map?.refresh();
        showLine();
      }),
      store.on(["sel"], () => {
        view.select(selected());
        showLine();
      }),
      store.on(["picking"], () => {
        root.classList.toggle("picking", picking() !== null);
        view.refresh();
        showLine();
      }),
      store.on(["open", "map"], (state, changed) => {
        const affected = isOpen() !== (root.dataset.open === "true")
          || (store.state.map === sequence.id) !== (map !== null);
        if (affected) build();
      }),
    );
  }
  const line = el("p", { class: "line", role: "status" });
  const showLine = () => {
    line.textContent = lineText();
    line.hidden = line.textContent === "";
  };

  function build() {
    root.dataset.open = String(isOpen());
    map?.stop();
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
    fill(root, header(), view.root, line, map?.root);
    view.select(selected());
    root.classList.toggle("picking", picking() !== null);
    showLine();
    root.style.minHeight = "";
  }

  function unmount() {
    if (!mounted) return;
    mounted = false;
    root.style.minHeight = `${root.offsetHeight}px`;
    stops.splice(0).forEach((stop) => stop());
    map?.stop();
    map = null;
    root.replaceChildren();
  }

  // Until it is measured: about nine words a line of a card.
  root.style.minHeight = `${70 + 24 * Math.ceil(Math.min(sequence.n, 2 * CONTEXT * 2) / 18)}px`;
  return { root, sequence, mount, unmount };
}
