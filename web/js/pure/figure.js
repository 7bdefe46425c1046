// SPDX-License-Identifier: Apache-2.0
// A drawing with a title above and a caption below, as a paper prints it.

import { shifted } from "./scene.js";

const [TITLE, LINE, CHARACTER] = [24, 15, 5.9]; // pixels: of the title, of a line and, on average, of a character of the caption

/** The words of a text in lines of at most `most` characters. */
export function wrapped(text, most) {
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
  return {
    width: scene.width, height: scene.height + top + bottom, ground: scene.ground,
    marks: [
      ...(title ? [{ kind: "text", x: 8, y: 16, text: title, fill: ink, size: 13, weight: 600 }] : []),
      ...scene.marks.map((mark) => shifted(mark, 0, top)),
      ...lines.map((text, i) => ({ kind: "text", x: 8, y: top + scene.height + 12 + i * LINE, text, fill: ink, size: 11.5 })),
    ],
  };
}
