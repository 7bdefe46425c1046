// SPDX-License-Identifier: Apache-2.0
// One sequence of a head: its tokens, its heat map, and what can be done with it.

import { el, fill } from "../core/dom.js";
import { fileName, saveCsv, saveJson, savePng, saveSvg } from "../core/exports.js";
import { openFigure } from "../core/figure.js";
import { maximiser } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { listed, readSelection, toggled } from "../core/state.js";
import { FONT, sideBySide } from "../pure/scene.js";
import { withLegend } from "../plots/legend.js";
import { tokensLegend, tokensScene } from "../plots/tokens.js";
import { number } from "../pure/format.js";
import { cropped } from "../pure/crop.js";
import { folds, patternTable, strongestLinks, strongestPair, summed, toRecord } from "../pure/sequence.js";
import { named } from "../pure/spelling.js";
import { cardHeader } from "./cardheader.js";
import { createBeside } from "./beside.js";
import { createEdgeHeads } from "./edgeheads.js";
import { createHeatmap } from "./heatmap.js";
import { createPicking } from "./picking.js";
import { LINES, createTokens } from "./tokens.js";

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {ReturnType<typeof createTokens>} Tokens
 */

/** Sequences longer than this fold around their strongest edge. */
const FOLD_FROM = 160;
const CONTEXT = 34;
const TOP = 4; // keys of a selection told in words

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;
/**
 * Width of a text at 13 px in the page's font.
 * @param {string} text
 */
export function measure(text) {
  ruler ??= /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  ruler.font = `13px ${FONT}`;
  return ruler.measureText(text).width;
}

/**
 * The stretches of a sequence that are shown: all when short or opened, else around `anchors` and, closer, `near`.
 * @param {Sequence} sequence
 * @param {{open: boolean, anchors?: number[], near?: number[]}} options
 */
export function spansOf(sequence, { open, anchors = [], near = [] }) {
  if (open || sequence.n <= FOLD_FROM) return [[0, sequence.n]];
  const pair = strongestPair(sequence);
  const within = anchors.filter((i) => i >= 0 && i < sequence.n);
  return folds(sequence.n, within.length ? within : pair ? [pair.q, pair.k] : [], CONTEXT, near);
}

/**
 * `name` is what people call the sequence, `says` stands above its text; `tools(app)` makes buttons of its own for the header.
 * @param {import("../core/app.js").App} app
 * @param {Sequence} sequence
 * @param {{name?: string, says?: string, tools?: (app: import("../core/app.js").App) => (HTMLElement | null)[]}} options
 */
