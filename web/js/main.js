// SPDX-License-Identifier: Apache-2.0
// Starts the page: opens the tree, puts the parts together.

import { createBackend } from "./core/backend.js";
import { createDictionaries } from "./core/dictionaries.js";
import { el, fill } from "./core/dom.js";
import { createNotes } from "./core/notes.js";
import { createPrompts } from "./core/prompts.js";
import { createCompare } from "./core/compare.js";
import { createHeads } from "./core/heads.js";
import { createRanking } from "./core/ranking.js";
import { createSession } from "./core/session.js";
import { forgetHead, isEdgeTab } from "./core/state.js";
import { createSpeech } from "./core/speech.js";
import { createStore } from "./core/store.js";
import { createTheme } from "./core/theme.js";
import { createTip } from "./core/tip.js";
import { openTree } from "./core/opentree.js";
import { edgeOpener } from "./parts/attribution.js";
import { createLayout, keyTable } from "./parts/layout.js";
import { address } from "./pure/format.js";

async function start() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  const store = createStore();
  const theme = createTheme(store);
  let tree;
  try {
    tree = await openTree(location.href, store.state.data);
    if (!tree.heads.length) throw new Error("config.json and scatter_data.json name no head.");
  } catch (error) {
    fill(root, fatal(error));
    root.removeAttribute("aria-busy");
    return;
  }
  const backend = createBackend(tree.server, location.href);
  const prompts = createPrompts(tree, store, backend);
  const compare = createCompare(tree, store, backend, prompts);
  const notes = createNotes(tree, store, backend);
  /** @type {import("./core/app.js").App} */
  const app = {
    store, theme, tree, tip: createTip(), say: createSpeech(), heads: createHeads(tree, store, notes), session: createSession(tree, store, prompts, compare, backend),
    ranking: createRanking(tree, store, backend), backend, dictionaries: createDictionaries(tree, store), prompts, notes, compare, gives: new WeakMap(),
    intervals: intervalsOf(tree.config), keys: {},
    headName: () => address(store.state.layer, store.state.head),
    setHot: (name) => store.set({ hot: name }),
    goTo(layer, head, more = {}) {
      if (layer === store.state.layer && head === store.state.head) store.set({ pane: "head" });
      else store.set({
        ...forgetHead(), ...more, layer, head, pane: "head", tab: isEdgeTab(store.state.tab) ? "sequences" : store.state.tab,
      });
    },
    chooseEdge: edgeOpener(store),
    on: store.on,
    own() {}, // the page itself lasts
  };
  app.keys = keyTable(app);
  const { layer, head } = store.state;
  if (!tree.heads.some((h) => h.layer === layer && h.head === head)) store.set({
    ...tree.heads[0], ...(layer === null ? {} : forgetHead()),
    missingHead: layer === null || head === null ? "" : address(layer, head),
  }, { replace: true });
  else app.session.load();
  fill(root, createLayout(app));
  root.removeAttribute("aria-busy");
  performance.mark("headvis:interactive");
}

/** @param {import("./core/tree.js").Config} config */
const intervalsOf = ({ n_intervals: n }) => (typeof n === "number" && Number.isInteger(n) && n > 0 ? n : 10);

/** @param {Error} error */
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
