// SPDX-License-Identifier: Apache-2.0
// The part of a figure's form that crops a text: around its query and around its key, from a token to a token.

import { checkbox, el } from "./dom.js";
import { USUAL, rangeOf, side, stretchOf } from "../pure/crop.js";

/**
 * @typedef {import("../pure/crop.js").Stretch} Stretch
 * @typedef {"query" | "key"} End
 * @typedef {{n: number, ends: {name: End, at: number, word: string}[]}} Text how many tokens it has, and what it is cropped to
 * @typedef {{on: boolean, sides: Record<End, {before: number, after: number}>}} Settings
 */

const KEY = "headvis figure crop";

/**
 * What was chosen for the last figure in this browser, as far as it was.
 * @returns {Settings}
 */
function kept() {
  /** @type {{on?: unknown, sides?: Partial<Record<End, {before?: number, after?: number}>>} | null} */
  let found = null;
  try {
    found = JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    // not ours, or a browser that keeps nothing
  }
  const sides = (/** @type {End} */ name) => ({ before: side(found?.sides?.[name]?.before ?? USUAL), after: side(found?.sides?.[name]?.after ?? USUAL) });
  return { on: found?.on === true, sides: { query: sides("query"), key: sides("key") } };
}

/** @param {Settings} settings */
function keep(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing
  }
}

/**
 * The fields and `stretches()`: what is shown of the text, null for all of it. `changed()` hears every change.
 * @param {Text} text
 * @param {() => void} changed
 */
export function createCrop({ n, ends }, changed) {
  const settings = kept();
  const fields = el("div", { class: "crop" });
  const change = () => {
    keep(settings);
    fields.hidden = !settings.on;
    changed();
  };
  const box = checkbox("Only around the query and its strongest key", settings.on, (on) => {
    settings.on = on;
    change();
  });
  fields.hidden = !settings.on;
  fields.append(...ends.map(({ name, at, word }) => {
    const sides = settings.sides[name];
    const shown = rangeOf(n, { at, ...sides });
    const fill = () => {
      const { first, last } = rangeOf(n, { at, ...sides });
      [from.value, to.value, wide.value] = [String(first), String(last), String(Math.max(sides.before, sides.after))];
    };
    /** @type {(label: string, value: number, run: (value: number) => Stretch) => HTMLInputElement} */
    const field = (label, value, run) => el("input", {
      type: "number", min: 0, max: n - 1, value, "aria-label": `${label} ${name}`,
      on: { change: (/** @type {Event} */ event) => {
        const { before, after } = run(side(/** @type {HTMLInputElement} */ (event.target).value));
        Object.assign(sides, { before, after });
        fill();
        change();
      } },
    });
    const from = field("First token around the", shown.first, (first) => stretchOf(at, first, at + sides.after));
    const to = field("Last token around the", shown.last, (last) => stretchOf(at, at - sides.before, last));
    const wide = field("Tokens on either side of the", Math.max(sides.before, sides.after), (count) => ({ at, before: count, after: count }));
    return el("div", { class: "row" }, el("span", { class: name === "query" ? "q" : "k" }, `${name} ${at} ${word}`),
      "from", from, "to", to, "or", wide, "on either side");
  }));
  return {
    root: el("div", {}, box, fields),
    /** @returns {Stretch[] | null} */
    stretches: () => (settings.on ? ends.map(({ name, at }) => ({ at, ...settings.sides[name] })) : null),
  };
}
