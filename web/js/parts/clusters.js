// SPDX-License-Identifier: Apache-2.0
// The list of clusters: name, rename, merge, delete, save; kept for the visit without a backend.

import { button, el, fill } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { addToCluster, deleteCluster, readClusters, renameCluster } from "../pure/clusters.js";

/** @param {import("../core/app.js").App} app */
const keyOf = (app) => `headvis clusters ${app.tree.base} ${app.headName()}`;

/**
 * Clusters made during this visit; null when there are none or a backend keeps them.
 * @param {import("../core/app.js").App} app
 */
export function keptClusters(app) {
  if (app.backend) return null;
  try {
    const kept = sessionStorage.getItem(keyOf(app));
    return kept === null ? null : readClusters(JSON.parse(kept));
  } catch {
    return null;
  }
}

/** @param {import("../core/app.js").App} app */
export function createClusterList(app, { change }) {
  let clusters = [];
  const note = el("p", { class: "note", role: "status" });
  const body = el("ul", { class: "clusters" });
  const panel = createPanel(app, {
    name: "clusters", title: "Clusters",
    describe: "Lasso points to name a cluster. Giving it the name of another merges the two.",
    give: {
      json: () => clusters,
      table: () => ({
        columns: ["cluster", "seq_idx", "query", "key"],
        rows: clusters.flatMap((c) => c.points.map((p) => [c.name, ...p])),
      }),
    },
  });
  panel.body.append(note, body);

  async function keep(next) {
    clusters = next;
    change(next);
    if (!app.backend) {
      try {
        sessionStorage.setItem(keyOf(app), JSON.stringify(next));
        note.textContent = "Kept for this visit; export it to keep it longer.";
      } catch {
        note.textContent = "Kept until the page is closed; export it to keep it longer.";
      }
      return;
    }
    note.textContent = "Saving …";
    const { layer, head } = app.store.state;
    try {
      await app.backend.call("save_umap_clusters", { layer, head, clusters: next });
      note.textContent = "Saved.";
    } catch (error) {
      note.textContent = `Not saved: ${error.message}`;
    }
  }

  function row(cluster) {
    const swatch = el("span", { class: "swatch" });
    swatch.style.backgroundColor = cluster.color;
    const rename = () => {
      const field = el("input", { value: cluster.name, "aria-label": `New name of ${cluster.name}` });
      let over = false;
      const done = (use) => {
        if (over) return;
        over = true;
        const name = field.value.trim();
        if (use && name && name !== cluster.name) keep(renameCluster(clusters, cluster.name, name));
        else show(clusters);
      };
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") done(true);
        if (event.key === "Escape") done(false);
        event.stopPropagation();
      });
      field.addEventListener("blur", () => done(true));
      node.replaceChildren(swatch, field);
      field.select();
    };
    const node = el("li", { on: { dblclick: rename } }, swatch, el("span", { class: "name" }, cluster.name), el(
      "span", { class: "dim num" }, String(cluster.points.length),
    ),
      button("Rename", rename, { class: "small" }),
      button("×", () => keep(deleteCluster(clusters, cluster.name)), {
        class: "icon", "aria-label": `Delete cluster ${cluster.name}`,
      }));
    return node;
  }

  function show(next) {
    clusters = next;
    fill(body, clusters.map(row));
    if (!clusters.length && !note.textContent) note.textContent = "None yet.";
  }

  return {
    root: panel.root,
    show,
    say: (text) => (note.textContent = text),
    /** Asks for the name of new points. */
    ask(points) {
      const field = el("input", { placeholder: "Name of the cluster", "aria-label": "Name of the cluster" });
      field.setAttribute("list", "cluster-names");
      const names = el("datalist", { id: "cluster-names" }, clusters.map((c) => el("option", { value: c.name })));
      const submit = (event) => {
        event.preventDefault();
        const name = field.value.trim();
        if (name) keep(addToCluster(clusters, name, points));
      };
      const cancel = () => {
        note.textContent = "";
        show(clusters);
      };
      const add = el("button", { type: "submit", class: "primary" }, `Add ${points.length} points`);
      fill(note, el("form", { class: "row", on: { submit } }, field, names, add, button("Cancel", cancel)));
      field.focus();
    },
  };
}
