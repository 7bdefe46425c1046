// SPDX-License-Identifier: Apache-2.0
// Keeps the state's `at` and the scroll of the open tab in step: a link opens where it was copied.

import { createHold } from "./hold.js";
import { placeOf, readPlace, topItem } from "./sight.js";

const QUIET_MS = 150; // after the last scroll event

/**
 * `viewOf(tab)` is the scrolling element of a tab; items in it that can be named have a data-id.
 * @param {import("./app.js").Store} store
 * @param {(tab: string) => HTMLElement} viewOf
 */
export function followScroll(store, viewOf) {
  let timer = 0; // 0: nobody is scrolling
  let own = false;
  /** @type {HTMLElement | null} */
  let top = null; // the item that `at` names
  const hold = createHold();
  const view = () => viewOf(store.state.tab);

  /** @param {string} at */
  function seek(at) {
    const wanted = readPlace(at);
    if (wanted) return hold.hold(view(), wanted);
    hold.release();
    view().scrollTop = 0; // which needs no holding
  }
  function note() {
    clearTimeout(timer);
    timer = 0;
    top = topItem(view());
    own = true;
    store.set({ at: placeOf(view()) });
    own = false;
  }

  // Who presses something means to change the view, and does not want it back where it was.
  for (const type of ["wheel", "pointerdown", "keydown", "touchstart"]) {
    addEventListener(type, hold.release, { capture: true, passive: true });
  }
  addEventListener("scroll", (event) => {
    if (event.target !== view() || hold.isHeld()) return;
    clearTimeout(timer);
    timer = setTimeout(note, QUIET_MS);
  }, { capture: true, passive: true });

  store.on(["at", "tab", "layer", "head", "interval", "text"], (state, changed, restored) => {
    if (own) return;
    clearTimeout(timer);
    timer = 0;
    if (restored || changed.has("at")) seek(state.at);
    else {
      hold.release();
      // A tab keeps its own scroll.
      if (changed.size > 1 || !changed.has("tab")) seek("");
      note();
    }
  });
  // News of the head that fill a list anew leave the reader where they were.
  store.on(["headVersion"], ({ at }) => {
    if (!timer && !hold.isHeld() && top && !top.isConnected) seek(at);
  });
  seek(store.state.at);
}
