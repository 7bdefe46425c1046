// SPDX-License-Identifier: Apache-2.0
// The tokens of one sequence: hovered, focused, selected and picked. How they look stands in tokennodes.js and arcs.js.

import { el } from "../core/dom.js";
import { strongestLinks, strongestPair, strongestPerToken, summed } from "../pure/sequence.js";
import { named } from "../pure/spelling.js";
import { createArcs } from "./arcs.js";
import { createTokenPaint, tokenNodes } from "./tokennodes.js";
import { tokenTip, wordsOf } from "./tokentip.js";

/** Strongest keys a line is drawn to. */
export const LINES = 5;

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{query: number, key: number, cached: Set<number>}} Marks tokens to point out; -1 for none
 * @typedef {{transpose: boolean, reduction: string}} Mode
 * @typedef {{fills: Float64Array, strips: Float64Array | null, from: number[]}} Look attention by token: as fill, as the
 *   strip below, and of which tokens
 */
/** @type {() => void} */
const nobody = () => {};

/**
 * A view of `sequence` over the stretches `spans` ([from, to) pairs). `largest()` is where the colour scale ends;
 * `onFocus(i)` hears what is hovered or focused (-1: nothing), `onPress(i, event)` a click or Enter.
 * @param {import("../core/app.js").App} app
 * @param {Sequence} sequence
 * @param {{spans: number[][], mode: () => Mode, largest: () => number, onFocus?: (i: number) => void,
 *   onPress?: (i: number, event: MouseEvent | KeyboardEvent) => void, onOpen?: () => void, marks?: () => Marks | null}} options
 */
export function createTokens(
  app, sequence, { spans, mode, largest, onFocus = nobody, onPress = nobody, onOpen = nobody, marks = () => null },
) {
  const arcs = createArcs();
  const made = tokenNodes(sequence, spans, onOpen);
  const { nodes, gaps, order } = made;
  const paint = createTokenPaint(made);
  const root = el(
    "div", { class: "tokens", role: "group", dir: "auto", "aria-label": `Tokens of sequence ${sequence.id}` },
    arcs.element, made.children,
  );
  let active = -1;
  /** @type {number[]} */
  let selection = [];
  let base = baseOf(sequence, mode());
  /** @type {Look} */
  let look = { fills: base.fills, strips: null, from: [] };
  /** @type {{source: number, at: number, value: number}[]} */
  let lines = [];

  /** What the tokens show now: the focused one, else the selection, else the reduction. */
  function update() {
    const { transpose, reduction } = mode();
    const given = marks();
    const single = given && given.query >= 0 && active < 0 ? given.query : active;
    const from = single > 0 ? [single] : selection;
    const still = reduction === "pairwise_max" && single > 0 && !selection.length && given === null;
    const shows = from.length > 0 && !still;
    look = shows
      ? { fills: summed(sequence, from, transpose), strips: summed(sequence, from, !transpose), from }
      : { fills: base.fills, strips: null, from: [] };
    const chosen = new Set(selection);
    paint.paint(app.theme.name, look, largest(), (i) => [
      chosen.has(i), look.from.includes(i), base.pair?.k === i && !look.strips, given?.query === i, given?.key === i,
      given?.cached.has(i) === true,
    ]);
    for (const { node, from: first, to } of gaps) {
      node.classList.toggle("source", look.from.some((i) => i >= first && i < to));
    }
    lines = shows
      ? strongestLinks(sequence, from, transpose, LINES).filter(({ source, at }) => nodes[source] && nodes[at]) : [];
    arcs.draw(lines, nodes, largest());
  }

  /** @param {number} i */
  function focusOn(i) {
    if (active === i) return;
    active = i;
    update();
    onFocus(i);
  }
  /** @param {number} i */
  function tip(i) {
    const box = /** @type {HTMLElement} */ (nodes[i]).getBoundingClientRect();
    const fromSelection = look.from.length > 0 && !look.from.includes(i);
    app.tip.show(box.left, box.bottom - 6, tokenTip(sequence, i, {
      value: base.fills[i], summed: fromSelection ? look.fills[i] : null, transpose: mode().transpose,
    }));
  }

  listen(root, nodes, order, {
    over(i) {
      focusOn(i);
      tip(i);
    },
    focus(i) {
      nodes[i]?.setAttribute("aria-label", `${i}: ${named(sequence.tokens, i)}, ${wordsOf(sequence, i).join(", ")}`);
      focusOn(i);
      tip(i);
    },
    leave() {
      app.tip.hide();
      focusOn(-1);
    },
    press: onPress,
  });
  update();
  return {
    root,
    /** Another reduction, direction or theme. */
    refresh() {
      paint.forget();
      base = baseOf(sequence, mode());
      update();
    },
    update,
    /** @param {number[]} positions */
    select(positions) {
      selection = positions;
      update();
    },
    /**
     * Shows a token as if it were hovered, without telling anybody.
     * @param {number} i
     */
    point(i) {
      if (i === active) return;
      active = i;
      update();
    },
    /** What is painted now, for the exports: values of fill and strip, the scale's end, the stretches, the lines. */
    get look() {
      return { ...look, largest: largest(), selection, pair: base.pair, lines, spans };
    },
    /**
     * The element of a token, or of the fold it is in.
     * @param {number} i
     */
    element: (i) => nodes[i] ?? gaps.find(({ from, to }) => i >= from && i < to)?.node,
  };
}

