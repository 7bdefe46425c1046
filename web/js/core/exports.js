// SPDX-License-Identifier: Apache-2.0
// Files the page hands out: SVG and PNG of drawings, CSV and JSON of tables.

import { drawScene, toSvg } from "../pure/scene.js";
import { el } from "./dom.js";

const PNG_SCALE = 3; // about 300 dpi at the width of a paper's column

/**
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {import("./app.js").Table} Table
 */

/**
 * Offers a blob for download.
 * @param {string} name
 * @param {Blob} blob
 */
export function download(name, blob) {
  const href = URL.createObjectURL(blob);
  const link = el("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/**
 * A file name of letters, digits, dots and dashes.
 * @param {unknown[]} parts
 */
export const fileName = (...parts) =>
  parts.filter((p) => p !== "" && p !== null && p !== undefined).join("-").replace(/[^\w.-]+/g, "_").slice(0, 120);

/**
 * `millimetres` is the width on paper; without it a unit of the scene is a pixel.
 * @param {string} name
 * @param {Scene} scene
 * @param {string} title
 */
export const saveSvg = (name, scene, title, millimetres = 0) => download(
  `${name}.svg`, new Blob([toSvg(scene, title, millimetres)], { type: "image/svg+xml" }),
);

const [DOTS_PER_INCH, MILLIMETRES_PER_INCH] = [300, 25.4];

/**
 * @param {string} name
 * @param {Scene} scene
 */
export async function savePng(name, scene, millimetres = 0) {
  const scale = millimetres ? (millimetres / MILLIMETRES_PER_INCH) * DOTS_PER_INCH / scene.width : PNG_SCALE;
  const canvas = el(
    "canvas", { width: Math.ceil(scene.width * scale), height: Math.ceil(scene.height * scale) },
  );
  drawScene(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), scene, scale);
  /** @type {Blob | null} */
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (blob) download(`${name}.png`, blob);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export const saveJson = (name, value) => download(
  `${name}.json`, new Blob([`${JSON.stringify(value, null, 1)}\n`], { type: "application/json" }),
);

/**
 * @param {string} name
 * @param {Table} table
 */
export const saveCsv = (name, table) => download(`${name}.csv`, new Blob([toCsv(table)], { type: "text/csv" }));

/**
 * RFC 4180 text of {columns, rows}.
 * @param {Table} table
 */
export function toCsv({ columns, rows }) {
  const cell = (/** @type {unknown} */ value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/**
 * The same table as a list of objects.
 * @param {Table} table
 */
export const toObjects = ({ columns, rows }) =>
  rows.map((row) => Object.fromEntries(columns.map((c, i) => [c, row[i] ?? null])));
