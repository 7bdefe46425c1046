// SPDX-License-Identifier: Apache-2.0
// What a press on a token of a card means: holding it, or choosing the query and then the key of an edge.

import { button } from "../core/dom.js";
import { readSelection, writeSelection } from "../core/state.js";

const EDGES_SHOWN = 12; // stored edges offered while an edge is picked

/**
 * The held tokens and the edge being picked of one sequence, as the state has them.
 * @param {import("../core/app.js").App} app
 * @param {import("../pure/sequence.js").Sequence} sequence
 */
export function createPicking(app, sequence) {
  const { store } = app;
  /** @returns {{kind: string, id: string, q: number | null} | null} */
  const picking = () => (store.state.picking?.id === sequence.id ? store.state.picking : null);

  /** Held positions, ascending. */
  const selected = () => {
    const sel = readSelection(store.state.sel);
    return sel && sel.id === sequence.id ? sel.positions.filter((i) => i < sequence.n) : [];
  };
  /**
   * Edges of this sequence whose answers are stored.
   * @param {string} kind
   * @returns {[number, number][]}
   */
  const storedEdges = (kind) =>
    (kind === "qk" || kind === "ov"
      ? app.tree.cachedEdges(kind, store.state.layer, store.state.head, sequence.id)
      : []);

  return {
    picking, selected, storedEdges,

    /**
     * Begins to pick an edge for an operation, or gives it up.
     * @param {string} kind
     */
    start(kind) {
      const same = picking()?.kind === kind;
      store.set({ picking: same ? null : { kind, id: sequence.id, q: null } });
    },

    /** What is pointed out while an edge is picked. */
    marks() {
      const pick = picking();
      if (!pick) return null;
      const edges = storedEdges(pick.kind);
      const cached = pick.q === null ? edges.map((e) => e[0]) : edges.filter((e) => e[0] === pick.q).map((e) => e[1]);
      return { query: pick.q ?? -1, key: -1, cached: new Set(cached) };
    },

    /**
     * @param {number} i
     * @param {{shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean}} event
     */
    press(i, event) {
      const pick = picking();
      if (pick?.q === null) return store.set({ picking: { ...pick, q: i } });
      if (pick) return app.chooseEdge(pick.kind, sequence.id, pick.q, i);
      const now = selected();
      const add = event.shiftKey || event.ctrlKey || event.metaKey;
      const next = now.includes(i) ? now.filter((p) => p !== i) : add ? [...now, i] : [i];
      return store.set({ sel: writeSelection(sequence.id, next.sort((a, b) => a - b)) });
    },

    /**
     * A cell of the map: the picked edge, else its query is held.
     * @param {{q: number, k: number}} cell
     */
    pressCell({ q, k }) {
      const pick = picking();
      if (pick) app.chooseEdge(pick.kind, sequence.id, q, k);
      else store.set({ sel: writeSelection(sequence.id, [q]) });
    },

    /** What is being picked, and the edges whose answers are stored; null while nothing is. */
    line() {
      const pick = picking();
      if (!pick) return null;
      const { kind, q } = pick;
      const edges = storedEdges(kind).filter((edge) => q === null || edge[0] === q).slice(0, EDGES_SHOWN);
      return [
        `${kind === "heads" ? "Heads" : kind.toUpperCase()}: choose the ${q === null ? "query" : "key"} token · Esc cancels`,
        edges.length ? [" · stored: ", edges.map(([from, to]) =>
          button(`${from} → ${to}`, () => app.chooseEdge(kind, sequence.id, from, to), { class: "small" }))] : null,
      ];
    },
  };
}
