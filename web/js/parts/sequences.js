// SPDX-License-Identifier: Apache-2.0
// The Sequences tab: the cards of an interval, made as they come into sight.

import { button, el } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { CUSTOM } from "../core/state.js";
import { textRule } from "../pure/match.js";
import { textOf } from "../pure/spelling.js";
import { createCard } from "./card.js";
import { createComposer } from "./custom.js";
import { createDoing } from "./doing.js";
import { createGuestCards } from "./guests.js";
import { progress } from "./progress.js";
import { chosenInterval, createSequenceBar } from "./sequencebar.js";

/** @typedef {import("../pure/sequence.js").Sequence} Sequence */

const AHEAD = "900px"; // cards this far outside the window are kept made
const AT_ONCE = 4; // cards made without waiting for the window to tell

/**
 * `view` is the scrolling element the tab is put into.
 * @param {import("../core/app.js").App} app
 * @param {HTMLElement} view
 */
export function createSequences(app, view) {
  const { store, session } = app;
  /** @type {ReturnType<typeof createCard>[]} */
  let cards = [];
  /** @type {typeof session.head.data} */
  let drawn = null; // payload the cards are of
  const bar = createSequenceBar(app);
  const note = el("p", { class: "note", role: "status" });
  const composer = createComposer(app);
  const strip = createDoing(app);
  const list = createPlace(app, el("div", { class: "cards" }));
  const root = el("div", { class: "sequences" }, bar.root, composer.root, strip.root, createGuestCards(app), note, list.element);
  const chosen = () => chosenInterval(app);

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const card = cards.find((c) => c.root === entry.target);
      if (!card) continue;
      // A maximised card is fixed to the window, which to the observer is outside the view.
      if (entry.isIntersecting || card.isFull()) card.mount();
      else card.unmount();
    }
  }, { root: view, rootMargin: `${AHEAD} 0px` });

  function show() {
    if (store.state.tab !== "sequences") return;
    bar.show();
    const isCustom = chosen() === CUSTOM;
    composer.root.hidden = !isCustom;
    drawn = isCustom ? null : session.head.data;
    cards = [];
    note.textContent = "";
    strip.show([]);
    const standIn = isCustom ? customStandIn() : dataStandIn();
    if (standIn) list.fill(typeof standIn === "function" ? standIn : () => standIn);
    else showCards(isCustom);
  }

  /** What stands where the cards of an interval will be: an error or a wait; null when they are there. */
  function dataStandIn() {
    const { data, error } = session.head;
    if (error) return el(
      "div", { class: "empty error", role: "alert" }, el("p", {}, error),
      el("p", { class: "dim" }, "The other heads and the overview still work."), button("Try again", session.load),
    );
    return data ? null : (/** @type {import("../core/app.js").App} */ app) => waiting(`Loading ${app.headName()} …`, progress(app));
  }
  function customStandIn() {
    const { custom, asked, customError } = session.head;
    if (asked === "loaded" || custom.length) return null;
    if (asked !== "failed") return waiting("Loading the custom sequences …");
    return el(
      "div", { class: "empty error", role: "alert" },
      el("p", {}, `Whether this head has custom sequences is not known: ${customError}`),
      button("Try again", session.loadCustom),
    );
  }

  /** @param {boolean} isCustom */
  function showCards(isCustom) {
    const { data, custom } = session.head;
    const all = isCustom ? custom : (data?.sequences ?? []).filter((s) => s.interval === chosen());
    const { list: found, error } = matching(all, store.state.text);
    // Custom ones stand in the order people gave them, the newest first.
    const order = isCustom ? found : [...found].sort((a, b) => b.max - a.max);
    note.classList.toggle("error", error !== undefined);
    strip.show(found);
    note.textContent = error ?? noteText(order.length, all.length);
    list.fill((app) => {
      cards = order.map((sequence) => {
        const card = createCard(app, sequence, isCustom ? composer.dress(sequence) : {});
        app.own(() => observer.unobserve(card.root));
        return card;
      });
      return [cards.map((card) => card.root), order.length ? null : emptyText(all.length)];
    });
    cards.filter((card, i) => i < AT_ONCE || card.isFull()).forEach((card) => card.mount());
    cards.forEach((card) => observer.observe(card.root));
  }

  /**
   * @param {number} found
   * @param {number} all
   */
  function noteText(found, all) {
    const { data, custom } = session.head;
    if (!store.state.text.trim()) {
      if (!all) return "";
      const many = chosen() === CUSTOM ? "sequences" : "sequences, strongest first";
      return `${all} ${all === 1 ? "sequence" : many}. Hover a token; click to hold it, Shift-click to add.`;
    }
    const everywhere = matching([...(data?.sequences ?? []), ...custom], store.state.text).list.length;
    return `${found} of ${all} match; ${everywhere} in all intervals.`;
  }
  /** @param {number} all */
  function emptyText(all) {
    if (all) return el("p", { class: "empty" }, "No sequence of this interval matches the filter.");
    if (chosen() !== CUSTOM) return el("p", { class: "empty" }, "The tree has no sequences of this interval.");
    return el("p", { class: "empty" }, store.state.backendGone
      ? "The backend does not answer: whether this head has custom sequences by now is not known."
      : "No custom sequence of this head yet.");
  }

  app.on(["headVersion", "interval", "text", "tab", "layer", "head"], (state, changed) => {
    // When only the custom sequences came, the cards of an interval stay as they are.
    const onlyCustom = changed.has("headVersion") && changed.size === 1 && drawn === session.head.data;
    if (onlyCustom && drawn && chosen() !== CUSTOM) bar.show();
    else show();
  });
  app.on(["vsVersion"], bar.show); // one scale for both heads
  app.on(["backendGone"], () => chosen() === CUSTOM && !cards.length && show());
  app.on(["reduction", "transpose", "alt", "themeName"], bar.show);
  app.on(["full"], () => cards.forEach((card) => {
    card.showSize();
    if (card.isFull()) card.mount();
  }));
  show();
  return root;
}

/**
 * @param {string} words
 * @param {HTMLElement | null} more
 */
const waiting = (words, more = null) => el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), words, more);

/**
 * The sequences a filter keeps: all, those with =token, or those whose text has the words or matches the /pattern/.
 * @param {Sequence[]} all
 * @param {string} rule
 * @returns {{list: Sequence[], error?: string}}
 */
function matching(all, rule) {
  if (rule.trim() === "") return { list: all };
  if (rule.startsWith("=")) {
    return { list: all.filter((s) => s.tokens.some((t) => t.trim() === rule.slice(1).trim())) };
  }
  const { test, error } = textRule(rule);
  return { list: all.filter((s) => test(textOf(s.tokens))), error };
}
