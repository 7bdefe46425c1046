// SPDX-License-Identifier: Apache-2.0
// Opening a data/ tree: where it is, and the files that are read before anything is shown.

import { FileError, readJson } from "./json.js";
import { createProblems, optional } from "./problems.js";
import { createReader } from "./reader.js";
import { createTree } from "./tree.js";
import { isHead } from "../pure/format.js";

/**
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {import("./tree.js").Config} Config
 */

/**
 * Where the tree is: the `data` parameter, else beside the page, else beside its folder. Another
 * origin is refused.
 * @param {string} pageUrl
 * @param {string} given
 */
export function dataCandidates(pageUrl, given) {
  const page = new URL(pageUrl);
  if (given) {
    const url = new URL(given.endsWith("/") ? given : `${given}/`, page);
    if (url.origin !== page.origin) {
      throw new FileError(`The data folder ${given} is on another origin; serve it beside the page.`);
    }
    return [url.href];
  }
  const beside = new URL("data/", page).href;
  const above = new URL("../data/", page).href;
  if (beside === above) return [beside];
  return /\/web\/[^/]*$/.test(page.pathname) ? [above, beside] : [beside, above];
}

/**
 * Opens the tree: config.json decides where it is; the other start files are read together.
 * @param {string} pageUrl
 * @param {string} given
 */
export async function openTree(pageUrl, given) {
  const reader = createReader();
  /** @type {(Error & {missing?: boolean}) | undefined} */
  let failure;
  for (const base of dataCandidates(pageUrl, given)) {
    const problems = createProblems();
    // Asked for together: the second round trip of a far server would be felt.
    const rest = Promise.all([
      readScatter(base),
      optional(base, "server_config.json", {}, problems),
      optional(base, "attributions/manifest.json", {}, problems),
      optional(base, "scatter_errors.json", {}, problems),
    ]);
    try {
      const config = await readConfig(base);
      const [scatter, server, manifest, errors] = await rest;
      const [promptIndex, notes] = await Promise.all(PEOPLE_FILES.map((path) =>
        (config.people_files?.includes?.(path) ? optional(base, path, {}, problems) : {})));
      const listed = listedHeads(config);
      const rows = withErrors(scatter.rows ?? listed, errors);
      if (scatter.error) problems.add(
        "scatter_data.json", `${scatter.error.message} Heads are listed without metrics.`,
      );
      const heads = listed.length ? listed : rows.map(({ layer, head }) => ({ layer, head }));
      const stored = /** @type {import("./tree.js").Opened["manifest"]} */ (manifest);
      return createTree({ base, config, rows, heads, server, manifest: stored, promptIndex, notes, problems, reader });
    } catch (error) {
      if (!failure || !error.missing) failure = error;
      if (!error.missing) break;
    }
  }
  throw failure;
}

// What people make with a backend: a tree lists those that it has.
const PEOPLE_FILES = ["prompts/index.json", "notes.json"];

/**
 * @param {string} base
 * @returns {Promise<Config>}
 */
async function readConfig(base) {
  const path = `${new URL(base).pathname}config.json`;
  const config = await readJson(new URL("config.json", base), path, { cache: "no-cache" });
  if (config === null || typeof config !== "object" || Array.isArray(config)) {
    throw new FileError(`${path} is not an object.`);
  }
  return config;
}

/**
 * The heads config.json names, as rows without metrics.
 * @param {Config} config
 * @returns {Row[]}
 */
function listedHeads(config) {
  return (Array.isArray(config.heads) ? config.heads : []).filter(isHead).map(([layer, head]) => ({ layer, head }));
}

/**
 * The rows with the standard errors of scatter_errors.json, which a tree need not have.
 * @param {Row[]} rows
 * @param {unknown} errors
 * @returns {Row[]}
 */
function withErrors(rows, errors) {
  if (!Array.isArray(errors)) return rows;
  const key = (/** @type {Row | null} */ row) => `${row?.layer}.${row?.head}`;
  const byHead = new Map(errors.map((row) => [key(row), row]));
  return rows.map((row) => (byHead.has(key(row)) ? { ...row, standard_errors: byHead.get(key(row)) } : row));
}

/**
 * {rows} of scatter_data.json, or {error}.
 * @param {string} base
 * @returns {Promise<{rows?: Row[], error?: Error}>}
 */
async function readScatter(base) {
  try {
    const rows = await readJson(new URL("scatter_data.json", base), "scatter_data.json", { cache: "no-cache" });
    if (!Array.isArray(rows)) throw new FileError("scatter_data.json is not a list.");
    return { rows: rows.filter((/** @type {Row | null} */ row) => Number.isInteger(row?.layer) && Number.isInteger(row?.head)) };
  } catch (error) {
    return { error };
  }
}
