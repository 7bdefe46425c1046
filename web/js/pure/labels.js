// SPDX-License-Identifier: Apache-2.0
// Names beside points, none on another.

/**
 * @typedef {{text: string, x: number, y: number, fill: string, size?: number, weight?: number}} Label the name of the point (x, y)
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box
 */

const [LETTER, LINE] = [0.62, 1.15]; // width of a letter on average, and height of a line, in sizes of the letters
const GAP = 11; // pixels from a point to its name
const STEPS = [0, -1, 1, -2, 2, -3, 3]; // lines up and down at which a place is looked for

/**
 * The names as marks, each at the first free place beside its point and within `width` x `height`; the first ones choose first,
 * and one that finds no place is left out.
 * @param {Label[]} labels
 * @param {{width: number, height: number, halo: string}} panel
 * @returns {import("./scene.js").Text[]}
 */
export function placedLabels(labels, { width, height, halo }) {
  /** @type {Box[]} */
  const taken = [];
  return labels.flatMap(({ text, x, y, fill, size = 11, weight }) => {
    const place = placesBeside(x, y, LETTER * size * text.length, LINE * size)
      .find(({ box }) => isWithin(box, width, height) && taken.every((other) => isApart(box, other)));
    if (!place) return [];
    taken.push(place.box);
    const at = { x: place.anchor === "end" ? place.box.right : place.box.left, y: place.box.bottom - 0.25 * size };
    return [{ kind: /** @type {const} */ ("text"), ...at, text, fill, size, weight, anchor: place.anchor, halo }];
  });
}

/**
 * Places right and left of a point, the nearest first.
 * @param {number} x
 * @param {number} y
 * @param {number} long
 * @param {number} high
 * @returns {{anchor: "start" | "end", box: Box}[]}
 */
function placesBeside(x, y, long, high) {
  return STEPS.flatMap((step) => {
    const top = y - high / 2 + step * high;
    const rows = { top, bottom: top + high };
    return [
      { anchor: /** @type {const} */ ("start"), box: { left: x + GAP, right: x + GAP + long, ...rows } },
      { anchor: /** @type {const} */ ("end"), box: { left: x - GAP - long, right: x - GAP, ...rows } },
    ];
  });
}

/** @type {(box: Box, width: number, height: number) => boolean} */
const isWithin = ({ left, right, top, bottom }, width, height) => left >= 0 && top >= 0 && right <= width && bottom <= height;

/** @type {(a: Box, b: Box) => boolean} */
const isApart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
