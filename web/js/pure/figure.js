// SPDX-License-Identifier: Apache-2.0
// A drawing with a title above and a caption below, as a paper prints it.

import { shifted } from "./scene.js";

const [TITLE, LINE, CHARACTER] = [24, 15, 5.9]; // pixels: of the title, of a line and, on average, of a character of the caption

/**
 * The words of a text in lines of at most `most` characters.
 * @param {string} text
 * @param {number} most
 * @returns {string[]}
 */
export function wrapped(text, most) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * @param {import("./scene.js").Scene} scene
 * @param {{title: string, caption: string, ink: string}} words
 * @returns {import("./scene.js").Scene}
 */
export function figureScene(scene, { title, caption, ink }) {
  const top = title ? TITLE : 0;
  const lines = wrapped(caption, Math.max(10, Math.floor((scene.width - 16) / CHARACTER)));
  const bottom = lines.length ? lines.length * LINE + 8 : 0;
  /** @type {(y: number, text: string, look: {size: number, weight?: number}) => import("./scene.js").Mark} */
  const words = (y, text, look) => ({ kind: "text", x: 8, y, text, fill: ink, ...look });
  return {
    width: scene.width, height: scene.height + top + bottom, ground: scene.ground,
    marks: [
      ...(title ? [words(16, title, { size: 13, weight: 600 })] : []),
      ...scene.marks.map((mark) => shifted(mark, 0, top)),
      ...lines.map((text, i) => words(top + scene.height + 12 + i * LINE, text, { size: 11.5 })),
    ],
  };
}
