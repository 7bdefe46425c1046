// SPDX-License-Identifier: Apache-2.0
// The tokens of one sequence: coloured, hovered, focused, selected and picked.

import { button, el } from "../core/dom.js";
import { attentionRamp, attentionStep } from "../pure/colour.js";
import { number, quoted, token as shown } from "../pure/format.js";
import { entries, strongestPair, strongestPerToken, summed } from "../pure/sequence.js";

const LINES = 5; // strongest keys a line is drawn to
/** @typedef {{query: number, key: number, cached: Set<number>}} Marks tokens to point out; -1 for none */
/** @type {(...args: any[]) => void} */
const nobody = () => {};
const SVG = "http://www.w3.org/2000/svg";

/**
 * A view of `sequence` over the stretches `spans` ([from, to) pairs).
 * `mode()` answers {transpose, reduction}; `largest()` where the colour scale ends; `onFocus(i)`
 * hears what is hovered or focused (-1: nothing), `onPress(i, event)` a click or Enter.
 * @param {import("../core/app.js").App} app
 */
export function createTokens(
  app, sequence, { spans, mode, largest, onFocus = nobody, onPress = nobody, onOpen = nobody,
    marks = /** @type {() => Marks | null} */ (() => null) },
) {
  const arcs = document.createElementNS(SVG, "svg");
  arcs.setAttribute("class", "arcs");
  arcs.setAttribute("aria-hidden", "true");
  const root = el("div", { class: "tokens", role: "group", "aria-label": `Tokens of sequence ${sequence.id}` });
  const nodes = new Array(sequence.n).fill(null);
  const painted = new Map();
  let order = [];
  let gaps = []; // what is folded away: {node, from, to}
  let active = -1;
  let rover = -1;
  let selection = [];
  let base = null;
  /** @type {{fills: Float64Array, strips: Float64Array | null, from: number[]}} */
  let look = { fills: new Float64Array(sequence.n), strips: null, from: [] };
  let lines = []; // to the strongest keys: {source, at, value}

  function build() {
    order = [];
    gaps = [];
    const children = [arcs];
    let at = 0;
    for (const [from, to] of spans) {
      if (from > at) children.push(gap(at, from));
      for (let i = from; i < to; i++) {
        const text = sequence.tokens[i];
        const blank = text.trim() === "" ? quoted(text) : null; // a name for what has no visible text
        const node = el(
          "span", { class: "tok", role: "button", tabIndex: -1, "data-i": i, "aria-label": blank }, shown(text) || "∅",
        );
        nodes[i] = node;
        order.push(i);
        children.push(node);
        if (text.includes("\n") && i + 1 < to) children.push(el("br"));
      }
      at = to;
    }
    if (at < sequence.n) children.push(gap(at, sequence.n));
    root.replaceChildren(...children);
    rover = order[0] ?? -1;
    if (rover >= 0) nodes[rover].tabIndex = 0;
  }
  function gap(from, to) {
    const name = `Show tokens ${from} to ${to - 1}`;
    const node = button(`⋯ ${to - from} tokens ⋯`, () => onOpen(from, to), { class: "gap", "aria-label": name });
    gaps.push({ node, from, to });
    return node;
  }

  function rebase() {
    const { transpose, reduction } = mode();
    if (reduction === "pairwise_max") {
      const pair = strongestPair(sequence);
      const fills = new Float64Array(sequence.n);
      if (pair) fills[pair.q] = pair.value;
      base = { fills, pair };
    } else base = { fills: strongestPerToken(sequence, transpose), pair: null };
  }

  /** What the tokens show now: the focused one, else the selection, else the reduction. */
  function update() {
    if (!base) rebase();
    const { transpose, reduction } = mode();
    const given = marks();
    const single = given && given.query >= 0 && active < 0 ? given.query : active;
    const from = single > 0 ? [single] : selection;
    const still = reduction === "pairwise_max" && single > 0 && !selection.length && given === null;
    if (from.length && !still) look = {
      fills: summed(sequence, from, transpose), strips: summed(sequence, from, !transpose), from,
    };
    else look = { fills: base.fills, strips: null, from: [] };
    paint(given);
    for (const { node, from: first, to } of gaps) {
      node.classList.toggle("source", look.from.some((i) => i >= first && i < to));
    }
    drawArcs(still ? [] : from, transpose);
  }

  function paint(given) {
    const ramp = attentionRamp(app.theme.name);
    const strip = attentionRamp(app.theme.name, true);
    const top = largest();
    const chosen = new Set(selection);
    for (const i of order) {
      const fill = attentionStep(look.fills[i], top);
      const under = look.strips ? attentionStep(look.strips[i], top) : 0;
      const flags = (chosen.has(i) ? 1 : 0) | (look.from.includes(i) ? 2 : 0) | (base.pair?.k === i && !look.strips ? 4 : 0)
        | (given?.query === i ? 8 : 0) | (given?.key === i ? 16 : 0) | (given?.cached?.has(i) ? 32 : 0);
      const code = fill | (under << 8) | (flags << 16);
      if (painted.get(i) === code) continue;
      painted.set(i, code);
      const { style, classList } = nodes[i];
      style.backgroundColor = fill ? ramp[fill].fill : "";
      style.color = fill ? ramp[fill].ink : "";
      style.boxShadow = under ? `inset 0 -3px 0 ${strip[Math.max(under, 60)].fill}` : "";
      classList.toggle("chosen", (flags & 1) !== 0);
      classList.toggle("source", (flags & 2) !== 0);
      classList.toggle("pair-key", (flags & 4) !== 0);
      classList.toggle("mark-query", (flags & 8) !== 0);
      classList.toggle("mark-key", (flags & 16) !== 0);
      classList.toggle("cached", (flags & 32) !== 0);
    }
  }

  function drawArcs(from, transpose) {
    lines = from.length ? strongestOf(from, transpose).filter(({ source, at }) => nodes[source] && nodes[at]) : [];
    if (!lines.length) {
      if (arcs.childElementCount) arcs.replaceChildren();
      return;
    }
    const top = largest();
    const colour = getComputedStyle(root).getPropertyValue("--given");
    arcs.replaceChildren(...lines.map(({ source, at, value }) => arcOf(nodes[source], nodes[at], value / top, colour)));
  }

  const strongestOf = (from, transpose) => from
    .flatMap((source) => entries(sequence, source, transpose).slice(0, LINES).map((e) => ({ source, ...e })))
    .filter(({ source, at }) => at !== source).sort((a, b) => b.value - a.value).slice(0, LINES);

  function tipFor(i, x, y) {
    app.tip.show(x, y,
      el("div", { class: "toktip" },
        el(
          "div", {}, el("b", {}, `${i}: ${number(base.fills[i])}`), " ",
          el("span", { class: "dim" }, quoted(sequence.tokens[i])),
        ),
        look.from.length && !look.from.includes(i) ? el(
          "div", {}, `from the selection: ${number(look.fills[i])}`,
        ) : null,
        wordsOf(sequence, i).map((line) => el("div", { class: "dim" }, line))));
  }

  function focusOn(i) {
    if (active === i) return;
    active = i;
    update();
    onFocus(i);
  }

  const indexOf = (target) => {
    const at = target.closest?.(".tok")?.dataset.i;
    return at === undefined ? -1 : Number(at);
  };
  root.addEventListener("pointerover", (event) => {
    const i = indexOf(event.target);
    if (i < 0) return;
    focusOn(i);
    const box = nodes[i].getBoundingClientRect();
    tipFor(i, box.left, box.bottom - 6);
  });
  root.addEventListener("pointerleave", () => {
    app.tip.hide();
    focusOn(-1);
  });
  // Shift adds a token; it must not select the text between as well.
  root.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  root.addEventListener("click", (event) => {
    const i = indexOf(event.target);
    if (i >= 0) onPress(i, event);
  });
  root.addEventListener("focusin", (event) => {
    const i = indexOf(event.target);
    if (i < 0) return;
    rove(i);
    if (!event.target.matches(":focus-visible")) return;
    nodes[i].setAttribute("aria-label", `${i}: ${quoted(sequence.tokens[i])}, ${wordsOf(sequence, i).join(", ")}`);
    focusOn(i);
    const box = nodes[i].getBoundingClientRect();
    tipFor(i, box.left, box.bottom - 6);
  });
  root.addEventListener("focusout", (event) => {
    if (root.contains(event.relatedTarget)) return;
    focusOn(-1);
    app.tip.hide();
  });
  root.addEventListener("keydown", (event) => {
    const i = indexOf(event.target);
    if (i < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      onPress(i, event);
      event.preventDefault();
      return;
    }
    const at = order.indexOf(i);
    const to = {
      ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: order.length - 1, ArrowDown: at + 12, ArrowUp: at - 12,
    }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = order[Math.min(order.length - 1, Math.max(0, to))];
    rove(next);
    nodes[next].focus();
  });
  function rove(i) {
    if (rover >= 0 && nodes[rover]) nodes[rover].tabIndex = -1;
    rover = i;
    nodes[i].tabIndex = 0;
  }

  build();
  rebase();
  update();
  return {
    root,
    /** Another reduction, direction or theme. */
    refresh() {
      painted.clear();
      rebase();
      update();
    },
    update,
    select(positions) {
      selection = positions;
      update();
    },
    /** Shows a token as if it were hovered, without telling anybody. */
    point(i) {
      if (i === active) return;
      active = i;
      update();
    },
    /** What is painted now, for the exports: values of fill and strip, the scale's end, the stretches, the lines. */
    get look() {
      return { ...look, largest: largest(), selection, pair: base.pair, lines, spans };
    },
    /** The element of a token, or of the fold it is in. */
    element: (i) => nodes[i] ?? gaps.find(({ from, to }) => i >= from && i < to)?.node,
  };
}

