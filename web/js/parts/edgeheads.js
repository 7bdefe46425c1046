// SPDX-License-Identifier: Apache-2.0
// All heads ranked by their attention on one edge of a sequence.

import { button, el, fill, oncePerFrame } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { CUSTOM, forgetHead } from "../core/state.js";
import { address, number } from "../pure/format.js";
import { isCustomId } from "../pure/sequence.js";
import { named } from "../pure/spelling.js";

const AT_ONCE = 64; // more head files than this are read only when asked to

/**
 * The panel of an edge {q, k} of `sequence`; `stop()` ends what it reads.
 * @param {import("../core/app.js").App} app
 * @param {import("../pure/sequence.js").Sequence} sequence
 * @param {{q: number, k: number}} of
 */
export function createEdgeHeads(app, sequence, { q, k }) {
  const { store, ranking, tree } = app;
  const edge = { seq: sequence.id, q, k };
  const panel = createPanel(app, {
    name: `rank-${sequence.id}`, title: "Heads on this edge", level: 3,
    describe: "Attention of every head from this query to this key, as far as its file stores the sequence.",
    give: { table: () => ({
      columns: ["rank", "layer", "head", "attention", "interval"],
      rows: ranking.sorted.map((row, i) => [i + 1, row.layer, row.head, row.value, row.interval]),
    }) },
  });
  const line = el("p", { class: "row" });
  const note = el("span", { role: "status" });
  const action = el("span", {});
  const body = el("tbody", {});
  line.append(
    el("span", {}, "query ", el("b", { class: "q" }, `${q} ${named(sequence.tokens, q)}`), " → key ",
      el("b", { class: "k" }, `${k} ${named(sequence.tokens, k)}`)),
    note, action, el("span", { class: "spring" }), button("Close", () => store.set({ rank: "" }), { class: "small" }));
  panel.body.append(line, el("div", { class: "edgeheads" }, el("table", { class: "weights" },
    el("thead", {}, el(
      "tr", {}, ["head", "attention"].map((name) => el("th", { scope: "col" }, name)), el("td", {}),
    )), body)));

  const start = () => ranking.start(edge, tell);
  const tell = oncePerFrame(() => {
    if (!panel.root.isConnected) return;
    show();
  });

  function show() {
    const here = ranking.isOf(edge);
    if (!here) {
      note.textContent = ranking.canAsk ? "The model tells all heads at once." : `This reads ${tree.heads.length} head files.`;
      fill(action, button("Rank the heads", start, { class: "small primary" }));
      return;
    }
    const { running, done, of, without, failed } = ranking;
    const parts = [running ? `${done} of ${of} heads read` : done < of ? `stopped after ${done} of ${of} heads` : `${of} heads`];
    if (ranking.live) parts.push("told by the model, none left out");
    if (without) parts.push(isCustomId(sequence.id) ? `${without} were not run on it` : `${without} do not store this sequence: each head keeps a sample of its own`);
    if (failed) parts.push(`${failed} could not be read`);
    note.textContent = `${parts.join(", ")}.`;
    fill(action, running
      ? button("Stop", () => {
        ranking.stop();
        show();
      }, { class: "small" })
      : done < of ? button("Start again", start, { class: "small" }) : null);
    const rows = ranking.sorted;
    const most = Math.max(rows[0]?.value ?? 0, 1e-9);
    fill(body, rows.map((row) => rowOf(row, most)));
  }

  /**
   * @param {import("../core/ranking.js").Ranked} ranked
   * @param {number} most
   */
  function rowOf({ layer, head, value, interval }, most) {
    const bar = el("span", { class: "bar" });
    bar.style.width = `${(100 * value) / most}%`;
    const name = address(layer, head);
    const open = async () => {
      const found = interval ?? (await tree.edge(layer, head, edge).catch(() => null))?.interval ?? null;
      store.set({
        ...forgetHead(), layer, head, sel: `${edge.seq}:${q}`, at: `${edge.seq}:0`,
        interval: app.prompts.find(edge.seq) ? CUSTOM : found ?? store.state.interval,
      });
    };
    return el("tr", { class: name === app.headName() ? "current" : null },
      el("th", { scope: "row" }, button(name, open, {
        class: "link", on: { pointerenter: () => app.setHot(name), pointerleave: () => app.setHot("") },
      })),
      el("td", { class: "num" }, value || ranking.live ? number(value) : "below the threshold"),
      el("td", { class: "bar-cell", "aria-hidden": "true" }, bar));
  }

  if (!ranking.isOf(edge) && (tree.heads.length <= AT_ONCE || ranking.canAsk)) start();
  else if (ranking.isOf(edge) && ranking.running) ranking.start(edge, tell); // it was telling another panel
  // A link is often there before the backend has said what it can.
  app.on(["backendStatus", "backendGone"], () => ranking.canAsk && !ranking.live && ranking.isOf(edge) && start());
  show();
  return panel.root;
}
