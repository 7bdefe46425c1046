// SPDX-License-Identifier: Apache-2.0
// All heads of the tree as the overview shows them: axes, values, filter, and who is next.

import { address, words } from "../pure/format.js";
import { byAddress, extent, metricNames, rankOf, rowFilter, valueOf } from "../pure/rank.js";

/**
 * The heads of `tree` under the state of `store`, with what `notes` say of them.
 * @typedef {import("../pure/shapes.js").Row} Row
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {ReturnType<typeof import("./notes.js").createNotes>} notes
 */
export function createHeads(tree, store, notes) {
  const { rows, config } = tree;
  const names = metricNames(rows, tree.metricNames);
  const axes = ["layer", "head", ...names];
  const index = byAddress(rows);
  const preset = config.scatter ?? {};
  const discrete = new Set(Array.isArray(preset.discrete_axes) ? preset.discrete_axes : ["layer", "head"]);
  const pickAxis = (/** @type {(string | undefined)[]} */ ...wanted) => wanted.find((name) => name !== undefined && axes.includes(name));
  /** @type {{key: string | null, set: Set<string> | null, error: string | undefined}} */
  let memo = { key: null, set: null, error: undefined };

  /** @type {Map<string, Map<Row, number>>} */
  const ranks = new Map();
  /** @type {Map<string, [number, number] | null>} */
  const extents = new Map();
  const rankShare = (/** @type {string} */ name, /** @type {Row} */ row) => {
    const shares = ranks.has(name) ? [] : rankOf(rows, name);
    if (!ranks.has(name)) ranks.set(name, new Map(rows.map((r, i) => [r, shares[i]])));
    return ranks.get(name)?.get(row) ?? null;
  };
  /**
   * @param {"x" | "y" | "color" | "grid"} which
   * @returns {string | null}
   */
  function axisOf(which) {
    const chosen = store.state[which];
    if (which === "color") {
      if (chosen === "none") return null;
      return pickAxis(chosen, preset.default_color) ?? null;
    }
    if (which === "grid") return pickAxis(chosen, "induction_score", names[0]) ?? null;
    if (which === "x") return pickAxis(chosen, preset.default_x, names[0]) ?? "layer";
    return pickAxis(chosen, preset.default_y, names[1], names[0]) ?? "head";
  }
  const heads = {
    rows, names, axes, discrete,
    /** @type {(layer: number, head: number) => Row | null} */
    row: (layer, head) => index.get(address(layer, head)) ?? null,

    /**
     * The column an axis shows: the state's, else config.scatter's, else a sensible one.
     * @template {"x" | "y" | "color" | "grid"} W
     * @param {W} which
     * @returns {W extends "x" | "y" ? string : string | null}
     */
    axis(which) {
      return /** @type {W extends "x" | "y" ? string : string | null} */ (axisOf(which));
    },

    /** @type {(name: string) => string} */
    describe(name) {
      const says = config.metric_descriptions?.[name];
      return typeof says === "string" ? says : "";
    },
    /** @type {(name: string | null) => string} */
    label: (name) => (name === null ? "none" : words(name)),
    /**
     * Smallest and largest value of a column, found once.
     * @param {string} name
     */
    extent(name) {
      if (!extents.has(name)) extents.set(name, extent(rows, name));
      return extents.get(name) ?? null;
    },

    /**
     * Where a row's value lies on the scale of a column, 0..1, by value or by rank as the state says; null without one.
     * @param {Row} row
     * @param {string | null} name
     */
    share(row, name) {
      const value = name === null ? null : valueOf(row, name);
      if (value === null || name === null) return null;
      if (store.state.ranks) return rankShare(name, row);
      const [low, high] = heads.extent(name) ?? [0, 1];
      return high > low ? (value - low) / (high - low) : 0.5;
    },

    /** Box selection of the scatter as {x: [low, high], y: [low, high]}, or null. */
    box() {
      const values = store.state.box.split(",").map(Number);
      if (store.state.box === "" || values.length !== 4 || !values.every(Number.isFinite)) return null;
      return { x: [values[0], values[1]], y: [values[2], values[3]] };
    },

    /** The addresses that pass filter and box, or null when neither is set, and what is wrong with the filter. */
    shown() {
      const { find, box, noteVersion } = store.state;
      const [x, y] = [heads.axis("x"), heads.axis("y")];
      const key = [find, box, x, y, noteVersion].join("\n");
      if (memo.key === key) return memo;
      const filter = rowFilter(find, names, (row) => notes.of(row.layer, row.head));
      const frame = heads.box();
      const within = (/** @type {Row} */ row, /** @type {string | null} */ name, /** @type {number[]} */ range) => {
        const value = name === null ? null : valueOf(row, name);
        return value !== null && value >= range[0] && value <= range[1];
      };
      const set = !find.trim() && !frame
        ? null
        : new Set(rows.filter((row) => filter.test(row) && (!frame || (within(row, x, frame.x) && within(row, y, frame.y))))
            .map((row) => address(row.layer, row.head)));
      memo = { key, set, error: filter.error };
      return memo;
    },

    /** Rows that pass the filter. */
    shownRows() {
      const { set } = heads.shown();
      return set ? rows.filter((row) => set.has(address(row.layer, row.head))) : rows;
    },

    /**
     * The head `step` places on in display order, around the end; only those that pass the filter, where some do.
     * @param {number} layer
     * @param {number} head
     * @param {number} step
     * @returns {import("../pure/shapes.js").Address}
     */
    next(layer, head, step) {
      const { set } = heads.shown();
      const isHere = (/** @type {import("../pure/shapes.js").Address} */ h) => h.layer === layer && h.head === head;
      const kept = set?.size ? tree.heads.filter((h) => isHere(h) || set.has(address(h.layer, h.head))) : tree.heads;
      const at = kept.findIndex(isHere);
      const next = kept[(Math.max(at, 0) + step + kept.length) % kept.length];
      // The open head is a stop only when it passes too.
      return kept.length > 1 && isHere(next) && set && !set.has(address(layer, head)) ? heads.next(layer, head, 2 * step) : next;
    },
  };
  return heads;
}
