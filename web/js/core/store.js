// SPDX-License-Identifier: Apache-2.0
// Holds the page's state, tells the parts what changed and keeps the URL in step.

import { RULES, STATE, readState, writeState } from "./state.js";

/** @typedef {import("./state.js").State} State */

const URL_DELAY_MS = 120; // browsers limit how often history may be written

/** @typedef {{keys: readonly string[], run: (state: State, changed: Set<string>, restored: boolean) => void}} Listener */

/**
 * A store over one flat state. Keys of STATE live in the URL; any other key (what is hovered,
 * which edge is being picked) is for the moment only.
 */
export function createStore(view = window) {
  /** @type {Set<Listener>} */
  const listeners = new Set();
  /** @type {State} */
  let state = readState(view.location.search);
  let timer = 0;
  let shown = writeState(state);

  const address = () => {
    const query = writeState(state);
    return { query, href: `${view.location.pathname}${query ? `?${query}` : ""}${view.location.hash}` };
  };

  /** @param {boolean} push */
  function writeUrl(push) {
    clearTimeout(timer);
    timer = 0;
    const { query, href } = address();
    if (query === shown) return;
    shown = query;
    view.history[push ? "pushState" : "replaceState"](null, "", href);
  }

  /** @param {Set<string>} changed */
  function notify(changed, restored = false) {
    for (const listener of [...listeners]) {
      // One that an earlier one ended hears nothing more.
      if (listeners.has(listener) && listener.keys.some((key) => changed.has(key))) {
        listener.run(state, changed, restored);
      }
    }
  }

  /** @param {Partial<State>} patch */
  function set(patch, { replace = false } = {}) {
    const changed = new Set(Object.entries(patch).filter(([key, value]) => value !== /** @type {Record<string, unknown>} */ (state)[key]).map(([key]) => key));
    if (!changed.size) return;
    const push = !replace && [...changed].some((key) => RULES[key]?.push);
    if (push && timer) writeUrl(false);
    state = { ...state, ...patch };
    if (push) writeUrl(true);
    else if ([...changed].some((key) => key in STATE) && !timer) {
      timer = setTimeout(() => writeUrl(false), URL_DELAY_MS);
    }
    notify(changed);
  }

  view.addEventListener("popstate", () => {
    clearTimeout(timer);
    timer = 0;
    const next = { ...state, ...readState(view.location.search) };
    shown = writeState(next);
    const changed = new Set(Object.entries(next).filter(([key, value]) => value !== /** @type {Record<string, unknown>} */ (state)[key]).map(([key]) => key));
    state = next;
    notify(changed, true);
  });

  return {
    get state() {
      return state;
    },
    set,
    /**
     * Calls `run(state, changed, restored)` whenever one of `keys` changes (`restored`: by Back or Forward); answers how to stop it.
     * @param {Listener["keys"]} keys
     * @param {Listener["run"]} run
     */
    on(keys, run) {
      const listener = { keys, run };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** The link that restores what is on screen now. */
    link() {
      return new URL(address().href, view.location.href).href;
    },
  };
}
