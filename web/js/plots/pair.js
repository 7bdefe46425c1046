// SPDX-License-Identifier: Apache-2.0
// The same drawing of two heads, side by side under their names.

import { shifted, sideBySide } from "../pure/scene.js";

const TITLE = 22; // height of a name over its drawing

/**
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {{title: string, scene: Scene}} Titled
 */

/**
 * @param {Titled[]} panels
 * @param {{ink: string}} colours
 * @returns {Scene}
 */
export const pairScene = (panels, colours) => sideBySide(panels.map(({ title, scene }) => titled(title, scene, colours)));

/**
 * @param {string} title
 * @param {Scene} scene
 * @param {{ink: string}} colours
 * @returns {Scene}
 */
const titled = (title, scene, colours) => ({
  ...scene, height: scene.height + TITLE,
  marks: [
    { kind: "text", x: 8, y: 15, text: title, size: 12, weight: 600, fill: colours.ink },
    ...scene.marks.map((mark) => shifted(mark, 0, TITLE)),
  ],
});
