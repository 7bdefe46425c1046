// SPDX-License-Identifier: Apache-2.0
// The controls over the sequences: interval, reduction, transpose, filter, and the scale of the colours.

import { button, el, fill, select, setOptions } from "../core/dom.js";
import { CUSTOM } from "../core/state.js";
import { attentionRamp } from "../pure/colour.js";
import { number, words } from "../pure/format.js";

const STOPS = 12; // of the colour scale's gradient

/**
 * The interval the state names, as far as there is one.
 * @param {import("../core/app.js").App} app
 */
export function chosenInterval({ store, session, tree, backend, intervals }) {
  const wanted = store.state.interval;
  if (wanted === CUSTOM && isCustomOffered({ session, tree, backend })) return CUSTOM;
  return wanted !== null && wanted >= 1 && wanted <= intervals ? wanted : intervals;
}

/**
 * Custom sequences can be made, are there, or may be: not every tree says.
 * @param {Pick<import("../core/app.js").App, "session" | "tree" | "backend">} app
 */
function isCustomOffered({ session: { head: { layer, head, custom } }, tree, backend }) {
  return backend !== null || custom.length > 0 || tree.hasCustom(layer, head) !== false;
}

/** @param {import("../core/app.js").App} app */
export function createSequenceBar(app) {
  const { store, session, intervals: n } = app;
  const interval = select("Interval", [], "", (value) => store.set({ interval: Number(value) }));
  /** @param {number} by */
  const step = (by) => {
    const at = [...interval.options].findIndex((o) => o.value === interval.value);
    const next = interval.options[at + by];
    if (next) store.set({ interval: Number(next.value) });
  };
  const reduction = el("div", { class: "segmented", role: "group", "aria-label": "Reduction" },
    ["max", "pairwise_max"].map((name) =>
      button(words(name), () => store.set({ reduction: name }), { "data-value": name })));
  const transpose = button(
    "Transpose", () => store.set({ transpose: !store.state.transpose }),
    { "aria-pressed": "false", class: "toggle", title: "t, or hold Alt" },
  );
  const filter = el("input", {
    type: "search", placeholder: "text =token /pattern/", "aria-label": "Filter sequences",
    spellcheck: false, value: store.state.text, on: { input: () => store.set({ text: filter.value }) },
  });
  const hint = el("span", { class: "dim" });
  const bar = el("span", { class: "colourbar", role: "img" });
  const root = el("div", { class: "toolbar" },
    el("label", { class: "axis" }, el("span", {}, "interval"), interval),
    el(
      "span", { class: "stepper" },
      button("‹", () => step(-1), { class: "icon", "aria-label": "Interval above in the list" }),
      button("›", () => step(1), { class: "icon", "aria-label": "Interval below in the list" }),
    ),
    reduction, transpose, hint, el("span", { class: "spring" }), filter, bar);

  function showScale() {
    const ramp = attentionRamp(app.theme.name);
    const largest = session.largest();
    const stops = Array.from({ length: STOPS }, (_, i) => ramp[Math.round((i / (STOPS - 1)) * (255 / 1.4))].fill);
    const scale = el("span", { class: "scale" });
    scale.style.backgroundImage = `linear-gradient(to right, ${stops.join(",")})`;
    const known = session.head.data !== null; // before the head is there, any number would be a guess
    bar.setAttribute("aria-label", known ? `Colour scale of attention from 0 to ${number(largest)}` : "Colour scale of attention");
    fill(bar, "0", scale, known ? number(largest) : "…");
  }

  return {
    root,
    show() {
      const { custom, asked } = session.head;
      const options = Array.from({ length: n }, (_, i) => [n - i, `${n - i} of ${n}`]);
      const isKnown = asked === "loaded" && !store.state.backendGone;
      const count = custom.length || isKnown ? ` (${custom.length})` : "";
      if (isCustomOffered(app)) options.unshift([CUSTOM, `Custom${count}`]);
      setOptions(interval, options, chosenInterval(app));
      if (document.activeElement !== filter) filter.value = store.state.text;
      for (const node of reduction.children) node.setAttribute(
        "aria-pressed", String(node.getAttribute("data-value") === store.state.reduction),
      );
      const across = store.state.transpose !== (store.state.alt === true);
      transpose.setAttribute("aria-pressed", String(across));
      hint.textContent = store.state.reduction === "pairwise_max"
        ? "strongest query → key pair"
        : across ? "over queries: attention received" : "over keys: attention given";
      showScale();
    },
  };
}
