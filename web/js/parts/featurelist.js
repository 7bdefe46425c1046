// SPDX-License-Identifier: Apache-2.0
// The ranked lists of an attribution answer, and the features of the row that is chosen.

import { button, el } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { createFeature, scoreBadge } from "./feature.js";

/**
 * @typedef {import("../core/tree.js").Kind} Kind
 * @typedef {import("../pure/attribution.js").Feature} Feature
 * @typedef {import("../pure/attribution.js").Marginal} Marginal
 * @typedef {import("../pure/attribution.js").Pair} Pair
 * @typedef {"key" | "query"} Side
 */

const SIDES = { qk: { key: "Key", query: "Query" }, ov: { key: "Value", query: "Output" } };
/** @type {Record<string, string>} */
const TITLES = { writes: "writes", written: "written features", pairs: "pairs" };
const SMALLEST = 1e-12; // so that a list of zeros has a colour scale

/**
 * Lists of `answer`; `at(side)` names the token of a side of the edge, `at(side, i)` another one; `preferred` is the list that
 * is shown until one is chosen.
 * @param {import("../core/app.js").App} app
 * @param {Kind} kind
 * @param {import("./edgepanel.js").Answer} answer
 * @param {(side: string, i?: number) => string} at
 */
export function createFeatureList(app, kind, answer, at, preferred = "pairs") {
  const { store } = app;
  const names = SIDES[kind];
  /** @type {{view: string, label: string, rows: (Pair | Marginal)[]}[]} */
  const lists = [
    { view: "pairs", label: "Pairs", rows: answer.pairs },
    { view: "key", label: `Marginal ${names.key}`, rows: answer.key },
    { view: "query", label: `Marginal ${names.query}`, rows: answer.query },
    { view: "writes", label: "Writes", rows: answer.writes },
    { view: "written", label: "Written features", rows: answer.written },
  ];
  const some = lists.some(({ rows }) => rows.length);
  const tabs = lists.filter(({ view, rows }) => rows.length || (view === "pairs" && !some));
  const wanted = store.state.view || preferred;
  const { view, label, rows } = tabs.find((tab) => tab.view === wanted) ?? tabs[0];
  const most = Math.max(...rows.map((row) => Math.abs(row.score)), SMALLEST);
  const chosen = () => Math.min(Math.max(0, store.state.pick), rows.length - 1);

  const panel = createPanel(app, {
    name: `${kind}-list`, title: `${kind.toUpperCase()} ${TITLES[view] ?? "marginals"}`,
    describe: says(), give: { table },
  });
  const list = el("ol", {
    class: "pairs", role: "listbox", tabIndex: 0, "aria-label": `${label}, strongest first`,
  }, rows.map(line));
  const features = createPlace(app, el("div", { class: "features" }));
  list.addEventListener("keydown", (event) => {
    /** @type {Record<string, number>} */
    const places = { ArrowDown: chosen() + 1, ArrowUp: chosen() - 1, Home: 0, End: rows.length - 1 };
    const to = places[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(Math.min(rows.length - 1, Math.max(0, to)));
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  });
  if (tabs.length > 1) panel.body.append(el(
    "div", { class: "segmented", role: "group", "aria-label": "List" },
    tabs.map((tab) => button(
      `${tab.label} ${tab.rows.length}`, () => store.set({ view: tab.view, pick: 0, partner: null }),
      { "aria-pressed": String(tab.view === view) },
    )),
  ));
  panel.body.append(rows.length ? list : el(
    "p", { class: "empty" },
    "No pair of features acts on this edge: both tokens' features are outside the dictionary, or their product is zero.",
  ));

  function says() {
    const adds = `Green adds to the ${kind === "qk" ? "score" : "output"}, purple takes away; colours are relative to the strongest in the list.`;
    if (view === "written") return `${adds} Features of the outputs of the layer's heads that fire at the query, by what this head adds to `
      + "their encoder's sum over all keys.";
    return view === "writes"
      ? `${adds} The directions of the dictionary this head writes most into at the query, whether they are active there or not.`
      : adds;
  }
  const choose = (/** @type {number} */ i) => store.set({ pick: i, partner: null });

  /**
   * @param {Feature} feature
   * @param {"q" | "k"} side
   */
  function words(feature, side) {
    const id = feature.id && feature.description !== feature.name ? el("small", {}, ` ${feature.id}`) : null;
    return el("span", { class: side }, feature.description, id);
  }
  /**
   * @param {Pair | Marginal} row
   * @param {number} i
   */
  function line(row, i) {
    return el(
      "li", { role: "option", id: `${kind}-row-${i}`, "aria-selected": "false", on: { click: () => choose(i) } },
      scoreBadge(row.score, most, app.theme.name),
      el(
        "span", { class: "words" },
        "key" in row ? [words(row.key, "k"), words(row.query, "q")] : words(row.feature, view === "key" ? "k" : "q"),
      ),
    );
  }

  /** @type {(app: import("../core/app.js").App, side: Side, feature: Feature, extra?: HTMLElement | null) => HTMLElement} */
  const featureOn = (app, side, feature, extra = null) =>
    createFeature(app, { name: `${kind}-${side}`, side, title: names[side], feature, at: at(side), extra });

  /** The chosen row, and of a marginal the partner that was chosen. */
  function mark() {
    if (!rows.length) return;
    const at = chosen();
    list.setAttribute("aria-activedescendant", `${kind}-row-${at}`);
    [...list.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === at)));
    const row = rows[at];
    if ("key" in row) {
      features.fill((app) => [featureOn(app, "key", row.key), featureOn(app, "query", row.query)]);
      return;
    }
    const [side, other] = /** @type {[Side, Side]} */ (view === "key" ? ["key", "query"] : ["query", "key"]);
    const partner = row.partners[store.state.partner ?? -1];
    features.fill((app) => [
      featureOn(app, side, row.feature, partnerList(row.partners, other)),
      partner && view !== "written" ? featureOn(app, other, partner.feature) : null,
    ]);
  }

  /**
   * @param {Marginal["partners"]} partners
   * @param {Side} side
   */
  function partnerList(partners, side) {
    if (!partners.length) return null;
    const largest = Math.max(...partners.map((p) => Math.abs(p.score)), SMALLEST);
    return el("div", { class: "partners" },
      el("h4", {}, view === "written" ? "Comes from" : `${view === "writes" ? "Comes from" : "Acts with"} ${names[side].toLowerCase()} features`),
      partners.map((partner, i) => button("", () => store.set({ partner: i }), {
        class: "partner-row", "aria-pressed": String(i === store.state.partner),
      }, scoreBadge(partner.score, largest, app.theme.name), partner.key === undefined
        ? words(partner.feature, side === "key" ? "k" : "q") : el("span", { class: "k" }, at("key", partner.key)))));
  }

  function table() {
    if (view === "pairs") return {
      columns: [
        "rank", "attribution", "query_feature", "key_feature", "query_activation", "key_activation",
        "query_description", "key_description",
      ],
      rows: answer.pairs.map((r, i) => [
        i + 1, r.score, r.query.id, r.key.id, r.query.activation, r.key.activation, r.query.description,
        r.key.description,
      ]),
    };
    return {
      columns: ["rank", "marginal_score", "feature", "activation", "description"],
      rows: /** @type {Marginal[]} */ (rows).map((r, i) => [
        i + 1, r.score, r.feature.id, r.feature.activation, r.feature.description,
      ]),
    };
  }

  mark();
  return { list: panel.root, features: features.element, mark };
}
