// SPDX-License-Identifier: Apache-2.0
// Worker: fetches and parses the large files and sends them back as packed buffers.

import { fromRecord, valueAt } from "../pure/sequence.js";
import { readJson } from "./json.js";
import { packCloud } from "../pure/cloud.js";

const running = new Map();

/** Token strings as one table and ids into it: strings cross to the page once each. */
function packHead(value, path) {
  const records = Array.isArray(value) ? value : value?.sequences;
  if (!Array.isArray(records)) throw new Error(`${path} has no sequences.`);
  const ids = new Map();
  const vocabulary = [];
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
  const { sequences: _, ...rest } = Array.isArray(value) ? { sequences: value } : value;
  return { vocabulary, sequences, skipped, rest };
}

function buffersOf(kind, result) {
  if (kind === "head") return result.sequences.flatMap((s) => [
    s.rowStart.buffer, s.cols.buffer, s.vals.buffer, s.tokenIds.buffer,
  ]);
  if (kind === "cloud") return result.layouts.flatMap((l) => Object.values(l.spaces).map((xyz) => xyz.buffer));
  return [];
}

/** {value, interval} of the entry `ask` names; null where the file does not hold its sequence. */
function edgeOf(value, path, ask) {
  const records = Array.isArray(value) ? value : value?.sequences;
  if (!Array.isArray(records)) throw new Error(`${path} has no sequences.`);
  const record = records.find((r) => String(r?.sequence_id) === ask.seq);
  const sequence = record && fromRecord(record);
  return sequence ? { value: valueAt(sequence, ask.q, ask.k), interval: sequence.interval } : null;
}

const clustersOf = (value) => ({ clusters: value?.clusters ?? [], version: value?.clusters_version });
const FRESH = new Set(["cloud", "clusters", "prompt", "notes"]); // what a backend changes under the page

const READERS = { head: packHead, cloud: packCloud, edge: edgeOf, clusters: clustersOf, prompt: (value) => value, notes: (value) => value, json: (value) => value };

self.onmessage = async ({ data: { id, kind, url, path, ask, cancel } }) => {
  if (cancel) {
    running.get(id)?.abort();
    return;
  }
  const abort = new AbortController();
  running.set(id, abort);
  try {
    const value = await readJson(url, path, { signal: abort.signal, cache: FRESH.has(kind) ? "no-cache" : "default" });
    if (abort.signal.aborted) return;
    const result = READERS[kind](value, path, ask);
    self.postMessage({ id, result }, buffersOf(kind, result));
  } catch (error) {
    self.postMessage({ id, error: { message: error.message, missing: error.missing === true } });
  } finally {
    running.delete(id);
  }
};
