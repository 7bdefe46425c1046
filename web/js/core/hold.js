// SPDX-License-Identifier: Apache-2.0
// Keeps a place of a view in sight while what lies above it is still read, made or measured, until somebody scrolls.

import { distance, itemsOf } from "./sight.js";

/**
 * @typedef {import("./sight.js").Sight} Sight
 * @typedef {{top: number, height: number, room: number}} Measure of a scrolling element
 */

/**
 * @param {HTMLElement} view
 * @returns {Measure}
 */
const measured = (view) => ({ top: view.scrollTop, height: view.scrollHeight, room: view.clientHeight });

/**
 * Whether a view was scrolled and not pushed: a layout that changes moves it, too, and changes its heights.
 * @param {Measure} before
 * @param {Measure} now
 */
const isScrolled = (before, now) =>
  Math.abs(now.top - before.top) >= 1 && now.height === before.height && now.room === before.room;

/** Holds one place at a time. */
export function createHold() {
  /** @type {{view: HTMLElement, wanted: Sight, last: Measure} | null} */
  let held = null;
  const sizes = new ResizeObserver(settle); // hears of a change before it is painted
  const contents = new MutationObserver(() => {
    if (held) observe(held.view);
    settle();
  });

  /**
   * Every height that can push the items: two that change against each other leave their sum as it was.
   * @param {HTMLElement} view
   */
  function observe(view) {
    sizes.disconnect();
    const parts = [...view.children].flatMap((root) => [root, ...root.children]);
    for (const node of new Set([view, ...parts, ...itemsOf(view)])) sizes.observe(node);
  }

  function settle() {
    if (!isHeld() || !held) return;
    const { view, wanted } = held;
    const left = distance(view, wanted);
    if (left !== null && Math.abs(left) >= 1) view.scrollTop += left;
    held.last = measured(view);
  }

  /** Whether a place is held; one that somebody scrolled away from is not any more. */
  function isHeld() {
    if (held && isScrolled(held.last, measured(held.view))) release();
    return held !== null;
  }

  function release() {
    if (!held) return;
    held.view.style.overflowAnchor = "";
    held = null;
    sizes.disconnect();
    contents.disconnect();
  }

  return {
    isHeld, release,
    /**
     * Goes to a place as soon as it is there, and stays.
     * @param {HTMLElement} view
     * @param {Sight} wanted
     */
    hold(view, wanted) {
      release();
      held = { view, wanted, last: measured(view) };
      view.style.overflowAnchor = "none"; // two who answer to the same shift would answer twice
      observe(view);
      contents.observe(view, { childList: true, subtree: true });
      settle();
    },
  };
}
