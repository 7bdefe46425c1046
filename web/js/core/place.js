// SPDX-License-Identifier: Apache-2.0
// Who ends what: a place of the page that is filled anew ends all that the parts in it held.

import { fill } from "./dom.js";

/**
 * `app` as the parts of one filling see it: what they subscribe to with on() and hold with own() is over with end().
 * @param {import("./app.js").App} app
 */
function filling(app) {
  /** @type {(() => void)[]} */
  const ends = [];
  let over = false;
  /** @param {() => void} run */
  const own = (run) => {
    if (over) run(); // who comes too late, after a file was read, finds nobody
    else ends.push(run);
  };
  return {
    app: Object.assign(Object.create(app), { own, on: /** @type {import("./app.js").App["on"]} */ ((keys, run) => own(app.store.on(keys, run))) }),
    end() {
      over = true;
      for (const run of ends.splice(0).reverse()) run();
    },
  };
}

/** @typedef {ReturnType<typeof createPlace>} Place */

/**
 * A place in the page, `element`, whose contents come and go. What its parts subscribed to, observe or draw ends
 * when it is filled again or emptied, and when the place it lies in is.
 * @template {Element} T
 * @param {import("./app.js").App} app
 * @param {T} element
 */
export function createPlace(app, element) {
  /** @type {ReturnType<typeof filling> | null} */
  let current = null;
  function end() {
    const former = current;
    current = null;
    former?.end();
  }
  app.own(end);
  return {
    element,
    /**
     * Puts what `make` answers for an app of its own (as children of `el`) in the place of what was there.
     * @param {(app: import("./app.js").App) => import("./dom.js").Child} make
     */
    fill(make) {
      end();
      const mine = filling(app);
      current = mine;
      const children = make(mine.app);
      if (current === mine) fill(element, children);
      else mine.end(); // filled or emptied while it was made
      return element;
    },
    empty() {
      end();
      element.replaceChildren();
    },
  };
}
