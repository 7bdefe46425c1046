// SPDX-License-Identifier: Apache-2.0
// The Metrics tab: distributions, top tokens, statistics, and where the head stands among all heads.

import { button, el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { createCanvas } from "../plots/canvas.js";
import { barPair, barPlot, binned, readBins, stripPlot } from "../plots/bars.js";
import { tokensIn } from "../pure/circuit.js";
import { shifted } from "../pure/scene.js";
import { edgeFormat, number, quoted, statistic, uncertainty, words } from "../pure/format.js";
import { errorOf, standing, valueOf } from "../pure/rank.js";

/**
 * @typedef {import("../core/tree.js").Payload} Payload
 * @typedef {import("../pure/scene.js").Mark} Mark
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {import("../pure/shapes.js").Row} Row
 * @typedef {{name: string, value: number, error: number | null, rank: number, of: number, percentile: number}} Line a metric of a
 *   head, and where it stands
 */

/** @param {import("../core/app.js").App} app */
export function createMetrics(app) {
  const { store, session } = app;
  const place = createPlace(app, el("div", { class: "metrics" }));
  function show() {
    if (store.state.tab === "metrics") place.fill(panels);
  }
  app.on(["headVersion", "tab", "layer", "head", "vsVersion"], show);
  show();
  return place.element;

  /** @param {import("../core/app.js").App} app */
  function panels(app) {
    const { data, error } = session.head;
    const among = standingPanel(app);
    if (error) return [
      el("div", { class: "empty error", role: "alert" }, error, " ", button("Try again", session.load)), among,
    ];
    if (!data) return [among, el(
      "div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading ", app.headName(), " …",
    )];
    return [el("div", {}, plots(app, data), statisticsPanel(app, data)), among, el("div", {}, tables(app, data))];
  }
}

/**
 * The distributions a head's file has.
 * @param {import("../core/app.js").App} app
 * @param {Payload} data
 */
function plots(app, { rest, sequences }) {
  const stored = readBins(rest.histogram);
  const out = [barPanel(app, {
    name: "histogram", field: "histogram", title: "Strongest attention of a sequence",
    bins: stored ?? binned(sequences.map((s) => s.max)), xLabel: "max activation", yLabel: "sequences", logY: true,
    describe: stored
      ? "max_activation over all walked sequences; heights are logarithmic."
      : "max_activation of the stored sequences; the file has no histogram of all. Heights are logarithmic.",
  })];
  for (const plot of list(app.tree.config.custom_plots)) {
    const bins = readBins(rest[plot.key]);
    if (!bins) continue;
    const doubling = bins.edges.length > 4 && bins.edges[bins.edges.length - 1] > 4 * bins.edges.length;
    out.push(barPanel(app, {
      name: `plot-${plot.key}`, field: plot.key, title: String(plot.label ?? words(plot.key)), bins,
      describe: String(plot.description ?? ""),
      xLabel: plot.key.includes("distance") ? "distance |q − k|" : words(plot.key),
      yLabel: bins.values.every((v) => v <= 1) ? "share" : "count",
      even: doubling, xFormat: edgeFormat(bins.edges, plot.x_format),
    }));
  }
  return out;
}

/**
 * `look` is what barPlot takes beside bins and size.
 * @param {import("../core/app.js").App} app
 * @param {{name: string, title: string, bins: import("../plots/bars.js").Bins, field: string, describe: string} &
 *   Omit<import("../plots/bars.js").Look, "colours">} options
 */
function barPanel(app, { name, title, bins, field, describe, ...look }) {
  /** The second head's bins, where they are the same ones. */
  const other = () => {
    const found = app.compare.data && readBins(app.compare.data.rest[field]);
    return found && String(found.edges) === String(bins.edges) ? found : null;
  };
  /** @type {ReturnType<typeof barPlot> | null} */
  let plot = null;
  let hot = -1;
  const holder = el("div", { class: "plot plot-bars" });
  /** On paper two heads stand side by side: bars are read more surely than a line over them. */
  async function figure() {
    const second = app.compare.head;
    if (!second) return () => canvas.scene;
    const name = app.compare.name;
    const { rest, sequences } = await app.tree.head(second.layer, second.head);
    const found = readBins(rest[field]) ?? (field === "histogram" ? binned(sequences.map((s) => s.max)) : null);
    if (!found) throw new Error(`The file of ${name} does not have this distribution.`);
    return () => barPair(
      [{ title: app.headName(), bins }, { title: name, bins: found }], { colours: app.theme.colours, ...look },
    );
  }
  const panel = createPanel(app, {
    name, title, describe,
    give: {
      scene: () => canvas.scene, figure,
      table: () => ({
        columns: ["from", "to", "value"], rows: bins.values.map((v, i) => [bins.edges[i], bins.edges[i + 1], v]),
      }),
    },
  });
  panel.body.append(holder);
  const canvas = createCanvas(holder, {
    label: `${title}: ${bins.values.length} bins from ${number(bins.edges[0])} to ${number(bins.edges.at(-1))}`,
    draw: (width, height) => {
      plot = barPlot({ bins, width, height, colours: app.theme.colours, hot, other: other()?.values ?? null, ...look });
      return plot.scene;
    },
  });
  canvas.element.addEventListener("pointermove", (event) => {
    const [x] = canvas.at(event);
    const bin = plot?.bin(x) ?? -1;
    if (bin !== hot) {
      hot = bin;
      canvas.redraw();
    }
    if (bin < 0) app.tip.hide();
    else app.tip.show(
      event.clientX, event.clientY, el("b", {}, bins.values[bin].toLocaleString("en-US")),
      ` in ${number(bins.edges[bin])} to ${number(bins.edges[bin + 1])}`,
    );
  });
  canvas.element.addEventListener("pointerleave", () => {
    hot = -1;
    canvas.redraw();
    app.tip.hide();
  });
  app.own(canvas.stop);
  app.on(["themeName"], canvas.redraw);
  return panel.root;
}

/**
 * The tables of tokens a head's file has.
 * @param {import("../core/app.js").App} app
 * @param {Payload} data
 */
function tables(app, { rest }) {
  return list(app.tree.config.custom_tables).map((table) => {
    const rows = tokensIn(rest[table.key]);
    if (!rows.length) return null;
    const shown = rows.slice(0, Number.isInteger(table.max_rows) ? Number(table.max_rows) : 15);
    const most = Math.max(...shown.map((r) => Math.abs(r.weight)), 1e-12);
    const panel = createPanel(app, {
      name: `table-${table.key}`, title: String(table.label ?? words(table.key)),
      describe: String(table.description ?? ""),
      give: { table: () => ({ columns: ["token", "weight"], rows: shown.map((r) => [r.token, r.weight]) }) },
    });
    panel.body.append(el("table", { class: "weights" },
      el(
        "thead", {},
        el("tr", {}, el("th", { scope: "col" }, "token"), el("th", { scope: "col" }, "weight"), el("td", {})),
      ),
      el("tbody", {}, shown.map((r) => {
        const bar = el("span", { class: "bar" });
        bar.style.width = `${(100 * Math.abs(r.weight)) / most}%`;
        return el(
          "tr", {}, el("th", { scope: "row", class: "token" }, quoted(r.token)),
          el("td", { class: "num" }, number(r.weight)), el("td", { class: "bar-cell", "aria-hidden": "true" }, bar),
        );
      }))));
    return panel.root;
  }).filter(Boolean);
}

/**
 * @param {import("../core/app.js").App} app
 * @param {Payload} data
 */
function statisticsPanel(app, { rest, sequences }) {
  const display = app.tree.config.statistics_display ?? {};
  const stats = statisticsOf(rest) ?? statisticsOfStored(sequences.map((s) => s.max));
  const keys = Object.keys(stats).filter((key) => stats[key] !== null && !(key.endsWith("_se") && key.slice(0, -3) in stats));
  const format = (/** @type {string} */ key) => (key === "count" && !display[key] ? "integer" : display[key]?.format);
  const rows = keys.map((key) => ({
    key, label: String(display[key]?.label ?? words(key)), value: stats[key],
    error: valueOf(stats, `${key}_se`),
  }))
    // Metrics have their own panel; an error without its metric here is shown there.
    .filter(({ key }) => !(key.endsWith("_se") && app.heads.names.includes(key.slice(0, -3))));
  const panel = createPanel(app, {
    name: "statistics", title: "Statistics",
    give: { table: () => ({
      columns: ["statistic", "value", "standard_error"], rows: rows.map((r) => [r.key, r.value, r.error]),
    }) },
  });
  panel.body.append(el("table", { class: "stats" }, el("tbody", {}, rows.map((r) => el("tr", {},
    el("th", { scope: "row" }, r.label),
    el("td", { class: "num" }, statistic(r.value, format(r.key)), r.error === null ? null : el("small", {}, ` ± ${statistic(r.error, format(r.key))}`)))))));
  return panel.root;
}

/**
 * The `statistics` of a head's file; null where it has none.
 * @param {Loose} rest
 */
const statisticsOf = ({ statistics }) => /** @type {Loose | null} */ (
  statistics && typeof statistics === "object" ? statistics : null);

/**
 * What there is to say where the file has none.
 * @param {number[]} maxima of the stored sequences
 * @returns {Loose}
 */
const statisticsOfStored = (maxima) => ({
  count: maxima.length, mean: maxima.reduce((a, b) => a + b, 0) / (maxima.length || 1), max: Math.max(...maxima, 0),
});

/**
 * Rank and percentile of every metric, each over a strip of all heads.
 * @param {import("../core/app.js").App} app
 */
function standingPanel(app) {
  const { heads, store, session } = app;
  const row = heads.row(store.state.layer, store.state.head);
  const other = app.compare.head && heads.row(app.compare.head.layer, app.compare.head.head);
  const lines = linesOf(app, row, session.head.data);
  const panel = createPanel(app, {
    name: "standing", title: `Among all ${heads.rows.length} heads${other ? `, ${app.compare.name} in blue` : ""}`,
    onPaper: `Among all ${heads.rows.length} heads`,
    describe: "Every tick is a head, the marked one is this; rank 1 is the largest value, the percentile the share of heads at or below it.",
    give: {
      table: () => ({
        columns: ["metric", "value", "standard_error", "rank", "of", "percentile"],
        rows: lines.map((l) => [l.name, l.value, l.error, l.rank, l.of, +l.percentile.toFixed(1)]),
      }),
      scene: () => standingScene(app, [{ title: app.headName(), lines }]),
      figure: async () => () => standingScene(app, [
        { title: app.headName(), lines },
        ...(other ? [{ title: app.compare.name, lines: linesOf(app, other, app.compare.data) }] : []),
      ]),
    },
  });
  if (!lines.length) panel.body.append(el("p", { class: "empty" }, "The tree has no metrics of this head."));
  else panel.body.append(el("table", { class: "standing" },
    el(
      "thead", {},
      el("tr", {}, ["metric", "value", "all heads", "rank", "percentile"].map((t) => el("th", { scope: "col" }, t))),
    ),
    el("tbody", {}, lines.map((line) => {
      const strip = el("td", { class: "strip" });
      const canvas = createCanvas(strip, {
        label: `${words(line.name)}: rank ${line.rank} of ${line.of}`,
        draw: (width, height) => stripPlot({
          values: columnOf(app, line.name), value: line.value, error: line.error, width, height,
          colours: app.theme.colours, other: other && valueOf(other, line.name),
        }),
      });
      app.own(canvas.stop);
      app.on(["themeName"], canvas.redraw);
      const label = button(
        words(line.name), () => store.set({ grid: line.name, sort: `-${line.name}` }), { class: "link" },
      );
      app.tip.on(label, heads.describe(line.name) || "Rank all heads by this metric");
      return el("tr", {}, el("th", { scope: "row" }, label),
        el(
          "td", { class: "num" }, number(line.value),
          line.error === null ? null : el("small", {}, ` ± ${uncertainty(line.error)}`),
        ),
        strip, el("td", { class: "num" }, `${line.rank} of ${line.of}`), el("td", { class: "num" }, `${Math.round(line.percentile)}%`));
    }))));
  return panel.root;
}

/**
 * What a head's metrics are and where each stands; `data` is its file.
 * @param {import("../core/app.js").App} app
 * @param {Row | null} row
 * @param {Payload | null} data
 * @returns {Line[]}
 */
function linesOf({ heads }, row, data) {
  const stats = data && statisticsOf(data.rest);
  return heads.names.flatMap((name) => {
    const value = valueOf(row, name);
    const error = errorOf(row, name) ?? valueOf(stats, `${name}_se`);
    return value === null ? [] : [{ name, value, error, ...standing(heads.rows, name, value) }];
  });
}

/** @type {(app: import("../core/app.js").App, name: string) => number[]} */
const columnOf = (app, name) => app.heads.rows.flatMap((r) => valueOf(r, name) ?? []);

const [NAMES_WIDTH, BLOCK_WIDTH, ROW] = [170, 470, 24]; // pixels of the names, of what is told of a head, of a line

/**
 * The metrics of a head, or of two, over the same strips of all heads; with two, each under its name.
 * @param {import("../core/app.js").App} app
 * @param {{title: string, lines: Line[]}[]} blocks
 * @returns {import("../core/app.js").Scene}
 */
function standingScene(app, blocks) {
  const { colours } = app.theme;
  const top = blocks.length > 1 ? 22 : 0;
  const names = blocks[0].lines.map((line) => line.name);
  const place = (/** @type {number} */ i) => top + 14 + i * ROW;
  /** @type {Mark[]} */
  const marks = names.map((name, i) => ({ kind: "text", x: 10, y: place(i) + 4, text: words(name), fill: colours.ink, size: 12 }));
  blocks.forEach(({ title, lines }, b) => {
    const left = NAMES_WIDTH + b * BLOCK_WIDTH;
    if (top) marks.push({ kind: "text", x: left + 135, y: 16, text: title, fill: colours.ink, size: 12, weight: 600 });
    for (const line of lines) {
      const y = place(names.indexOf(line.name));
      const value = `${number(line.value)}${line.error === null ? "" : ` ± ${uncertainty(line.error)}`}`;
      marks.push({ kind: "text", x: left + 120, y: y + 4, text: value, fill: colours.ink, size: 12, anchor: "end" });
      const strip = stripPlot({
        values: columnOf(app, line.name), value: line.value, error: line.error, width: 230, height: 20, colours,
      });
      marks.push(...strip.marks.map((m) => shifted(m, left + 135, y - 10)));
      marks.push({ kind: "text", x: left + 390, y: y + 4, text: `${line.rank} of ${line.of}`, fill: colours.soft, size: 12 });
    }
  });
  return { width: NAMES_WIDTH + blocks.length * BLOCK_WIDTH, height: top + names.length * ROW + 10, ground: colours.panel, marks };
}

/**
 * The entries of a list of config.json that name a field.
 * @param {unknown} value
 * @returns {(Loose & {key: string})[]}
 */
const list = (value) => (Array.isArray(value) ? value.filter((v) => v && typeof v.key === "string") : []);
