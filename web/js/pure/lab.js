// SPDX-License-Identifier: Apache-2.0
// The questions of the lab as forms: their fields, what is typed in them, and the JSON that is asked.

import { emptySlot, readValues } from "./slot.js";

/**
 * @typedef {import("./shapes.js").Loose} Loose
 * @typedef {{key: string, label: string, type: string, optional?: boolean, choices?: string[][]}} Field `key` may be a path, as
 *   replace.token
 * @typedef {Loose & {question: string, layer?: number, head?: number}} Question as it is asked
 * @typedef {Question & import("./shapes.js").Address} OfHead a question of a head
 * @typedef {{id: string, question: string, about: string, layer: number | null, head: number | null}} Listed an answer that a tree
 *   holds, of a head or of none
 * @typedef {import("./answers.js").Part} Part
 */

const PROMPT = { key: "prompt", label: "Prompt", type: "prompt" };
const QUERY = { key: "query", label: "Query", type: "mark" };
const KEY = { key: "key", label: "Key", type: "mark" };
/** @type {(key: string, field: Field, label: string) => Field} */
const within = (key, field, label) => ({ ...field, key, label, optional: true });

const TEXT = "When the tall cat slept, the dog ran. When the tall";
const EDGE = { prompt: TEXT, query: -1, key: "cat" };

/**
 * Every kind of question: its fields in order, and an example that any language model of English can run.
 * `settle` brings fields that depend on each other in step.
 * @type {Record<string, {label: string, says: string, ofHead: boolean, fields: Field[], example: object,
 *   settle?: (question: OfHead) => OfHead}>}
 */
export const KINDS = {
  sources: {
    label: "Sources", ofHead: true, fields: [PROMPT, QUERY, KEY, { key: "feature", label: "Feature instead of the score", type: "number", optional: true }],
    says: "Which components wrote what makes this query look at this key? The parts of each side add up to the score.",
    example: EDGE,
  },
  rank: {
    label: "Who does this?", ofHead: true, fields: [PROMPT, { key: "queries", label: "Queries", type: "marks" }, { key: "keys", label: "Keys", type: "marks" }],
    says: "All heads of the model by their attention from these queries to these keys, from one forward pass.",
    example: { prompt: TEXT, queries: [-1], keys: ["cat"] },
  },
  writes: {
    label: "What does it write?", ofHead: true, fields: [PROMPT, QUERY, within("key", KEY, "Key of its own")],
    says: "Tokens that the head's output here raises and lowers, by the key it came from; norms' scales held.",
    example: { prompt: TEXT, query: -1 },
  },
  sweep: {
    label: "Sweep", ofHead: true, fields: [PROMPT, { key: "values", label: "Values of {}: 1000..2020:20, a|b|c, or one a line", type: "values", optional: true }, QUERY, KEY],
    says: "One edge while a slot of the prompt takes many values: {1000..2020:20}, {a|b|c}, or {} with values below.",
    settle: (question) => (question.values && typeof question.prompt === "string" ? { ...question, prompt: emptySlot(question.prompt) } : question),
    example: { prompt: "When the tall cat slept, the dog ran. When the {tall|short|old|red|dog|cat}", query: "{}", key: "cat#1" },
  },
  swap: {
    label: "Swap", ofHead: true,
    fields: [
      PROMPT, QUERY, KEY, within("replace.token", QUERY, "Replace token"),
      { key: "replace.with", label: "by", type: "text", optional: true }, within("other.prompt", PROMPT, "or meet the keys of"),
      within("other.query", QUERY, "its query"), within("other.key", KEY, "its key"),
    ],
    says: "One token replaced, or the keys of another prompt at the same offsets: scores and attention before and after.",
    example: { ...EDGE, replace: { token: "tall#2", with: " short" } },
  },
  test: {
    label: "Test", ofHead: true,
    fields: [
      { key: "prompts", label: "Prompts, one JSON object a line", type: "objects" },
      { key: "lists", label: "Lists for {words}", type: "object", optional: true },
      { key: "seed", label: "Seed", type: "number", optional: true },
    ],
    says: "In how many labelled prompts is key A attended more than key B? With a bootstrap interval and a permutation test.",
    example: {
      prompts: [{ text: "When the {which} {what} slept, the bird ran. When the {which}", query: -1, a: "{what}", b: "bird" }],
      lists: { which: ["tall", "short", "old", "red"], what: ["cat", "dog", "king", "man", "horse"] },
    },
  },
  geometry: {
    label: "Geometry", ofHead: true,
    fields: [
      { key: "queries", label: "Queries, mark | prompt", type: "places" }, { key: "keys", label: "Keys, mark | prompt", type: "places" },
      { key: "offset", label: "Offset", type: "number", optional: true }, { key: "centred", label: "Means taken off", type: "flag" },
    ],
    says: "Every query with every key at one offset, beside the cosines of their residual streams.",
    example: {
      queries: ["tall", "short", "old", "red"].map((w) => ({ prompt: `Now we know that the ${w}`, mark: -1 })),
      keys: ["tall", "short", "old", "red"].map((w) => ({ prompt: `When the ${w} cat`, mark: "cat" })),
      offset: 8, centred: true,
    },
  },
  virtual: {
    label: "Virtual weights", ofHead: true,
    fields: [
      { key: "feature", label: "Feature", type: "number" },
      { key: "circuit", label: "It stands at", type: "choice", choices: [["query", "the query: keys it would attend to"], ["key", "the key: queries that would attend to it"], ["output", "the key: what is written"]] },
      { key: "offset", label: "Offset", type: "number", optional: true },
    ],
    says: "Features of the layer's dictionary that the head's weights join with a feature, without a prompt.",
    example: { feature: 0, circuit: "query" },
  },
};