/** The line from one token's element to another's, as strong as their attention: over a line of text, else between. */
function arcOf(source, target, share, colour) {
  const place = (node) => [node.offsetLeft + node.offsetWidth / 2, node.offsetTop, node.offsetHeight];
  const [x1, y1, h1] = place(source);
  const [x2, y2, h2] = place(target);
  const same = Math.abs(y1 - y2) < 4;
  const lift = same ? Math.min(16, 6 + Math.abs(x1 - x2) / 20) : 0;
  const [from, to] = same ? [[x1, y1 + 3], [x2, y2 + 3]] : y1 > y2 ? [
    [x1, y1 + 2], [x2, y2 + h2 - 2],
  ] : [[x1, y1 + h1 - 2], [x2, y2 + 2]];
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - lift];
  const path = document.createElementNS(SVG, "path");
  path.setAttribute(
    "d",
    same
      ? `M${from}Q${middle} ${to}`
      : `M${from}C${from[0]},${(from[1] + to[1]) / 2} ${to[0]},${(from[1] + to[1]) / 2} ${to}`,
  );
  path.setAttribute("stroke", colour);
  path.setAttribute("stroke-width", String(0.75 + 2.25 * Math.min(1, share)));
  path.setAttribute("opacity", String(0.35 + 0.55 * Math.min(1, share)));
  return path;
}

/** What a token gives and receives most, in words. */
function wordsOf(sequence, i) {
  const [toKey] = entries(sequence, i, false);
  const [fromQuery] = entries(sequence, i, true);
  const lines = [];
  if (toKey) lines.push(`gives ${number(toKey.value)} to ${toKey.at} ${quoted(sequence.tokens[toKey.at])}`);
  if (fromQuery) {
    lines.push(`receives ${number(fromQuery.value)} from ${fromQuery.at} ${quoted(sequence.tokens[fromQuery.at])}`);
  }
  return lines.length ? lines : [i === 0 ? "position 0 is left out of every reduction" : "nothing stored"];
}
