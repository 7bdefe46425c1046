// SPDX-License-Identifier: Apache-2.0
// The open head: its payload, its custom sequences, and who is told when they arrive.

import { fromRecord, isCustomId } from "../pure/sequence.js";
import { createGuests } from "./guests.js";
import { CUSTOM } from "./state.js";

const NAMING = /** @type {const} */ (["interval", "seq", "sel", "map", "open", "at", "rank"]); // what can name a custom sequence

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{layer: number, head: number, data: import("./tree.js").Payload | null, error: string | null,
 *   custom: Sequence[], customError: string | null, asked: "no" | "loading" | "loaded" | "failed"}} OpenHead
 */

/**
 * Follows layer and head in the store. `session.head` is {layer, head, data, error, custom, asked, customError}:
 * data is null while loading and when the file cannot be read (then `error` says why). Custom sequences are read
 * where the tree says that there are some, else when they are asked for: `asked` is "no", "loading", "loaded" or
 * "failed". Every change bumps the store's `headVersion`.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {ReturnType<typeof import("./prompts.js").createPrompts>} prompts
 * @param {ReturnType<typeof import("./compare.js").createCompare>} compare
 * @param {import("./app.js").Backend} backend
 */
export function createSession(tree, store, prompts, compare, backend) {
  /** @type {AbortController | null} */
  let abort = null;
  let version = 0;
  /** @type {(layer: number, head: number) => OpenHead} */
  const blank = (layer, head) => ({
    layer, head, data: null, error: null, custom: [], customError: null,
    asked: tree.hasCustom(layer, head) === false && !prompts.list.length ? "loaded" : "no",
  });
  /**
   * A stored or custom sequence of the open head; undefined while it may still arrive.
   * @param {string} id
   * @returns {Sequence | null | undefined}
   */
  function stored(id) {
    const { layer, head, data, error, custom, asked } = session.head;
    if (layer !== store.state.layer || head !== store.state.head) return undefined; // another head is on its way
    const found = data?.sequences.find((s) => s.id === id) ?? custom.find((s) => s.id === id);
    const isComing = (!data && !error) || (isCustomId(id) && /no|loading/.test(asked));
    return found ?? (isComing ? undefined : null);
  }
  const session = {
    head: blank(0, 0),
    load,
    loadCustom,
    guests: createGuests(tree, store, backend, prompts, stored),

    /**
     * A sequence by id: stored with the open head or custom, else one the state names that the head did not keep.
     * @param {string} id
     * @returns {Sequence | null}
     */
    sequence: (id) => stored(id) ?? session.guests.find(id)?.sequence ?? null,

    /**
     * Whether the open head did not keep a sequence.
     * @param {string} id
     */
    lacks: (id) => stored(id) === null,

    /**
     * Whether the sequence of an id may still arrive.
     * @param {string} id
     */
    isComing: (id) => stored(id) === undefined || session.guests.find(id)?.how === "looking",

    /**
     * The state that shows a sequence in its text.
     * @param {Sequence} sequence
     */
    place: ({ id, interval }) => ({
      tab: "sequences", at: `${id}:0`, ...(stored(id) ? { interval: interval > 0 ? interval : CUSTOM } : {}),
    }),
    /** @param {import("../pure/shapes.js").Loose} record */
    addCustom(record) {
      const sequence = fromRecord(record);
      if (!sequence) return null;
      session.head.custom = [sequence, ...session.head.custom.filter((s) => s.id !== sequence.id)];
      tree.noteCustom(session.head.layer, session.head.head);
      tell();
      return sequence;
    },
    /** @param {string} id */
    removeCustom(id) {
      session.head.custom = session.head.custom.filter((s) => s.id !== id);
      tell();
    },
    /** The head's largest max_activation, and the second head's: where the shared colour scale ends. */
    largest() {
      let most = Math.max(0.001, compare.largest);
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
    const mine = blank(layer, head);
    session.head = mine;
    store.set({ loading: true, readBytes: 0 });
    try {
      mine.data = await tree.head(layer, head, signal, (bytes = 0) => store.set({ readBytes: bytes }));
    } catch (error) {
      if (error.name === "AbortError") return;
      mine.error = error.message;
    }
    if (session.head !== mine) return;
    store.set({ loading: false });
    tell();
    if (isCustomWanted()) await loadCustom();
  }

  /** Whether the tree has custom sequences of the open head, or may have and the state names them. */
  function isCustomWanted() {
    const { state } = store;
    return tree.hasCustom(session.head.layer, session.head.head)
      || (state.interval === CUSTOM || NAMING.some((key) => String(state[key] ?? "").split(",").some(isCustomId)));
  }

  async function loadCustom() {
    const mine = session.head;
    if (mine.asked === "loading") return;
    mine.asked = "loading";
    if (mine.customError) tell();
    mine.customError = null;
    try {
      mine.custom = await read(mine, false);
      mine.asked = "loaded";
    } catch (error) {
      mine.asked = "failed";
      mine.customError = error.message;
    }
    if (session.head === mine) tell();
  }

  /** Reads the custom sequences anew; what is there already stays the same object. */
  async function refreshCustom() {
    const mine = session.head;
    const now = await read(mine, true).catch(() => null);
    if (!now || session.head !== mine) return;
    if (now.length === mine.custom.length && now.every((s, i) => s === mine.custom[i])) return;
    mine.custom = now;
    tell();
  }

  /**
   * The prompts of all heads in their order, then those of this head alone, the newest first; sequences that were there
   * stay the same objects.
   * @param {OpenHead} mine
   * @param {boolean} changed
   */
  async function read(mine, changed) {
    const [shared, own] = await Promise.all([
      prompts.of(mine.layer, mine.head), tree.custom(mine.layer, mine.head, changed),
    ]);
    const known = new Map(mine.custom.map((s) => [s.id, s]));
    const found = new Map([...shared, ...own.reverse()].map((s) => [s.id, known.get(s.id) ?? s]));
    return [...found.values()];
  }

  store.on(["layer", "head"], load);
  // What could not be read while the server was away is read when it is back.
  store.on(["backendGone"], ({ backendGone }) => {
    if (backendGone) return;
    if (session.head.error) load();
    else if (session.head.asked === "failed") loadCustom();
  });
  // Somebody else may have added some, in another tab or elsewhere.
  store.on(["treeChanges", "promptVersion"], () => {
    if (session.head.asked === "loaded" && isCustomWanted()) refreshCustom();
    else if (session.head.asked === "loaded" && !session.head.custom.length) session.head.asked = "no";
  });
  store.on(NAMING, () => session.head.data && session.head.asked === "no" && isCustomWanted() && loadCustom());
  return session;
}
