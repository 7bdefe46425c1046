// SPDX-License-Identifier: Apache-2.0
// Heads that are pointed out among others: a ring around each, and names that keep off each other.

import { placedLabels } from "../pure/labels.js";

/**
 * @typedef {{name: string, x: number, y: number, stroke: string, passing?: boolean}} Ringed `passing`: only while it is pointed
 *   at; its name takes a place that the others leave, so that they do not move
 * @param {Ringed[]} heads
 * @param {import("../pure/labels.js").Label[]} others names without a ring, the more important first
 * @param {{width: number, height: number, colours: import("../core/app.js").Colours}} panel
 * @returns {import("../pure/scene.js").Mark[]}
 */
export function ringMarks(heads, others, { width, height, colours }) {
  const namesOf = (/** @type {boolean} */ late) => heads.filter(({ passing = false }) => passing === late)
    .map(({ name, x, y }) => ({ text: name, x, y, fill: colours.ink, size: 11.5, weight: 600 }));
  const ringed = new Set(heads.map(({ name }) => name));
  return [
    ...heads.map(({ x, y, stroke }) => ({ kind: /** @type {const} */ ("circle"), x, y, r: 7, stroke, width: 2 })),
    ...placedLabels([...namesOf(false), ...others.filter(({ text }) => !ringed.has(text)), ...namesOf(true)], { width, height, halo: colours.panel }),
  ];
}
