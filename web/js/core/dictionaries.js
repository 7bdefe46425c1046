// SPDX-License-Identifier: Apache-2.0
// Which layers have a dictionary, as far as it is known before an edge is asked for.

/**
 * A tree tells it of the layers that it has stored answers of, a backend of all layers at once where none has one, and
 * else of a layer when it is asked.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 */
export function createDictionaries(tree, store) {
  /** @type {Map<string, string>} by kind and layer why an edge was refused; "" for one that was answered */
  const told = new Map();
  store.on(["backendGone"], () => told.clear()); // one that was started anew may have others
  const keyOf = (/** @type {string} */ kind, /** @type {number} */ layer) => `${kind} ${layer}`;
  const dictionaries = {
    /**
     * Remembers that an edge of a layer was answered, or why not.
     * @param {string} kind
     * @param {number} layer
     * @param {string} why
     */
    note: (kind, layer, why = "") => void told.set(keyOf(kind, layer), why),

    /**
     * Why a backend cannot answer for a layer; "" where nothing is known to be missing.
     * @param {string} kind qk or ov
     * @param {number} layer
     */
    lack(kind, layer) {
      const { backendStatus: status } = store.state;
      if (status?.operations?.[`${kind}_attributions`] !== false) return told.get(keyOf(kind, layer)) ?? "";
      return status.model?.detail ?? "No layer of the tree has a dictionary: make dictionary trains one. Stored edges can be opened.";
    },

    /**
     * Whether a layer is known to have what an answer takes.
     * @param {string} kind
     * @param {number} layer
     */
    has: (kind, layer) => !dictionaries.lack(kind, layer)
      && (told.has(keyOf(kind, layer)) || tree.hasAttributions(kind, layer)),
  };
  return dictionaries;
}