/**
 * The reduction that is shown while nothing is hovered or held.
 * @param {Sequence} sequence
 * @param {Mode} mode
 */
function baseOf(sequence, { transpose, reduction }) {
  if (reduction !== "pairwise_max") return { fills: strongestPerToken(sequence, transpose), pair: null };
  const pair = strongestPair(sequence);
  const fills = new Float64Array(sequence.n);
  if (pair) fills[pair.q] = pair.value;
  return { fills, pair };
}

/**
 * Pointer and keyboard on the tokens. One token at a time can be reached by Tab; the arrow keys go on from there.
 * @param {HTMLElement} root
 * @param {(HTMLElement | null)[]} nodes
 * @param {number[]} order
 * @param {{over: (i: number) => void, focus: (i: number) => void, leave: () => void,
 *   press: (i: number, event: MouseEvent | KeyboardEvent) => void}} hears
 */
function listen(root, nodes, order, { over, focus, leave, press }) {
  let rover = order[0] ?? -1;
  if (rover >= 0) /** @type {HTMLElement} */ (nodes[rover]).tabIndex = 0;
  const indexOf = (/** @type {Event} */ { target }) => {
    const token = /** @type {HTMLElement | null | undefined} */ (/** @type {Element} */ (target).closest?.(".tok"));
    const at = token?.dataset.i;
    return at === undefined ? -1 : Number(at);
  };
  /** @param {number} i */
  function rove(i) {
    const [before, now] = [nodes[rover], nodes[i]];
    if (before) before.tabIndex = -1;
    rover = i;
    if (now) now.tabIndex = 0;
  }
  /** @type {{[K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => unknown}} */
  const listeners = {
    pointerover(event) {
      const i = indexOf(event);
      if (i >= 0) over(i);
    },
    pointerleave: leave,
    // Shift adds a token; it must not select the text between as well.
    mousedown: (event) => event.shiftKey && event.preventDefault(),
    click(event) {
      const i = indexOf(event);
      if (i >= 0) press(i, event);
    },
    focusin(event) {
      const i = indexOf(event);
      if (i < 0) return;
      rove(i);
      if (/** @type {Element} */ (event.target).matches(":focus-visible")) focus(i);
    },
    focusout: (event) => root.contains(/** @type {Node | null} */ (event.relatedTarget)) || leave(),
    keydown(event) {
      const i = indexOf(event);
      if (i < 0) return;
      if (event.key === "Enter" || event.key === " ") {
        press(i, event);
        event.preventDefault();
        return;
      }
      const at = order.indexOf(i);
      /** @type {Record<string, number>} */
      const steps = {
        ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: order.length - 1, ArrowDown: at + 12, ArrowUp: at - 12,
      };
      const to = steps[event.key];
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const next = order[Math.min(order.length - 1, Math.max(0, to))];
      rove(next);
      nodes[next]?.focus();
    },
  };
  for (const [type, run] of Object.entries(listeners)) root.addEventListener(type, /** @type {EventListener} */ (run));
}
