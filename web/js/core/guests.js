// SPDX-License-Identifier: Apache-2.0
// Sequences that the state names and the open head did not keep: their text from elsewhere, their pattern from the model.

import { listed, readSelection } from "./state.js";
import { canRun, runPattern } from "./pattern.js";
import { readPlace } from "./sight.js";
import { isCustomId, textOnly } from "../pure/sequence.js";

const MOST = 4; // guests at once
const REMEMBERED = 32; // texts of sequences that were named before
const AT_ONCE = 64; // of a tree of more heads than this, files are searched for a text only when somebody asks

/**
 * How a sequence became known: "looking" it is not yet; "run" the model ran the head on it; "text" there is its text; "far"
 * only reading the files of other heads can tell; "none" nobody holds it.
 * @typedef {{id: string, how: "looking" | "run" | "text" | "far" | "none", sequence: import("../pure/sequence.js").Sequence | null,
 *   why: string}} Guest
 */

/**
 * The ids of the sequences a state names, each once.
 * @param {import("./state.js").State} state
 * @returns {string[]}
 */
export function namedIds({ seq, sel, rank, map, open, at }) {
  const ids = [seq, readSelection(sel)?.id, readSelection(rank)?.id, ...listed(map), ...listed(open), readPlace(at)?.id];
  return [...new Set(ids.flatMap((id) => (id ? [id] : [])))];
}

/**
 * `stored(id)` is the sequence as the open head kept it; undefined while that is not known. Every change bumps `guestVersion`.
 * @param {import("./app.js").Tree} tree
 * @param {import("./app.js").Store} store
 * @param {import("./app.js").Backend} backend
 * @param {ReturnType<typeof import("./prompts.js").createPrompts>} prompts
 * @param {(id: string) => import("../pure/sequence.js").Sequence | null | undefined} stored
 */
export function createGuests(tree, store, backend, prompts, stored) {
  let version = 0;
  let of = "";
  let abort = new AbortController();
  let offered = false;
  /** @type {Guest[]} */
  let list = [];
  /** @type {Map<string, string[]>} */
  const texts = new Map();
  /** @type {Set<Guest>} those that are looked for once the backend has said what it can */
  const waiting = new Set();

  const tell = () => store.set({ guestVersion: ++version });

  /**
   * @param {string} id
   * @param {string[]} tokens
   */
  function remember(id, tokens) {
    texts.delete(id);
    texts.set(id, tokens);
    if (texts.size > REMEMBERED) texts.delete([...texts.keys()][0]);
  }

  /**
   * Looks for what the state names now and the head did not keep. What is shown stays while there is room, as a text must not
   * go under its reader's eyes; unless a view is `restored`.
   * @param {import("./state.js").State} state
   * @param {Set<string>} changed
   * @param {boolean} restored
   */
  function follow({ layer, head }, changed, restored) {
    if (of !== `${layer}.${head}`) forget(`${layer}.${head}`);
    const wanted = namedIds(store.state).filter(isMissing).slice(0, MOST);
    const former = list.filter(({ id }) => !wanted.includes(id));
    const room = restored ? 0 : MOST - wanted.length;
    const leaving = new Set(former.filter(({ id }, i) => i < former.length - room || !isMissing(id)));
    const kept = list.filter((guest) => !leaving.has(guest));
    const fresh = wanted.filter((id) => !kept.some((guest) => guest.id === id)).map(newGuest);
    if (kept.length === list.length && !fresh.length) return;
    list = [...kept, ...fresh];
    tell();
    for (const guest of fresh) look(guest);
  }
  /** @param {string} next */
  function forget(next) {
    of = next;
    abort.abort();
    abort = new AbortController();
    waiting.clear();
    if (list.length) {
      list = [];
      tell();
    }
  }
  /** @param {string} id */
  function isMissing(id) {
    const found = stored(id);
    if (found) remember(id, found.tokens);
    return found === null;
  }
  /** Whether a sequence is a custom one of another head: no backend runs it for this one unasked. */
  const isOfOneHead = (/** @type {string} */ id) => isCustomId(id) && !prompts.find(id);
  /** @type {(id: string) => Guest} */
  const newGuest = (id) => ({ id, how: "looking", sequence: null, why: "" });

  /** Whether a backend is still to say what it can. */
  const isUnheard = () => backend !== null && store.state.backendStatus === undefined && !store.state.backendGone;

  /**
   * @param {Guest} guest
   * @param {boolean} far whether files of other heads are read for it
   */
  async function look(guest, far = tree.heads.length <= AT_ONCE) {
    const { signal } = abort;
    Object.assign(guest, { how: "looking", why: "" });
    if (isUnheard()) {
      waiting.add(guest);
      return;
    }
    waiting.delete(guest);
    const run = isOfOneHead(guest.id) ? null : await runPattern(backend, store.state, store.state, guest.id, signal).catch((error) => {
      guest.why = error.message;
      return null;
    });
    const tokens = run ? null : await textOf(guest.id, far, signal).catch(() => null);
    if (signal.aborted) return;
    if (run) Object.assign(guest, { how: "run", sequence: run, why: "" });
    else if (tokens) Object.assign(guest, { how: "text", sequence: textOnly(guest.id, tokens) });
    else guest.how = far ? "none" : "far";
    if (guest.sequence) remember(guest.id, guest.sequence.tokens);
    tell();
  }

  /**
   * @param {string} id
   * @param {boolean} far
   * @param {AbortSignal} signal
   */
  async function textOf(id, far, signal) {
    if (prompts.find(id)) return (await prompts.heads(id)).tokens;
    return texts.get(id) ?? tree.textOf(id, far, signal);
  }

  store.on(["headVersion", "seq", "sel", "rank", "map", "open", "at", "layer", "head"], follow);
  // What a backend can tell that was not there before.
  store.on(["backendStatus", "backendGone"], ({ backendGone }) => {
    const now = canRun(backend, store.state) && !backendGone;
    const isNew = now && !offered;
    offered = now;
    for (const guest of list) if (waiting.has(guest) || (isNew && guest.how !== "run" && guest.how !== "looking")) look(guest);
  });
  return {
    isOfOneHead,
    get list() {
      return list;
    },
    /**
     * The guest of an id, if it is one.
     * @param {string} id
     */
    find: (id) => list.find((guest) => guest.id === id) ?? null,
    /**
     * Reads the files of other heads for the text of a guest.
     * @param {Guest} guest
     */
    search(guest) {
      const looking = look(guest, true);
      tell();
      return looking;
    },
  };
}
