// SPDX-License-Identifier: Apache-2.0
// Which of some points on screen is nearest: to a pixel, or from another point in a direction.

/** @typedef {(i: number) => [number, number]} Place where a point is */

/**
 * The direction on screen of each arrow key.
 * @type {Record<string, [number, number] | undefined>}
 */
export const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Index of the one of `n` points nearest to (x, y) within `reach`, -1 for none; `place(i)` is where point i is.
 * @param {number} n
 * @param {Place} place
 * @param {number} x
 * @param {number} y
 * @param {number} reach
 */
export function nearestTo(n, place, x, y, reach) {
  let best = -1;
  let least = reach * reach;
  for (let i = 0; i < n; i++) {
    const [px, py] = place(i);
    const d = (px - x) ** 2 + (py - y) ** 2;
    if (d <= least) {
      least = d;
      best = i;
    }
  }
  return best;
}

/**
 * Index of the nearest point in a direction [1, 0], [0, 1], ... from (x, y), -1 for none; what lies aside counts double.
 * @param {number} n
 * @param {Place} place
 * @param {number[]} from
 * @param {number[]} step
 */
export function nextAlong(n, place, [x, y], [dx, dy]) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < n; i++) {
    const [px, py] = place(i);
    const along = (px - x) * dx + (py - y) * dy;
    const cost = along + 2 * Math.abs((px - x) * dy - (py - y) * dx);
    if (along > 0.5 && cost < least) {
      least = cost;
      best = i;
    }
  }
  return best;
}
