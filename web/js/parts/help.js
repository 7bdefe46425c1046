// SPDX-License-Identifier: Apache-2.0
// The Help tab: keys, what the metrics mean, the keys of a link, where the data came from.

import { el } from "../core/dom.js";
import { STATE } from "../core/state.js";
import { words } from "../pure/format.js";

/** @param {import("../core/app.js").App} app */
export function createHelp(app) {
  const { tree, heads } = app;
  const rows = (/** @type {import("../core/dom.js").Leaf[][]} */ pairs) => el(
    "table", { class: "help" },
    el("tbody", {}, pairs.map(([a, b]) => el("tr", {}, el("th", { scope: "row" }, a), el("td", {}, b)))),
  );
  const keys = Object.entries(app.keys).filter(([key]) => key !== "l").map(([key, { says }]) => [
    el("kbd", {}, key === "h" ? "h l" : key), says,
  ]);
  const provenance = tree.config.pipeline_config;
  return el("div", { class: "helptext" },
    el("section", {}, el("h2", {}, "Reading a head"),
      el(
        "p", {}, "A sequence is coloured by attention: with ", el("b", {}, "max"),
        " each token shows the most it gives to any key, or with ", el("b", {}, "transpose"),
        " the most it receives from any query; ", el("b", {}, "pairwise max"),
        " shows the one strongest pair. Position 0 and attention to it are left out everywhere, since it collects",
        " what a head has no use for. Colours share one scale over all sequences of the head.",
      ),
      el(
        "p", {},
        "Hover a token, or reach it with Tab and the arrow keys: its row fills the text, what it receives is the blue",
        " strip below, lines lead to its strongest keys. Click holds a token, Shift-click adds one, and their",
        " attention is summed. ",
        el("b", {}, "Map"), " opens the whole pattern.",
      ),
      el(
        "p", {}, el("b", {}, "QK"), ", ", el("b", {}, "OV"), " and ", el("b", {}, "UMAP"),
        " ask for an edge: click the query token, then the key token. Escape cancels.",
      )),
    el("section", {}, el("h2", {}, "Keys"), rows(keys)),
    heads.names.length ? el(
      "section", {}, el("h2", {}, "Metrics"),
      rows(heads.names.map((name) => [words(name), heads.describe(name) || "–"])),
    ) : null,
    el("section", {}, el("h2", {}, "Links"), el("p", {}, "The address restores what is on screen. Its keys:"),
      rows([
        ...Object.entries(STATE).map(([key, { says }]) => [el("code", {}, key), says]),
        [el("code", {}, "attr"), "qk or ov: opens that tab on the edge seq, qpos, kpos"],
      ])),
    provenance
      ? el(
        "section", {}, el("h2", {}, "Where the data came from"),
        el("pre", { tabIndex: 0 }, JSON.stringify(provenance, null, 2)),
      )
      : null);
}
