// SPDX-License-Identifier: Apache-2.0
// The view as one HTML file for somebody else: its drawings, its tables and their data, and no script.

import { escape, toSvg } from "../pure/scene.js";
import { address, number } from "../pure/format.js";
import { download, fileName, toCsv, toObjects } from "./exports.js";

const ROWS_SHOWN = 200; // rows of a table that are written out; its file holds all
// Of a part that is neither drawing nor table, what is kept: text and its colours.
const KEPT_ATTRIBUTES = new Set(["class", "style"]);
const LEFT_OUT = "button, input, select, textarea, canvas, svg, script, style, .menu, .divider";

/**
 * Saves what the open tab shows of the open head, and the overview it is seen in.
 * @param {import("./app.js").App} app
 */
export function saveReport(app) {
  const name = fileName(app.tree.shortName, app.headName(), app.store.state.tab);
  download(`${name}.html`, new Blob([reportOf(app)], { type: "text/html" }));
}

/**
 * The parts of the page that are on screen and say what they give, in the order of the document.
 * @param {import("./app.js").App} app
 */
function partsOf(app) {
  const inside = [...document.querySelectorAll(".view:not([hidden]) *, .panel-scatter, .panel-grid")];
  const own = inside.filter((node) => app.gives.has(node) && (node.closest("[hidden]") === null));
  const views = own.filter((node) => node.closest(".view"));
  return [...views, ...own.filter((node) => !node.closest(".view"))];
}

/** @param {import("./app.js").App} app */
function reportOf(app) {
  const { tree, store, theme } = app;
  const title = `${tree.config.model_name ?? ""} ${app.headName()}`.trim();
  const row = app.heads.row(store.state.layer, store.state.head);
  const metrics = row ? app.heads.names.map((name) => [name.replaceAll("_", " "), number(row[name])]) : [];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${styleOf(theme.colours)}</style>
</head>
<body>
<h1>${escape(tree.config.model_name ?? "")} <b>${escape(address(store.state.layer, store.state.head))}</b></h1>
<p>The ${escape(store.state.tab)} view of HeadVis, as it was at <a href="${escape(store.link())}">${escape(store.link())}</a></p>
${metrics.length ? tableOf({ columns: metrics.map(([name]) => name), rows: [metrics.map(([, value]) => value)] }) : ""}
${partsOf(app).map((node) => partOf(app, node)).join("\n")}
</body>
</html>
`;
}

/**
 * @param {import("./app.js").App} app
 * @param {Element} node
 */
function partOf(app, node) {
  const { title, give } = /** @type {{title: () => string, give: import("./app.js").Give}} */ (app.gives.get(node));
  const scene = give.scene?.();
  const table = give.table?.();
  const json = give.json ? give.json() : table && toObjects(table);
  const name = fileName(app.headName(), title());
  /** @type {[string, string, string, string][]} */
  const given = [];
  if (table) given.push(["CSV", "csv", "text/csv", toCsv(table)]);
  if (json) given.push(["JSON", "json", "application/json", JSON.stringify(json)]);
  const files = given.map(([label, ending, type, text]) =>
    `<a download="${escape(name)}.${ending}" href="data:${type};base64,${base64(text)}">${label}</a>`);
  const body = scene ? toSvg(scene, title()) : table ? tableOf(table) : textOf(node);
  return `<section><h2>${escape(title())} <small>${files.join(" ")}</small></h2>\n${body}</section>`;
}

/** @param {import("./app.js").Table} table */
function tableOf({ columns, rows }) {
  const cell = (/** @type {unknown} */ value) => (typeof value === "number" ? `<td class="num">${escape(number(value))}</td>` : `<td>${escape(value ?? "")}</td>`);
  const more = rows.length > ROWS_SHOWN ? `<p>${rows.length - ROWS_SHOWN} more rows are in its files.</p>` : "";
  return `<div class="wide"><table><thead><tr>${columns.map((c) => `<th>${escape(c)}</th>`).join("")}</tr></thead><tbody>${
    rows.slice(0, ROWS_SHOWN).map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n")}</tbody></table></div>${more}`;
}

/**
 * The text of a part with its colours, without anything that acts.
 * @param {Element} node
 */
function textOf(node) {
  const copy = /** @type {HTMLElement} */ ((node.querySelector(".panel-body") ?? node).cloneNode(true));
  for (const part of copy.querySelectorAll(LEFT_OUT)) part.remove();
  for (const part of [copy, ...copy.querySelectorAll("*")]) {
    for (const { name } of [...part.attributes]) if (!KEPT_ATTRIBUTES.has(name)) part.removeAttribute(name);
  }
  return copy.outerHTML;
}

/** @param {string} text */
function base64(text) {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** @param {import("./app.js").Colours} c */
const styleOf = (c) => `
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: ${c.paper}; color: ${c.ink}; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-weight: 400; } h2 { font-size: 1rem; margin: 0 0 .5rem; } small { font-weight: 400; margin-left: .8em; } a { color: ${c.accent}; overflow-wrap: anywhere; }
section { background: ${c.panel}; border: 1px solid ${c.line}; border-radius: 8px; padding: .8rem 1rem; margin: 1rem 0; }
svg { max-width: 100%; height: auto; } .wide { overflow: auto; } .snippet, .tokens { white-space: pre-wrap; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0; } .num { text-align: right; }
.dim { color: ${c.soft}; } .q { color: ${c.query_mark}; } .k { color: ${c.key_mark}; }`;
