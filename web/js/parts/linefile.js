// SPDX-License-Identifier: Apache-2.0
// A button that reads the lines of a file into a field.

import { button, el } from "../core/dom.js";
import { MOST_VALUES, linesOf } from "../pure/slot.js";

const MOST_BYTES = 1 << 20; // what a backend takes of a question

/**
 * `take(lines)` gets the lines of the file that was chosen; what was left out, or is too large, is said beside the button.
 * @param {(lines: string[]) => void} take
 */
export function lineFileButton(take) {
  const said = el("span", { class: "dim", role: "status" });
  const input = el("input", { type: "file", hidden: true, accept: ".txt,.csv,.tsv,text/plain", "aria-label": "A file of values, one a line" });
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) said.textContent = await read(file, take);
  });
  return el("div", { class: "row" }, input, button("Lines of a file …", () => input.click(), { class: "small", title: `One value a line, at most ${MOST_VALUES}` }), said);
}

/**
 * Reads a file; answers what is to be said of it.
 * @param {File} file
 * @param {(lines: string[]) => void} take
 */
async function read(file, take) {
  if (file.size > MOST_BYTES) return `${file.name} is larger than 1 MB; take a part of it.`;
  const { lines, left } = linesOf(await file.text());
  if (!lines.length) return `${file.name} has no lines.`;
  take(lines);
  return `${lines.length} values of ${file.name}${left ? `; ${left} lines beyond ${MOST_VALUES} are left out` : ""}.`;
}