export function createCard(app, sequence, { name = "", says = "", tools = () => [] }) {
  const { store, session } = app;
  const root = el("article", { class: "card", "data-id": sequence.id, "aria-label": `Sequence ${sequence.id}` });
  /** @type {Tokens | null} */
  let view = null;
  /** @type {ReturnType<typeof createHeatmap> | null} */
  let map = null;
  /** @type {ReturnType<typeof createBeside> | null} */
  let beside = null;
  const place = createPlace(app, root);
  const pick = createPicking(app, sequence);
  const line = el("p", { class: "line", role: "status" });
  const { grow, show: showSize } = maximiser(app, root, `card-${sequence.id}`, `sequence ${sequence.id}`);

  const mode = () => ({
    transpose: store.state.transpose !== (store.state.alt === true),
    reduction: pick.picking() ? "max" : store.state.reduction,
  });
  const isOpen = () => listed(store.state.open).includes(sequence.id);
  const hasMap = () => listed(store.state.map).includes(sequence.id);
  /** Around what is held, its strongest keys and the edge that was chosen. */
  const spans = () => {
    const { seq, qpos, kpos } = store.state;
    const held = pick.selected();
    return spansOf(sequence, {
      open: isOpen(), anchors: [...held, ...(seq === sequence.id && qpos !== null && kpos !== null ? [qpos, kpos] : [])],
      near: strongestLinks(sequence, held, store.state.transpose, LINES).map(({ at }) => at),
    });
  };
  /** The edge of this sequence on which the heads are ranked. */
  const ranked = () => {
    const { id, positions: [q, k] = [] } = readSelection(store.state.rank) ?? {};
    return id === sequence.id && q < sequence.n && k < sequence.n ? { q, k } : null;
  };
  /** What of the state decides how the card is built. */
  const built = () => JSON.stringify([spans(), hasMap(), ranked(), app.compare.name]);

  const title = () => `${app.headName()}, sequence ${sequence.id}${name ? ` (${name})` : ""}${sequence.textOnly ? "" : `, max ${number(sequence.max)}`}`;
  /**
   * The drawing of the tokens as they are, made for the moment when the card is out of sight; on paper with what the colours
   * mean and, where that is asked for, only with the stretches around a query and its key.
   * @param {{paper?: boolean, crop?: import("../pure/crop.js").Stretch[] | null}} options
   */
  function scene({ paper = false, crop = null } = {}) {
    const away = view === null;
    if (away) build();
    const { name: theme, colours } = app.theme;
    /**
     * @param {string} title
     * @param {Tokens} view
     */
    const drawn = (title, { look }) => tokensScene({
      title, tokens: sequence.tokens, look: crop ? { ...look, spans: cropped(sequence.n, crop) } : look, theme, colours, measure,
    });
    const other = beside?.view();
    const own = drawn(other && paper ? app.headName() : paper ? "" : title(), /** @type {Tokens} */ (view));
    const made = other ? sideBySide([own, drawn(app.compare.name, other)]) : own;
    const legend = tokensLegend({
      largest: session.largest(), transpose: mode().transpose, strips: Boolean(view?.look.strips), theme,
    });
    if (away) unmount();
    return paper ? withLegend(made, legend, colours) : made;
  }
  /** What a figure is cropped to: the held query and its strongest key (transposed: key and query), else the strongest edge. */
  function ends() {
    const { transpose } = store.state;
    const [held] = pick.selected();
    const [link] = held === undefined ? [] : strongestLinks(sequence, [held], transpose, 1);
    const pair = strongestPair(sequence);
    const [mine, other] = held === undefined ? [pair?.q, pair?.k] : [held, link?.at];
    const isKey = transpose && held !== undefined;
    /** @type {{name: "query" | "key", at: number | undefined}[]} */
    const both = [{ name: isKey ? "key" : "query", at: mine }, { name: isKey ? "query" : "key", at: other }];
    return both.flatMap(({ name, at }) => (at === undefined ? [] : [{ name, at, word: word(at) }]));
  }
  const word = (/** @type {number} */ i) => named(sequence.tokens, i);
  const give = { scene: () => scene(), json: () => toRecord(sequence), table: () => patternTable(sequence) };
  app.gives.set(root, { title, give });
  const file = () => fileName(app.headName(), "sequence", sequence.id);
  /** @type {[string, () => unknown][]} */
  const saves = [
    ["SVG", () => saveSvg(file(), app.theme.inLight(give.scene), title())], ["PNG", () => savePng(file(), app.theme.inLight(give.scene))],
    ["Figure …", () => openFigure(app, {
      file: file(), title: title(), crop: { n: sequence.n, ends: ends() },
      read: async (crop) => () => scene({ paper: true, crop }),
    })],
    ["CSV: pattern", () => saveCsv(file(), give.table())], ["JSON", () => saveJson(file(), give.json())],
  ];
  const actions = {
    storedEdges: pick.storedEdges, startPick: pick.start, hasMap, isOpen, canFold: sequence.n > FOLD_FROM,
    toggleMap: () => store.set({ map: toggled(store.state.map, sequence.id), zoom: "" }),
    toggle: () => store.set({ open: toggled(store.state.open, sequence.id) }),
  };

  function showLine() {
    fill(line, pick.line() ?? sumText(sequence, pick.selected(), mode().transpose));
    line.hidden = line.textContent === "";
  }
  function build() {
    place.fill(content);
    view?.select(pick.selected());
    root.classList.toggle("picking", pick.picking() !== null);
    showLine();
    root.style.minHeight = "";
  }
  /** @param {import("../core/app.js").App} app */
  function content(app) {
    root.dataset.built = built();
    const options = {
      spans: spans(), mode, marks: pick.marks, largest: session.largest, onPress: pick.press, onOpen: actions.toggle,
    };
    const tokens = createTokens(app, sequence, {
      ...options,
      onFocus(i) {
        map?.point(i);
        beside?.view()?.point(i);
      },
    });
    view = tokens;
    beside = app.compare.name ? createBeside(app, sequence.id, tokens, options) : null;
    map = hasMap() ? createHeatmap(app, sequence, {
      largest: session.largest, onCell: linkCell(tokens), onPress: pick.pressCell, held: pick.selected,
    }) : null;
    const edge = ranked();
    listen(app);
    return [
      cardHeader(app, sequence, { name, actions, saves, grow, extra: tools(app) }),
      says && el("p", { class: "note says" }, says), beside?.root ?? tokens.root, line, map?.root,
      edge && createEdgeHeads(app, sequence, edge),
    ];
  }
  /** @param {import("../core/app.js").App} app */
  function listen(app) {
    app.on(["transpose", "alt", "reduction", "themeName"], () => {
      view?.refresh();
      beside?.view()?.refresh();
      map?.refresh();
      showLine();
    });
    app.on(["vsVersion"], build);
    app.on(["sel"], () => {
      if (built() !== root.dataset.built) return build();
      view?.select(pick.selected());
      beside?.view()?.select(pick.selected());
      map?.mark();
      return showLine();
    });
    app.on(["picking"], () => {
      root.classList.toggle("picking", pick.picking() !== null);
      view?.refresh();
      showLine();
    });
    app.on(["open", "map", "rank"], () => built() === root.dataset.built || build());
  }
  function unmount() {
    if (!view) return;
    root.style.minHeight = `${root.offsetHeight}px`;
    view = map = beside = null;
    place.empty();
  }

  // Until it is measured: about nine words a line of a card.
  root.style.minHeight = `${70 + 24 * Math.ceil(Math.min(sequence.n, 2 * CONTEXT * 2) / 18)}px`;
  return {
    root, sequence, unmount, showSize, isFull: () => root.classList.contains("full"), mount: () => view ?? build(),
  };
}

