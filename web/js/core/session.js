// SPDX-License-Identifier: Apache-2.0
// The open head: its payload, its custom sequences, and who is told when they arrive.

import { fromRecord } from "../pure/sequence.js";

/**
 * Follows layer and head in the store. `session.head` is {layer, head, data, custom, error}: data
 * is null while loading and when the file cannot be read (then `error` says why). Every change
 * bumps the store's `headVersion`.
 */
export function createSession(tree, store) {
  let abort = null;
  let version = 0;
  const session = {
    head: { layer: 0, head: 0, data: null, custom: [], error: null },
    load,

    /** A stored or custom sequence of the open head by id. */
    sequence(id) {
      const { data, custom } = session.head;
      return data?.sequences.find((s) => s.id === id) ?? custom.find((s) => s.id === id) ?? null;
    },
    addCustom(record) {
      const sequence = fromRecord(record);
      if (!sequence) return null;
      session.head.custom = [sequence, ...session.head.custom.filter((s) => s.id !== sequence.id)];
      tell();
      return sequence;
    },
    removeCustom(id) {
      session.head.custom = session.head.custom.filter((s) => s.id !== id);
      tell();
    },
    /** The head's largest max_activation: where the shared colour scale ends. */
    largest() {
      let most = 0.001;
      for (const s of session.head.data?.sequences ?? []) if (s.max > most) most = s.max;
      if (most === 0.001) for (const s of session.head.custom) if (s.max > most) most = s.max;
      return most;
    },
  };

  const tell = () => store.set({ headVersion: ++version });

  async function load() {
    const { layer, head } = store.state;
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    const mine = { layer, head, data: null, custom: [], error: null };
    session.head = mine;
    store.set({ loading: true });
    try {
      mine.data = await tree.head(layer, head, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      mine.error = error.message;
    }
    if (session.head !== mine) return;
    store.set({ loading: false });
    tell();
    const custom = await tree.custom(layer, head);
    if (session.head !== mine) return;
    const known = new Set(mine.custom.map((s) => s.id));
    mine.custom = [...mine.custom, ...custom.filter((s) => !known.has(s.id))];
    mine.customLoaded = true;
    tell();
  }

  store.on(["layer", "head"], load);
  return session;
}
