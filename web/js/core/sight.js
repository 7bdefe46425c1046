// SPDX-License-Identifier: Apache-2.0
// Places in a scrolling view: which of its items is at the top, and how far another place is from there.

/** @typedef {{id: string, past: number}} Sight the item at the top of a view ("" for none), and the pixels of it above the top */

/**
 * `id:pixels` as {id, past}; null for anything else.
 * @param {string} at
 * @returns {Sight | null}
 */
export function readPlace(at) {
  const match = /^(.*):(-?\d{1,7})$/.exec(at);
  return match ? { id: match[1], past: Number(match[2]) } : null;
}

/**
 * What can be named in a view, in order. A maximised card is fixed to the window and has no place in it.
 * @param {HTMLElement} view
 */
export function itemsOf(view) {
  const all = /** @type {HTMLElement[]} */ ([...view.querySelectorAll(":is(.cards, .guests) > [data-id]")]);
  return all.filter((item) => item.offsetParent !== null);
}

/**
 * What is pinned above the items hides what is under it; on narrow screens it is not pinned and scrolls away.
 * @param {HTMLElement} view
 */
function edge(view) {
  const bar = view.querySelector(".toolbar");
  const isPinned = bar !== null && getComputedStyle(bar).position === "sticky";
  return isPinned ? bar.getBoundingClientRect().bottom : view.getBoundingClientRect().top;
}

/**
 * The item at the top of a view; null where there is none.
 * @param {HTMLElement} view
 */
export function topItem(view) {
  const from = edge(view);
  return itemsOf(view).find((item) => item.getBoundingClientRect().bottom > from) ?? null;
}

/**
 * The place in sight, as readPlace reads it; "" for the top of the view.
 * @param {HTMLElement} view
 */
export function placeOf(view) {
  if (view.scrollTop < 1) return "";
  const top = topItem(view);
  return top
    ? `${top.dataset.id}:${Math.round(edge(view) - top.getBoundingClientRect().top)}`
    : `:${Math.round(view.scrollTop)}`;
}

/**
 * How far a view must still scroll to a place; null while what it names is not there.
 * @param {HTMLElement} view
 * @param {Sight} wanted
 */
export function distance(view, { id, past }) {
  if (id === "") return past - view.scrollTop;
  const item = itemsOf(view).find((node) => node.dataset.id === id);
  return item ? item.getBoundingClientRect().top + past - edge(view) : null;
}