/**
 * Marks the query and the key of a map's cell in the text.
 * @param {Tokens} tokens
 */
function linkCell(tokens) {
  /** @param {{q: number, k: number} | null} cell */
  return (cell) => {
    tokens.point(cell ? cell.q : -1);
    for (const node of tokens.root.querySelectorAll(".mark-key")) node.classList.remove("mark-key");
    if (cell) tokens.element(cell.k)?.classList.add("mark-key");
  };
}

/**
 * What the selection sums to, in words.
 * @param {Sequence} sequence
 * @param {number[]} chosen
 * @param {boolean} transpose
 */
function sumText(sequence, chosen, transpose) {
  if (!chosen.length || sequence.textOnly) return "";
  const sums = summed(sequence, chosen, transpose);
  const top = [...sums.keys()].filter((at) => sums[at] > 0).sort((a, b) => sums[b] - sums[a]).slice(0, TOP)
    .map((at) => `${at} ${named(sequence.tokens, at)} ${number(sums[at])}`);
  const one = chosen.length === 1;
  const who = one ? "Token" : `${chosen.length} tokens`;
  const does = transpose ? `receive${one ? "s" : ""} from` : `attend${one ? "s" : ""} to`;
  return `${who} ${chosen.join(", ")} ${does}: ${top.join(" · ") || "nothing stored"}`;
}