/**
 * A mark as it is typed: a number is a position, an object of JSON itself, anything else a text.
 * @param {string} text
 */
export function readMark(text) {
  const typed = text.trim();
  if (/^-?\d{1,7}$/.test(typed)) return Number(typed);
  if (/^\{.*:.*\}$/s.test(typed)) return JSON.parse(typed);
  return typed;
}

/** @param {unknown} mark */
const writeMark = (mark) => (typeof mark === "object" && mark !== null ? JSON.stringify(mark) : String(mark ?? ""));
/** @param {string} text */
const readPrompt = (text) => {
  const stored = /^#(\d{1,10}|c[0-9a-f]+)$/.exec(text.trim());
  return stored ? { sequence: stored[1] } : text;
};
/** @param {unknown} prompt */
const writePrompt = (prompt) => (prompt && typeof prompt === "object" ? `#${/** @type {Loose} */ (prompt).sequence}` : String(prompt ?? ""));
/** @param {string} text */
const lines = (text) => text.split("\n").filter((line) => line.trim() !== "");

/** @param {string} line */
function readPlace(line) {
  const at = line.indexOf("|");
  if (at < 0) throw new Error(`"${line.slice(0, 40)}" is not: mark | prompt`);
  return { mark: readMark(line.slice(0, at)), prompt: readPrompt(line.slice(at + 1).replace(/^ /, "")) };
}

/** @param {unknown} value */
const listed = (value) => /** @type {unknown[]} */ (Array.isArray(value) ? value : []);

/**
 * How each type of field is read from its text, and written into it.
 * @type {Record<string, {read: (text: string) => unknown, write: (value: unknown) => string}>}
 */
const TYPES = {
  prompt: { read: readPrompt, write: writePrompt },
  text: { read: (s) => s, write: (v) => String(v ?? "") },
  mark: { read: readMark, write: writeMark },
  marks: { read: (s) => s.split("|").filter((m) => m.trim() !== "").map(readMark), write: (v) => listed(v).map(writeMark).join(" | ") },
  number: {
    read: (s) => {
      if (!/^-?\d{1,9}$/.test(s.trim())) throw new Error("must be a whole number");
      return Number(s);
    },
    write: (v) => (v === undefined || v === null ? "" : String(v)),
  },
  values: { read: readValues, write: (v) => listed(v).join("\n") },
  objects: { read: (s) => lines(s).map((line) => JSON.parse(line)), write: (v) => listed(v).map((o) => JSON.stringify(o)).join("\n") },
  object: { read: (s) => JSON.parse(s), write: (v) => (v ? JSON.stringify(v) : "") },
  places: { read: (s) => lines(s).map(readPlace), write: (v) => /** @type {Loose[]} */ (listed(v)).map((p) => `${writeMark(p.mark)} | ${writePrompt(p.prompt)}`).join("\n") },
  flag: { read: (s) => s === "true", write: (v) => (v ? "true" : "") },
  choice: { read: (s) => s, write: (v) => String(v ?? "") },
};

