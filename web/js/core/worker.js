// SPDX-License-Identifier: Apache-2.0
// Worker: fetches and parses the large files and sends them back as packed buffers.

import { fromRecord, valueAt } from "../pure/sequence.js";
import { readJson } from "./json.js";
import { packCloud } from "../pure/cloud.js";

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {Omit<Sequence, "tokens"> & {tokenIds: Uint32Array}} PackedSequence
 * @typedef {{vocabulary: string[], sequences: PackedSequence[], skipped: number, rest: Loose}} Packed a head's file
 * @typedef {import("../pure/shapes.js").Edge} Edge
 * @typedef {import("../pure/shapes.js").Parsed} Parsed
 * @typedef {{head: Packed, cloud: import("../pure/cloud.js").Cloud, edge: {value: number, interval: number} | null, text: string[] | null,
 *   clusters: {clusters: unknown, version: unknown}, prompt: Parsed, notes: Parsed, json: Parsed}} Made by the kind of file, what is
 *   made of it
 */

/** @type {Map<number, AbortController>} */
const running = new Map();

/**
 * Token strings as one table and ids into it: strings cross to the page once each.
 * @param {Parsed} value
 * @param {string} path
 * @returns {Packed}
 */
function packHead(value, path) {
  const records = Array.isArray(value) ? value : value?.sequences;
  if (!Array.isArray(records)) throw new Error(`${path} has no sequences.`);
  /** @type {Map<string, number>} */
  const ids = new Map();
  /** @type {string[]} */
  const vocabulary = [];
  /** @type {PackedSequence[]} */
  const sequences = [];
  let skipped = 0;
  for (const record of records) {
    const sequence = fromRecord(record);
    if (!sequence) {
      skipped++;
      continue;
    }
    const { tokens, ...rest } = sequence;
    const tokenIds = Uint32Array.from(tokens, (token) => {
      let id = ids.get(token);
      if (id === undefined) {
        id = vocabulary.push(token) - 1;
        ids.set(token, id);
      }
      return id;
    });
    sequences.push({ ...rest, tokenIds });
  }
  const { sequences: _, ...rest } = /** @type {Loose} */ (Array.isArray(value) ? { sequences: value } : value);
  return { vocabulary, sequences, skipped, rest };
}

/**
 * @param {string} kind
 * @param {unknown} result what the reader of that kind makes
 * @returns {ArrayBuffer[]}
 */
function buffersOf(kind, result) {
  if (kind === "head") return /** @type {Packed} */ (result).sequences.flatMap((s) => [
    s.rowStart.buffer, s.cols.buffer, s.vals.buffer, s.tokenIds.buffer,
  ]);
  if (kind === "cloud") return /** @type {import("../pure/cloud.js").Cloud} */ (result).layouts.flatMap((l) => Object.values(l.spaces).map((xyz) => xyz.buffer));
  return [];
}

/**
 * The record of the sequence `ask` names; undefined where the file does not hold it.
 * @param {Parsed} value
 * @param {string} path
 * @param {Edge} ask
 */
function recordOf(value, path, ask) {
  const records = Array.isArray(value) ? value : value?.sequences;
  if (!Array.isArray(records)) throw new Error(`${path} has no sequences.`);
  return records.find((r) => String(r?.sequence_id) === ask.seq);
}

/**
 * {value, interval} of the entry `ask` names; null where the file does not hold its sequence.
 * @param {Parsed} value
 * @param {string} path
 * @param {Edge} ask
 */
function edgeOf(value, path, ask) {
  const sequence = fromRecord(recordOf(value, path, ask));
  return sequence ? { value: valueAt(sequence, ask.q, ask.k), interval: sequence.interval } : null;
}

/** @type {(value: Parsed, path: string, ask: Edge) => string[] | null} the tokens of the sequence `ask` names */
const textOf = (value, path, ask) => fromRecord(recordOf(value, path, ask))?.tokens ?? null;

const clustersOf = (/** @type {Parsed} */ value) => ({ clusters: value?.clusters ?? [], version: value?.clusters_version });
const FRESH = new Set(["cloud", "clusters", "prompt", "notes"]); // what a backend changes under the page

const LARGE = new Set(["head", "cloud"]); // files of megabytes
const TELL_EVERY = 1 << 18; // bytes after which it is told how far a file is

const asItIs = (/** @type {Parsed} */ value) => value;

/** @type {{[K in keyof Made]: (value: Parsed, path: string, ask: Edge) => Made[K]}} a parsed file as the page wants it */
const READERS = { head: packHead, cloud: packCloud, edge: edgeOf, text: textOf, clusters: clustersOf, prompt: asItIs, notes: asItIs, json: asItIs };

self.onmessage = async ({ data: { id, kind, url, path, ask, cancel } }) => {
  if (cancel) {
    running.get(id)?.abort();
    return;
  }
  const abort = new AbortController();
  running.set(id, abort);
  try {
    let told = 0;
    const tell = (/** @type {number} */ bytes) => {
      if (bytes < told + TELL_EVERY) return;
      told = bytes;
      self.postMessage({ id, bytes });
    };
    const options = { signal: abort.signal, cache: FRESH.has(kind) ? "no-cache" : "default" };
    const value = await readJson(url, path, /** @type {RequestInit} */ (options), LARGE.has(kind) ? tell : null);
    if (abort.signal.aborted) return;
    const result = READERS[/** @type {keyof Made} */ (kind)](value, path, ask);
    self.postMessage({ id, result }, { transfer: buffersOf(kind, result) });
  } catch (error) {
    self.postMessage({ id, error: { message: error.message, missing: error.missing === true } });
  } finally {
    running.delete(id);
  }
};
