// SPDX-License-Identifier: Apache-2.0
// What people call heads and say of them: kept by the backend in data/notes.json, else for the visit.

import { address } from "../pure/format.js";

/** @typedef {{name: string, text: string, color: string}} Note */

/** @type {Note} */
const NONE = { name: "", text: "", color: "" };

/**
 * Every change bumps the store's `noteVersion`.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {import("./app.js").Backend} backend
 */
export function createNotes(tree, store, backend) {
  const key = `headvis notes ${tree.base}`;
  let version = 0;
  let all = new Map([...readNotes(tree.notes), ...(backend ? [] : readNotes(recall(key)))]);
  /** @param {Map<string, Note>} next */
  const put = (next) => {
    all = next;
    store.set({ noteVersion: ++version });
  };
  store.on(["treeChanges"], () => tree.read("notes", "notes.json").then((now) => {
    const next = readNotes(now);
    if (JSON.stringify([...next]) !== JSON.stringify([...all])) put(next);
  }).catch(() => {}));

  return {
    /**
     * The note on a head; its fields are empty where there is none.
     * @param {number} layer
     * @param {number} head
     */
    of: (layer, head) => all.get(address(layer, head)) ?? NONE,
    get size() {
      return all.size;
    },
    /** All notes as the tree's file has them. */
    get json() {
      return Object.fromEntries(all);
    },
    /**
     * Stores the note of a head; all fields empty: none.
     * @param {number} layer
     * @param {number} head
     * @param {Note} note
     */
    async save(layer, head, note) {
      const name = address(layer, head);
      if (backend) await backend.call("save_note", { layer, head, ...note, base: all.get(name) ?? NONE });
      const next = new Map(all);
      if (note.name || note.text || note.color) next.set(name, note);
      else next.delete(name);
      put(next);
      if (!backend) remember(key, Object.fromEntries(next));
    },
  };
}

/**
 * @param {unknown} file
 * @returns {Map<string, Note>}
 */
function readNotes(file) {
  /** @type {[string, Partial<Record<keyof Note, unknown>> | null][]} */
  const found = file && typeof file === "object" ? Object.entries(file) : [];
  const text = (/** @type {unknown} */ value) => (typeof value === "string" ? value : "");
  return new Map(found.flatMap(([head, note]) => (/^L\d+H\d+$/.test(head) && note && typeof note === "object" ? [[head, {
    name: text(note.name), text: text(note.text), color: /^#[0-9a-f]{6}$/i.test(text(note.color)) ? text(note.color) : "",
  }]] : [])));
}

/** @param {string} key */
function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Kept until the page is closed.
  }
}
