// SPDX-License-Identifier: Apache-2.0
// Commands inside a sentence of the backend, so that the page can offer to copy them.

const VARIABLE = / [A-Z_]+=(?:"[^"]*"|'[^']*'|[\w./:-]*[\w/])/.source;
const TARGETS = "data|serve|site|dictionary|dictionaries|evidence|attributions";
// Words in backticks; make with variables; make with one of the targets that help here ("make sure" is no command).
const COMMAND = new RegExp(`\`([^\`]+)\`|\\b(make (?:[a-z-]+(?:${VARIABLE})+|(?:${TARGETS})\\b))`, "g");

/**
 * The sentence in pieces: what stands in backticks, and make with a target, are commands.
 * @param {string} sentence
 * @returns {{text: string, command: boolean}[]}
 */
export function splitCommands(sentence) {
  const pieces = [];
  let at = 0;
  for (const match of sentence.matchAll(COMMAND)) {
    const begin = match.index ?? 0;
    if (begin > at) pieces.push({ text: sentence.slice(at, begin), command: false });
    pieces.push({ text: match[1] ?? match[2], command: true });
    at = begin + match[0].length;
  }
  if (at < sentence.length) pieces.push({ text: sentence.slice(at), command: false });
  return pieces;
}
