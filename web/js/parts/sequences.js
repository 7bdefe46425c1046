// SPDX-License-Identifier: Apache-2.0
// The Sequences tab: interval, reduction, filter, and the cards of the interval, made as they come into sight.

import { button, el, fill, select, setOptions } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { CUSTOM } from "../core/state.js";
import { attentionRamp } from "../pure/colour.js";
import { number, words } from "../pure/format.js";
import { textRule } from "../pure/match.js";
import { createCard } from "./card.js";
import { createComposer } from "./custom.js";

const AHEAD = "900px"; // cards this far outside the window are kept made

/**
 * `view` is the scrolling element the tab is put into.
 * @param {import("../core/app.js").App} app
 */
export function createSequences(app, view) {
  const { store, session } = app;
  const n = app.intervals;
  let cards = [];
  let drawn = null; // payload the cards are of

  const interval = select("Interval", [], "", (value) => store.set({ interval: Number(value) }));
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
  const filter = el(
    "input",
    {
      type: "search", placeholder: "Filter text, =token, /pattern/", "aria-label": "Filter sequences",
      spellcheck: false, value: store.state.text, on: { input: () => store.set({ text: filter.value }) },
    },
  );
  const hint = el("span", { class: "dim" });
  const bar = el("span", { class: "colourbar", role: "img" });
  const note = el("p", { class: "note", role: "status" });
  const composer = createComposer(app);
  const list = createPlace(app, el("div", { class: "cards" }));
  const root = el("div", { class: "sequences" },
    el("div", { class: "toolbar" },
      el("label", { class: "axis" }, el("span", {}, "interval"), interval),
      el(
        "span", { class: "stepper" },
        button("‹", () => step(-1), { class: "icon", "aria-label": "Interval above in the list" }),
        button("›", () => step(1), { class: "icon", "aria-label": "Interval below in the list" }),
      ),
      reduction, transpose, hint, el("span", { class: "spring" }), filter, bar),
    composer.root, note, list.element);

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const card = cards.find((c) => c.root === entry.target);
      if (!card) continue;
      // A maximised card is fixed to the window, which to the observer is outside the view.
      if (entry.isIntersecting || card.isFull()) card.mount();
      else card.unmount();
    }
  }, { root: view, rootMargin: `${AHEAD} 0px` });

  /** Custom sequences can be made, are there, or may be: not every tree says. */
  const isCustomOffered = () => {
    const { layer, head, custom } = session.head;
    return app.backend !== null || custom.length > 0 || app.tree.hasCustom(layer, head) !== false;
  };
  const chosen = () => {
    const wanted = store.state.interval;
    if (wanted === CUSTOM && isCustomOffered()) return CUSTOM;
    return wanted !== null && wanted >= 1 && wanted <= n ? wanted : n;
  };

  function showControls() {
    const { custom, asked } = session.head;
    const options = Array.from({ length: n }, (_, i) => [n - i, `${n - i} of ${n}`]);
    const isKnown = asked === "loaded" && !store.state.backendGone;
    const count = custom.length || isKnown ? ` (${custom.length})` : "";
    if (isCustomOffered()) options.unshift([CUSTOM, `Custom${count}`]);
    setOptions(interval, options, chosen());
    for (const node of reduction.children) node.setAttribute(
      "aria-pressed", String(node.dataset.value === store.state.reduction),
    );
    const across = store.state.transpose !== (store.state.alt === true);
    transpose.setAttribute("aria-pressed", String(across));
    hint.textContent = store.state.reduction === "pairwise_max"
      ? "strongest query → key pair"
      : across ? "over queries: attention received" : "over keys: attention given";
    showBar();
  }

  function showBar() {
    const ramp = attentionRamp(app.theme.name);
    const largest = session.largest();
    const stops = Array.from({ length: 12 }, (_, i) => ramp[Math.round((i / 11) * (255 / 1.4))].fill);
    const scale = el("span", { class: "scale" });
    scale.style.backgroundImage = `linear-gradient(to right, ${stops.join(",")})`;
    bar.setAttribute("aria-label", `Colour scale of attention from 0 to ${number(largest)}`);
    fill(bar, "0", scale, number(largest));
  }

  function matching(all) {
    const rule = store.state.text;
    if (rule.trim() === "") return { list: all };
    if (rule.startsWith("=")) {
      return { list: all.filter((s) => s.tokens.some((t) => t.trim() === rule.slice(1).trim())) };
    }
    const { test, error } = textRule(rule);
    return { list: all.filter((s) => test(s.tokens.join(""))), error };
  }

  function show() {
    if (store.state.tab !== "sequences") return;
    showControls();
    composer.root.hidden = chosen() !== CUSTOM;
    const { data, error, custom, asked, customError } = session.head;
    drawn = chosen() === CUSTOM ? null : data;
    cards = [];
    if (error && chosen() !== CUSTOM) {
      list.fill(() => el(
        "div", { class: "empty error", role: "alert" }, el("p", {}, error),
        el("p", { class: "dim" }, "The other heads and the overview still work."), button("Try again", session.load),
      ));
      note.textContent = "";
      return;
    }
    if (!data && chosen() !== CUSTOM) {
      list.fill(() => el(
        "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading ", app.headName(), " …",
      ));
      note.textContent = "";
      return;
    }
    if (chosen() === CUSTOM && asked !== "loaded" && !custom.length) {
      note.textContent = "";
      list.fill(() => (asked === "failed"
        ? el(
          "div", { class: "empty error", role: "alert" },
          el("p", {}, `Whether this head has custom sequences is not known: ${customError}`),
          button("Try again", session.loadCustom),
        )
        : el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading the custom sequences …")));
      return;
    }
    const all = chosen() === CUSTOM ? custom : (data?.sequences ?? []).filter((s) => s.interval === chosen());
    const { list: found, error: wrong } = matching(all);
    const order = [...found].sort((a, b) => b.max - a.max);
    note.classList.toggle("error", wrong !== undefined);
    note.textContent = wrong ?? noteText(order.length, all.length);
    list.fill((app) => {
      cards = order.map((sequence) => {
        const card = createCard(app, sequence, { remove: chosen() === CUSTOM && app.backend ? composer.remove : null });
        app.own(() => observer.unobserve(card.root));
        return card;
      });
      return [cards.map((card) => card.root), order.length ? null : emptyText(all.length)];
    });
    cards.filter((card, i) => i < 4 || card.isFull()).forEach((card) => card.mount());
    cards.forEach((card) => observer.observe(card.root));
  }

  function noteText(found, all) {
    const { data, custom } = session.head;
    if (!store.state.text.trim()) {
      if (!all) return "";
      return `${all} ${all === 1 ? "sequence" : "sequences, strongest first"}. Hover a token; click to hold it, Shift-click to add.`;
    }
    const everywhere = matching([...(data?.sequences ?? []), ...custom]).list.length;
    return `${found} of ${all} match; ${everywhere} in all intervals.`;
  }
  const emptyText = (all) => el(
    "p", { class: "empty" },
    all
      ? "No sequence of this interval matches the filter."
      : chosen() !== CUSTOM
        ? "The tree has no sequences of this interval."
        : store.state.backendGone
          ? "The backend does not answer: whether this head has custom sequences by now is not known."
          : "No custom sequence of this head yet.",
  );

  app.on(["headVersion", "interval", "text", "tab", "layer", "head"], (state, changed) => {
    if (document.activeElement !== filter) filter.value = state.text;
    // When only the custom sequences came, the cards of an interval stay as they are.
    const onlyCustom = changed.has("headVersion") && changed.size === 1 && drawn === session.head.data;
    if (onlyCustom && drawn && chosen() !== CUSTOM) showControls();
    else show();
  });
  app.on(["backendGone"], () => chosen() === CUSTOM && !cards.length && show());
  app.on(["reduction", "transpose", "alt", "themeName"], showControls);
  app.on(["full"], () => cards.forEach((card) => {
    card.showSize();
    if (card.isFull()) card.mount();
  }));
  show();
  return root;
}
