// SPDX-License-Identifier: Apache-2.0
// Holds the page's state, tells the parts what changed and keeps the URL in step.

import { STATE, readState, writeState } from "./state.js";

const URL_DELAY_MS = 120; // browsers limit how often history may be written

/**
 * A store over one flat state. Keys of STATE live in the URL; any other key (what is hovered,
 * which edge is being picked) is for the moment only.
 */
export function createStore(view = window) {
  const listeners = new Set();
  /** @type {Record<string, any>} */
  let state = readState(view.location.search);
  let timer = 0;
  let shown = writeState(state);

  const address = () => {
    const query = writeState(state);
    return { query, href: `${view.location.pathname}${query ? `?${query}` : ""}${view.location.hash}` };
  };

  function writeUrl(push) {
    clearTimeout(timer);
    timer = 0;
    const { query, href } = address();
    if (query === shown) return;
    shown = query;
    view.history[push ? "pushState" : "replaceState"](null, "", href);
  }

  function notify(changed, restored = false) {
    for (const listener of [...listeners]) {
      // One that an earlier one ended hears nothing more.
      if (listeners.has(listener) && listener.keys.some((key) => changed.has(key))) {
        listener.run(state, changed, restored);
      }
    }
  }

  function set(patch, { replace = false } = {}) {
    const changed = new Set(Object.keys(patch).filter((key) => patch[key] !== state[key]));
    if (!changed.size) return;
    const push = !replace && [...changed].some((key) => STATE[key]?.push);
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
    const changed = new Set(Object.keys(next).filter((key) => next[key] !== state[key]));
    state = next;
    notify(changed, true);
  });

  return {
    get state() {
      return state;
    },
    set,
    /** Calls `run(state, changed, restored)` whenever one of `keys` changes (`restored`: by Back or Forward); answers how to stop it. */
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
