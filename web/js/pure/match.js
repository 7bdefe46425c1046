// SPDX-License-Identifier: Apache-2.0
// Text and token filters: words, or a /pattern/.

/** @typedef {{test: (text: string) => boolean, error?: string}} Rule */

/**
 * A predicate over strings. "/…/flags" is a regular expression; anything else matches by
 * `compare(text, wanted)`. A pattern that is not valid yields {error}.
 * @param {string} rule
 * @param {(text: string, wanted: string) => boolean} compare
 * @returns {Rule}
 */
function matcher(rule, compare) {
  const pattern = /^\/(.+)\/([a-z]*)$/s.exec(rule);
  if (!pattern) return { test: (text) => compare(text, rule) };
  try {
    const regex = new RegExp(pattern[1], pattern[2].replace(/[gy]/g, ""));
    return { test: (text) => regex.test(text) };
  } catch {
    return { error: `${rule} is not a valid pattern.`, test: () => false };
  }
}

/**
 * Token rule: the token itself, spaces at its ends aside, or a /pattern/.
 * @param {string} rule
 */
export const tokenRule = (rule) => matcher(rule, (token, wanted) => token.trim() === wanted.trim());

/**
 * Text rule: contains the words, upper and lower case alike, or a /pattern/.
 * @param {string} rule
 */
export const textRule = (rule) => matcher(rule, (text, wanted) => text.toLowerCase().includes(wanted.toLowerCase()));
