// SPDX-License-Identifier: Apache-2.0
// The list of clusters: named, renamed, isolated, deleted and brought back, each with what it is made of.

import { button, el, fill } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { addToCluster, deleteCluster, losses, renameCluster, suggestedName } from "../pure/clusters.js";
import { number, quoted } from "../pure/format.js";

/**
 * @typedef {import("../pure/clusters.js").Cluster} Cluster
 * @typedef {import("../pure/clusters.js").Described} Described
 */

/**
 * `keeper` holds the clusters; `describe` tells what one is made of (null while the cloud is not there), `isolate` shows
 * one alone.
 * @param {import("../core/app.js").App} app
 * @param {ReturnType<typeof import("./clusterstore.js").createClusterStore>} keeper
 * @param {{describe: (cluster: Cluster) => Described | null, isolate: (name: string) => void}} does
 */
export function createClusterList(app, keeper, { describe, isolate }) {
  const note = el("p", { class: "note", role: "status" });
  const asking = el("div", {});
  const body = el("ul", { class: "clusters" });
  const panel = createPanel(app, {
    name: "clusters", title: "Clusters",
    describe: "Lasso points to name a cluster. Giving it the name of another merges the two; a name shows its cluster alone.",
    give: {
      json: () => keeper.clusters,
      table: () => ({
        columns: ["cluster", "seq_idx", "query", "key"],
        rows: keeper.clusters.flatMap((c) => c.points.map((p) => [c.name, ...p])),
      }),
    },
  });
  panel.body.append(note, asking, body);

  /** @param {Cluster} cluster */
  function row(cluster) {
    const swatch = el("span", { class: "swatch" });
    swatch.style.backgroundColor = cluster.color;
    const alone = app.store.state.onlyCluster === cluster.name;
    const remove = () => keeper.change(deleteCluster(keeper.clusters, cluster.name), `Deleted ${cluster.name}.`);
    const rename = () => renaming(node, cluster, (name) => {
      if (!name) return show();
      const there = keeper.clusters.some((c) => c.name === name);
      return keeper.change(
        renameCluster(keeper.clusters, cluster.name, name), there ? `Merged ${cluster.name} into ${name}.` : `Renamed ${cluster.name}.`,
      );
    });
    /** @type {HTMLElement} */
    const node = el("li", { on: { dblclick: rename } }, el("div", { class: "cluster-line" }, swatch,
      button(cluster.name, () => isolate(cluster.name), { class: "link name", "aria-pressed": String(alone), title: "Show it alone" }),
      el("span", { class: "dim num" }, String(cluster.points.length)),
      button("Rename", rename, { class: "small" }),
      button("×", remove, { class: "icon", "aria-label": `Delete cluster ${cluster.name}` })),
    alone ? madeOf(app, describe(cluster)) : null);
    return node;
  }

  function show() {
    const { saved, clusters, canUndo } = keeper;
    fill(body, clusters.map(row));
    const undo = canUndo && saved.state !== "none" ? button("Undo", keeper.undo, { class: "small" }) : null;
    const retry = saved.state === "failed" ? button("Retry", keeper.retry, { class: "small" }) : null;
    note.classList.toggle("error", saved.state === "failed");
    fill(note, saved.words || (clusters.length ? "" : "None yet."), " ", retry, undo);
  }
  app.on(["onlyCluster"], show);
  app.on(["layer", "head"], () => fill(asking)); // points of another head

  return {
    root: panel.root,
    show,
    /** @param {string} text */
    say: (text) => (note.textContent = text),
    /**
     * Asks for the name of new points.
     * @param {import("../pure/clusters.js").Triple[]} points
     */
    ask(points) {
      const suggested = suggestedName(describe({ name: "", color: "", points }));
      const field = el("input", { placeholder: suggested || "Name of the cluster", "aria-label": "Name of the cluster" });
      field.setAttribute("list", "cluster-names");
      const names = el("datalist", { id: "cluster-names" }, keeper.clusters.map((c) => el("option", { value: c.name })));
      const cost = el("p", { class: "note", role: "status" });
      const name = () => field.value.trim() || suggested;
      const tell = () => (cost.textContent = losses(keeper.clusters, name(), points));
      const close = () => fill(asking);
      /** @param {Event} event */
      const submit = (event) => {
        event.preventDefault();
        if (!name()) return;
        const lost = losses(keeper.clusters, name(), points);
        close();
        keeper.change(addToCluster(keeper.clusters, name(), points), `${name()}: ${points.length} points.${lost ? ` ${lost}` : ""}`);
      };
      const add = el("button", { type: "submit", class: "primary" }, `Add ${points.length} points`);
      field.addEventListener("input", tell);
      fill(asking, el("form", { class: "row", on: { submit } }, field, names, add, button("Cancel", close)), cost);
      tell();
      field.focus();
    },
  };
}

/**
 * A field in the place of a cluster's line; `done` hears the new name, "" when it stays.
 * @param {HTMLElement} node
 * @param {Cluster} cluster
 * @param {(name: string) => void} done
 */
function renaming(node, cluster, done) {
  const field = el("input", { value: cluster.name, "aria-label": `New name of ${cluster.name}` });
  let over = false;
  /** @param {boolean} use */
  const end = (use) => {
    if (over) return;
    over = true;
    const name = field.value.trim();
    done(use && name !== cluster.name ? name : "");
  };
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
    event.stopPropagation();
  });
  field.addEventListener("blur", () => end(true));
  node.replaceChildren(field);
  field.select();
}

/**
 * What a cluster is made of: its commonest tokens, its mean attention, its sequences as links.
 * @param {import("../core/app.js").App} app
 * @param {Described | null} found
 */
function madeOf(app, found) {
  if (!found) return null;
  /** @param {[string, number][]} tokens */
  const counted = (tokens) => tokens.map(([token, count]) => `${quoted(token)} ${count}`).join(" · ") || "–";
  return el("div", { class: "cluster-facts" },
    el("div", {}, el("span", { class: "q" }, "queries "), counted(found.queries)),
    el("div", {}, el("span", { class: "k" }, "keys "), counted(found.keys)),
    Number.isFinite(found.attention) ? el("div", { class: "dim" }, `mean attention ${number(found.attention)}`) : null,
    el("div", { class: "row" }, el("span", { class: "dim" }, "sequences"), found.sequences.map(([seq, count]) => button(
      `${seq} (${count})`, () => app.store.set({ find: app.store.state.find, point: found.first[seq] }), { class: "link small" },
    ))));
}
