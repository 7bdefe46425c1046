// SPDX-License-Identifier: Apache-2.0
// Overview, third view: the sortable, filterable table of heads, with only the rows in sight made.

import { button, el, fill, oncePerFrame } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { address, number, uncertainty } from "../pure/format.js";
import { errorOf, metricTable, sorted, valueOf } from "../pure/rank.js";

const ROW = 24; // pixels, as in the style sheet
const SPARE = 12; // rows made above and below the ones in sight

/** @typedef {import("../pure/shapes.js").Row} Row */

/** @param {import("../core/app.js").App} app */
export function createTable(app) {
  const { store, heads, tip } = app;
  const panel = createPanel(app, {
    name: "table", title: "Table",
    describe: "Sort by a column's name; maximised, it shows every metric.",
    give: { table: () => table() },
  });
  const note = el("p", { class: "note", role: "status" });
  const head = el("tr", {});
  const body = el("tbody", {});
  const above = el("tr", { "aria-hidden": "true" }, el("td", {}));
  const below = el("tr", { "aria-hidden": "true" }, el("td", {}));
  const grid = el("table", { class: "heads", "aria-label": "Heads" }, el("thead", {}, head), body);
  const scroller = el("div", { class: "scroller", tabIndex: 0, role: "region", "aria-label": "Table of heads" }, grid);
  panel.body.append(note, scroller);
  /** @type {Row[]} */
  let rows = [];
  /** @type {string[]} */
  let columns = [];
  let first = -1;

  const isFull = () => store.state.full === "table";
  const shownColumns = () => {
    if (isFull()) return heads.names;
    const axes = [heads.axis("grid"), heads.axis("x"), heads.axis("y"), heads.axis("color")];
    return [...new Set(axes)].flatMap((name) => (name && name !== "layer" && name !== "head" ? [name] : []));
  };

  function update() {
    const { error } = heads.shown();
    columns = ["address", ...(app.notes.size ? ["note"] : []), ...shownColumns()];
    rows = sorted(heads.shownRows(), store.state.sort || (heads.axis("grid") ? `-${heads.axis("grid")}` : ""));
    note.textContent = error
      ?? (rows.length === heads.rows.length ? `${rows.length} heads` : `${rows.length} of ${heads.rows.length} heads`);
    note.classList.toggle("error", error !== undefined);
    drawHead();
    first = -1;
    drawRows();
  }

  function drawHead() {
    const order = store.state.sort || (heads.axis("grid") ? `-${heads.axis("grid")}` : "");
    fill(head, columns.map((name) => {
      const state = order === name ? "ascending" : order === `-${name}` ? "descending" : "none";
      const mark = { ascending: "\u00a0↑", descending: "\u00a0↓", none: "" }[state];
      const press = () => store.set({ sort: state === "descending" ? name : `-${name}` });
      if (name === "note") return el("th", { scope: "col" }, "note");
      const node = button(name === "address" ? "head" : heads.label(name), press, {}, mark);
      if (heads.describe(name)) tip.on(node, heads.describe(name));
      return el("th", { scope: "col", "aria-sort": state }, node);
    }));
  }

  /** @param {HTMLElement} row */
  const cellOf = (row) => /** @type {HTMLElement} */ (row.firstChild);
  function drawRows() {
    const height = scroller.clientHeight || 300;
    const from = Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
    const to = Math.min(rows.length, from + Math.ceil(height / ROW) + 2 * SPARE);
    if (from === first && body.childElementCount > 2) return;
    first = from;
    cellOf(above).style.height = `${from * ROW}px`;
    cellOf(below).style.height = `${(rows.length - to) * ROW}px`;
    above.hidden = from === 0;
    below.hidden = to === rows.length;
    fill(body, above, rows.slice(from, to).map(line), below);
    mark();
  }

  /** @param {Row} row */
  function line(row) {
    const name = address(row.layer, row.head);
    return el("tr", { "data-head": name }, columns.map((column) => {
      if (column === "address") return el(
        "th", { scope: "row" }, button(name, () => app.goTo(row.layer, row.head), { class: "link" }),
      );
      if (column === "note") return noteCell(row);
      const error = errorOf(row, column);
      return el(
        "td", { class: "num" }, number(valueOf(row, column)),
        error !== null && el("small", {}, ` ±${uncertainty(error)}`),
      );
    }));
  }

  /** @param {Row} row */
  function noteCell(row) {
    const { name, text, color } = app.notes.of(row.layer, row.head);
    const node = el("td", { class: "note-cell", title: text }, name || (text ? "…" : ""));
    node.style.color = color;
    return node;
  }

  function mark() {
    const current = app.headName();
    for (const node of body.children) {
      node.classList.toggle("current", node.getAttribute("data-head") === current);
      node.classList.toggle("hot", node.getAttribute("data-head") === store.state.hot);
    }
  }

  function table() {
    const { columns: names, rows: values } = metricTable(rows, columns.filter((c) => c !== "address" && c !== "note"));
    if (!app.notes.size) return { columns: names, rows: values };
    const notes = rows.map((row) => app.notes.of(row.layer, row.head));
    return { columns: [...names, "note_name", "note_text"], rows: values.map((v, i) => [...v, notes[i].name, notes[i].text]) };
  }

  const rowAt = (/** @type {Event} */ event) => /** @type {HTMLElement} */ (event.target).closest?.("tr[data-head]")?.getAttribute("data-head") ?? "";
  body.addEventListener("pointerover", (event) => app.setHot(rowAt(event)));
  body.addEventListener("pointerleave", () => app.setHot(""));
  body.addEventListener("click", (event) => {
    const row = rows.find((r) => address(r.layer, r.head) === rowAt(event));
    if (row && /** @type {HTMLElement} */ (event.target).tagName !== "BUTTON") app.goTo(row.layer, row.head);
  });
  scroller.addEventListener("scroll", oncePerFrame(drawRows), { passive: true });
  new ResizeObserver(oncePerFrame(() => {
    first = -1;
    drawRows();
  })).observe(scroller);
  app.on(["find", "box", "sort", "grid", "x", "y", "color", "full", "noteVersion"], update);
  app.on(["hot", "layer", "head"], mark);
  update();
  return panel.root;
}