/**
 * The texts of a question's fields, by key.
 * @param {Question} question
 * @returns {Record<string, string>}
 */
export function formOf(question) {
  const fields = KINDS[question.question]?.fields ?? [];
  return Object.fromEntries(fields.map(({ key, type }) => {
    const value = key.split(".").reduce((at, name) => /** @type {Loose | undefined} */ (at)?.[name], /** @type {unknown} */ (question));
    return [key, TYPES[type].write(value)];
  }));
}

/**
 * The question of a kind with these texts in its fields; throws what is wrong with one.
 * @param {string} kind
 * @param {Record<string, string>} texts
 * @param {import("./shapes.js").Address} address
 * @returns {OfHead}
 */
export function questionOf(kind, texts, { layer, head }) {
  /** @type {OfHead} */
  const question = { question: kind, layer, head };
  for (const { key, label, type, optional } of KINDS[kind].fields) {
    const text = texts[key] ?? "";
    if (text.trim() === "" && type !== "flag") {
      if (optional) continue;
      throw new Error(`${label} is empty.`);
    }
    let value;
    try {
      value = TYPES[type].read(text);
    } catch (error) {
      throw new Error(`${label}: ${error instanceof SyntaxError ? "is not JSON" : error.message}.`);
    }
    if (type === "flag" && !value) continue;
    const path = key.split(".");
    const last = /** @type {string} */ (path.pop());
    const place = path.reduce((at, name) => /** @type {Loose} */ (at[name] ??= {}), /** @type {Loose} */ (question));
    place[last] = value;
  }
  return KINDS[kind].settle?.(question) ?? question;
}

/**
 * The example of a kind for a head.
 * @param {string} kind
 * @param {import("./shapes.js").Address} address
 * @returns {OfHead}
 */
export const exampleOf = (kind, { layer, head }) => ({ question: kind, layer, head, ...KINDS[kind].example });

/**
 * How far a job is, in words.
 * @param {{done: number, total: number, prompts: [number, number], kept: number, away?: boolean}} job
 */
export function jobText({ done, total, prompts, kept, away }) {
  const parts = [`${done} of ${total} questions answered`];
  if (prompts?.[1]) parts.push(`${prompts[0]} of ${prompts[1]} prompts of the next`);
  if (kept) parts.push(`${kept} prompts were known from before`);
  if (away) parts.push("the server does not answer; what it has done is kept");
  return parts.join(", ");
}

const ID = /^[0-9a-f]{16}$/;

/**
 * What the `ask` of a link holds: the id of an answer, a question, or nothing.
 * @param {string} text
 * @returns {{id: string | null, question: Question | null}}
 */
export function readAsk(text) {
  if (ID.test(text)) return { id: text, question: null };
  try {
    const question = JSON.parse(text);
    if (question && Object.hasOwn(KINDS, question.question)) return { id: null, question };
  } catch {
    // no question
  }
  return { id: null, question: null };
}

/**
 * The answers that a manifest lists, without what is malformed.
 * @param {Loose | null | undefined} value
 * @returns {Listed[]}
 */
export function readManifest(value) {
  return /** @type {(Listed | null)[]} */ (listed(value?.answers)).flatMap((entry) => (entry && ID.test(entry.id)
    && Object.hasOwn(KINDS, entry.question) && typeof entry.about === "string" ? [entry] : []));
}

/**
 * A row of a swap's table: before, after and difference of score and attention. Where there is no key there is no score, and
 * no attention goes there.
 * @param {import("./answers.js").Swapped} row
 */
export function swapRow({ offset, before, after }) {
  const score = [before?.score ?? null, after?.score ?? null];
  const attention = [before?.attention ?? null, after?.attention ?? null];
  return {
    offset, tokens: [before?.token ?? null, after?.token ?? null],
    score: [...score, score[0] === null || score[1] === null ? null : score[1] - score[0]],
    attention: [...attention, (attention[1] ?? 0) - (attention[0] ?? 0)],
  };
}

/**
 * What a component of the sources is called.
 * @param {Pick<Part, "kind" | "layer" | "head">} part
 */
export const partName = ({ kind, layer, head }) =>
  (kind === "head" ? `L${layer}H${head}` : layer === undefined || layer === null ? kind : `${kind === "mlp" ? "MLP" : kind} ${layer}`);

/**
 * The parts of a side by size, the largest first.
 * @template {{value: number}} T
 * @param {T[]} parts
 */
export const bySize = (parts) => [...parts].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
