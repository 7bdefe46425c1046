// SPDX-License-Identifier: Apache-2.0
// Fetches a JSON file and says in one sentence what is wrong with it when it cannot be read.

/** A file that could not be read; `missing` when the server does not have it. */
export class FileError extends Error {
  /** @param {string} message */
  constructor(message, missing = false) {
    super(message);
    this.missing = missing;
  }
}

/**
 * The parsed file at `url`; `path` is what messages call it; `tell(bytes)` hears how much of it is there.
 * @param {string | URL} url
 * @param {string} path
 * @param {RequestInit} [options]
 * @param {((bytes: number) => void) | null} [tell]
 * @returns {Promise<import("../pure/shapes.js").Parsed>} what the file holds, to be checked by who reads it
 */
export async function readJson(url, path, options = {}, tell = null) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new FileError(`${path} could not be fetched: the server does not answer.`);
  }
  if (response.status === 404 || response.status === 410) throw new FileError(`${path} is missing.`, true);
  if (!response.ok) throw new FileError(`${path} could not be fetched: the server answered ${response.status}.`);
  /** @type {string} */
  let text;
  try {
    text = tell && response.body ? await read(response.body, tell) : await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new FileError(`${path} broke off while it was read.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    const html = /^\s*<(!doctype|html)/i.test(text);
    // Servers that answer every address with their start page have no such file.
    if (html) throw new FileError(`${path} is missing: the server answered with a page.`, true);
    throw new FileError(`${path} is cut short or is not JSON (${text.length.toLocaleString("en-US")} characters were read).`);
  }
}

/**
 * The text of a body, told how far it is.
 * @param {ReadableStream} body
 * @param {(bytes: number) => void} tell
 */
async function read(body, tell) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    tell((bytes += part.value.length));
  }
  return text + decoder.decode();
}
