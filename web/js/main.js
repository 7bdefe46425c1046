// SPDX-License-Identifier: Apache-2.0
// Starts the page: opens the tree, puts the parts together.

import { createBackend } from "./core/backend.js";
import { el, fill } from "./core/dom.js";
import { createHeads } from "./core/heads.js";
import { createRanking } from "./core/ranking.js";
import { createSession } from "./core/session.js";
import { forgetHead } from "./core/state.js";
import { createStore } from "./core/store.js";
import { createTheme } from "./core/theme.js";
import { createTip } from "./core/tip.js";
import { openTree } from "./core/tree.js";
import { createLayout } from "./parts/layout.js";
import { address } from "./pure/format.js";

async function start() {
  const root = document.getElementById("app");
  const store = createStore();
  const app = { store, theme: createTheme(store), tip: createTip(), tree: null, gives: new WeakMap() };
  app.on = store.on;
  app.own = () => {}; // the page itself lasts
  app.headName = () => address(store.state.layer, store.state.head);
  app.setHot = (name) => store.set({ hot: name });
  app.goTo = (layer, head) => {
    if (layer === store.state.layer && head === store.state.head) store.set({ pane: "head" });
    else store.set({
      ...forgetHead(), layer, head, pane: "head", tab: isEdgeTab(store.state.tab) ? "sequences" : store.state.tab,
    });
  };
  try {
    app.tree = await openTree(location.href, store.state.data);
    if (!app.tree.heads.length) throw new Error("config.json and scatter_data.json name no head.");
  } catch (error) {
    fill(root, fatal(error));
    root.removeAttribute("aria-busy");
    return;
  }
  app.heads = createHeads(app.tree, store);
  app.session = createSession(app.tree, store);
  app.ranking = createRanking(app.tree);
  app.backend = createBackend(app.tree.server, location.href);
  const { layer, head } = store.state;
  if (!app.tree.heads.some((h) => h.layer === layer && h.head === head)) store.set(
    { ...app.tree.heads[0], ...(layer === null ? {} : forgetHead()) }, { replace: true },
  );
  else app.session.load();
  fill(root, createLayout(app));
  root.removeAttribute("aria-busy");
  performance.mark("headvis:interactive");
}

const isEdgeTab = (tab) => tab === "qk" || tab === "ov";

function fatal(error) {
  return el("div", { class: "fatal", role: "alert" },
    el("h1", {}, "This page found no heads to show"),
    el("p", {}, error.message),
    el(
      "p", {}, "It looks for a folder data/ beside itself or beside its folder, written by ",
      el("code", {}, "make data"), ", or for the folder named in the address as ", el("code", {}, "?data=folder/"), ".",
    ));
}

start();
