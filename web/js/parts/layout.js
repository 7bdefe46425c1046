// SPDX-License-Identifier: Apache-2.0
// The page around the parts: top bar, sidebar, tabs, keys.

import { bindKeys } from "../core/keys.js";
import { copyButton } from "../core/copy.js";
import { button, el, fill } from "../core/dom.js";
import { saveReport } from "../core/report.js";
import { followScroll } from "../core/scroll.js";
import { CUSTOM, hasEdge, isEdgeTab } from "../core/state.js";
import { parseAddress } from "../pure/format.js";
import { ARROWS } from "../pure/near.js";
import { createAttribution } from "./attribution.js";
import { createCircuit } from "./circuit.js";
import { firstEdge, isComing } from "./edgeanswer.js";
import { createFilter } from "./filter.js";
import { createGrid } from "./grid.js";
import { createHeadMap } from "./headmap.js";
import { createHelp } from "./help.js";
import { createLab } from "./lab.js";
import { createMetrics } from "./metrics.js";
import { createProjection } from "./projection.js";
import { createNote } from "./note.js";
import { createStandingLine } from "./presets.js";
import { createPromptBox } from "./promptbox.js";
import { createPrompts } from "./prompts.js";
import { createScatter } from "./scatter.js";
import { createSequences } from "./sequences.js";
import { createStatus } from "./status.js";
import { createTable } from "./table.js";

/** @typedef {import("../core/app.js").App} App */

/** @type {{key: string, label: string, create: (app: App, view: HTMLElement) => HTMLElement}[]} */
const TAB_LIST = [
  { key: "sequences", label: "Sequences", create: createSequences },
  { key: "metrics", label: "Metrics", create: createMetrics },
  { key: "circuit", label: "Circuit", create: createCircuit },
  { key: "umap", label: "Clouds", create: createProjection },
  { key: "qk", label: "QK", create: (app) => createAttribution(app, "qk") },
  { key: "ov", label: "OV", create: (app) => createAttribution(app, "ov") },
  { key: "prompts", label: "Prompts", create: createPrompts },
  { key: "lab", label: "Lab", create: createLab },
  { key: "help", label: "Help", create: createHelp },
];

/** @param {App} app */
export function createLayout(app) {
  const { store, tree } = app;
  const { config } = tree;
  document.title = `HeadVis · ${config.model_name ?? "attention heads"}`;
  document.body.classList.toggle("embed", store.state.embed);
  const views = el("div", { class: "views" });
  const tabs = createTabs(app, views);
  const side = el(
    "aside", { id: "side", "aria-label": "Heads" },
    el("div", { class: "side-list" }, createPromptBox(app), createFilter(app), createScatter(app), createGrid(app), createHeadMap(app), createTable(app)),
  );
  side.append(divider(app, side));
  /** On narrow screens one of both is shown: that with the maximised panel, else the chosen one. */
  const showPane = () => {
    const isInSide = [...side.querySelectorAll("[data-panel]")].some((panel) => panel.getAttribute("data-panel") === store.state.full);
    document.body.dataset.pane = isInSide ? "list" : store.state.pane;
  };
  app.on(["pane", "full"], showPane);
  showPane();
  bindKeys(app.keys, (held) => store.set({ alt: held }));
  followScroll(store, (tab) => viewIn(views, tab));
  return [
    el("a", { class: "skip", href: "#main", on: { click: skip } }, "Skip to the head"),
    topBar(app),
    el("div", { id: "columns" }, side, el("main", { id: "main" }, headLine(app), tabs, views)),
  ];
}

/** @type {(views: HTMLElement, tab: string) => HTMLElement} */
const viewIn = (views, tab) => /** @type {HTMLElement} */ (views.children[TAB_LIST.findIndex(({ key }) => key === tab)]);

/**
 * To the first token of the open tab, where it has one.
 * @param {Event} event
 */
function skip(event) {
  const first = document.querySelector(".view:not([hidden]) .tok[tabindex='0']");
  if (!(first instanceof HTMLElement)) return;
  event.preventDefault();
  first.focus();
}

/** @param {App} app */
function topBar(app) {
  const { store, tree } = app;
  const go = el("input", {
    class: "goto", placeholder: "Go to 5.1", "aria-label": "Go to a head by address", spellcheck: false,
    autocomplete: "off",
    on: {
      keydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Escape") go.blur();
        if (event.key === "Enter") jump();
      },
      input: () => go.setCustomValidity(""),
    },
  });
  function jump() {
    const wanted = parseAddress(go.value);
    const found = wanted && tree.heads.find((h) => h.layer === wanted.layer && h.head === wanted.head);
    if (found) {
      app.goTo(found.layer, found.head);
      go.value = "";
      document.querySelector("h1")?.focus();
    } else {
      go.setCustomValidity(wanted ? `This tree has no head L${wanted.layer}H${wanted.head}.` : "An address is a layer and a head, as in 5.1 or L5H1.");
      go.reportValidity();
    }
  }
  const copy = copyButton(
    "Copy link", store.link, { title: "A link that restores this view" }, "See the address bar",
  );
  const save = button("⤓", () => saveReport(app), {
    class: "icon", "aria-label": "Save this view as one HTML file", title: "Save this view as one HTML file",
  });
  const theme = button("", () => store.set({ theme: app.theme.name === "dark" ? "light" : "dark" }), { class: "icon" });
  const showTheme = () => {
    theme.textContent = app.theme.name === "dark" ? "☀" : "☾";
    theme.setAttribute("aria-label", app.theme.name === "dark" ? "Light colours" : "Dark colours");
  };
  app.on(["themeName"], showTheme);
  showTheme();
  const pane = button(
    "Heads", () => store.set({ pane: store.state.pane === "list" ? "head" : "list" }),
    { class: "pane-switch", "aria-controls": "side" },
  );
  app.on(["pane"], () => (pane.textContent = store.state.pane === "list" ? "Head" : "Heads"));
  return el("header", { id: "top" },
    el("span", { class: "wordmark" }, "HeadVis"),
    el("span", { class: "model", title: tree.config.model_name ?? "" }, String(tree.config.model_name ?? "")),
    el("span", { class: "spring" }), createStatus(app), pane, go, copy, save, theme);
}

/**
 * The open head's address, its neighbours, and what the model calls it.
 * @param {App} app
 */
function headLine(app) {
  const { store, heads, tree } = app;
  const title = el("h1", { tabIndex: -1 });
  const note = createNote(app);
  const place = el("span", { class: "dim" });
  const step = (/** @type {number} */ by) => {
    const next = heads.next(store.state.layer, store.state.head, by);
    app.goTo(next.layer, next.head);
  };
  const show = () => {
    const { layer, head } = store.state;
    fill(title, "Layer ", el("b", {}, String(layer)), " Head ", el("b", {}, String(head)));
    const at = tree.heads.findIndex((h) => h.layer === layer && h.head === head);
    place.textContent = `${at + 1} of ${tree.heads.length}`;
  };
  app.on(["layer", "head"], show);
  show();
  const missing = el("p", { class: "note error", role: "alert" }, store.state.missingHead
    ? `This tree has no head ${store.state.missingHead}; this is its first one.` : null);
  app.on(["layer", "head"], () => fill(missing));
  return [el("div", { class: "headline" }, title,
    el(
      "span", { class: "stepper" }, button("‹", () => step(-1), { class: "icon", "aria-label": "Head before" }),
      button("›", () => step(1), { class: "icon", "aria-label": "Next head" }),
    ),
    place, comparison(app), note.shown), note.editor, missing, createStandingLine(app)];
}

/**
 * The second head: pinned, swapped with the open one, let go.
 * @param {App} app
 */
function comparison(app) {
  const { store, compare } = app;
  const root = el("span", { class: "row comparison" });
  /** @param {import("../pure/shapes.js").Address} at */
  const dotted = ({ layer, head }) => `${layer}.${head}`;
  const show = () => {
    const other = compare.head;
    if (other) return fill(root, el("span", {}, "beside ", el("b", {}, compare.name)),
      button("Swap", () => app.goTo(other.layer, other.head, { vs: dotted(store.state) }), { class: "small" }),
      button("×", () => store.set({ vs: "" }), { class: "icon", "aria-label": `Stop comparing with ${compare.name}` }));
    return fill(root, store.state.vs ? el("span", { class: "dim" }, "pinned: open another head beside it ") : null,
      store.state.vs ? button("×", () => store.set({ vs: "" }), { class: "icon", "aria-label": "Let go of the pinned head" })
        : button("Compare", () => store.set({ vs: dotted(store.state) }), { class: "small", title: "Pin this head and see another beside it" }));
  };
  app.on(["vs", "vsVersion", "layer", "head"], show);
  show();
  return root;
}

/**
 * @param {App} app
 * @param {HTMLElement} main where the views are put
 */
function createTabs(app, main) {
  const { store, tree } = app;
  const made = new Map();
  const bar = el("div", { role: "tablist", class: "tabs", "aria-label": "Views of the head" });
  const closed = (/** @type {string} */ key) => {
    const { layer, head } = store.state;
    if (key === "umap" && !tree.hasCloud(layer, head)) {
      return tree.config.has_umap === true
        ? "This head has no projection in the tree."
        : "This tree has no projection; make it with stage-project.";
    }
    if (isEdgeTab(key) && !hasEdge(store.state) && !firstEdge(app, key)) {
      return `Choose an edge first: press ${key.toUpperCase()} on a sequence, then its query and key token.`;
    }
    return "";
  };
  /**
   * Opens a tab; one of an edge with the strongest where none is chosen.
   * @param {string} key
   */
  function open(key) {
    const edge = isEdgeTab(key) && !hasEdge(store.state) ? firstEdge(app, key) : null;
    if (edge) app.chooseEdge(key, edge.seq, edge.q, edge.k);
    else store.set({ tab: key });
  }
  const buttons = TAB_LIST.map(({ key, label }) => {
    const node = button(
      label, () => closed(key) || open(key),
      { role: "tab", id: `tab-${key}`, "aria-controls": `view-${key}` },
    );
    app.tip.on(node, () => closed(key));
    return /** @type {[string, HTMLButtonElement]} */ ([key, node]);
  });
  bar.append(...buttons.map(([, node]) => node));
  bar.addEventListener("keydown", (event) => {
    const [step] = ARROWS[event.key] ?? [0];
    if (!step) return;
    const can = buttons.filter(([key]) => !closed(key));
    const at = can.findIndex(([key]) => key === store.state.tab);
    const [key, node] = can[(at + step + can.length) % can.length];
    open(key);
    node.focus();
    event.preventDefault();
  });
  for (const { key } of TAB_LIST) {
    main.append(el(
      "div",
      { id: `view-${key}`, class: `view view-${key}`, role: "tabpanel", "aria-labelledby": `tab-${key}`, hidden: true },
    ));
  }
  /**
   * Whether the head is still to come from which a tab takes its edge.
   * @param {string} tab
   */
  const isWaiting = (tab) => isEdgeTab(tab) && !hasEdge(store.state) && isComing(app);
  function show() {
    let { tab } = store.state;
    if (isEdgeTab(tab) && !hasEdge(store.state)) {
      const edge = firstEdge(app, tab);
      if (edge) return store.set({ seq: edge.seq, qpos: edge.q, kpos: edge.k }, { replace: true }); // which shows it
    }
    if (closed(tab) && !isWaiting(tab)) tab = "sequences";
    for (const [key, node] of buttons) {
      const on = key === tab;
      node.setAttribute("aria-selected", String(on));
      node.setAttribute("aria-disabled", String(closed(key) !== ""));
      node.tabIndex = on ? 0 : -1;
      viewIn(main, key).hidden = !on;
    }
    if (!made.has(tab)) {
      const { create } = TAB_LIST.find((t) => t.key === tab) ?? TAB_LIST[0];
      made.set(tab, true);
      const view = viewIn(main, tab);
      view.append(create(app, view));
    }
    return tab === store.state.tab || store.set({ tab }, { replace: true });
  }
  app.on(["tab", "layer", "head", "seq", "qpos", "kpos", "headVersion"], show);
  show();
  return bar;
}

/**
 * A bar between sidebar and content, moved by pointer or arrow keys; a double click gives the usual width.
 * @param {App} app
 * @param {HTMLElement} side
 */
function divider(app, side) {
  const { store } = app;
  const [least, most] = [260, 900];
  const bar = el(
    "div",
    {
      class: "divider", role: "separator", tabIndex: 0, "aria-orientation": "vertical",
      "aria-label": "Width of the list of heads", "aria-valuemin": least, "aria-valuemax": most, "aria-valuenow": 400,
    },
  );
  const set = (/** @type {number} */ width) => store.set({ width: Math.round(Math.min(most, Math.max(least, width))) });
  const show = () => {
    const { width } = store.state;
    side.style.width = width === null ? "" : `${Math.min(most, Math.max(least, width))}px`;
    bar.setAttribute("aria-valuenow", String(width ?? 400));
  };
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    bar.onpointermove = (move) => set(move.clientX - side.getBoundingClientRect().left);
  });
  bar.addEventListener("pointerup", () => (bar.onpointermove = null));
  bar.addEventListener("pointercancel", () => (bar.onpointermove = null));
  bar.addEventListener("dblclick", () => store.set({ width: null }));
  bar.addEventListener("keydown", (event) => {
    const [step] = ARROWS[event.key] ?? [0];
    if (!step) return;
    set(side.getBoundingClientRect().width + 20 * step);
    event.preventDefault();
  });
  app.on(["width"], show);
  show();
  return bar;
}

/**
 * Every key of the page and what it does; Help prints this table.
 * @param {App} app
 */
export function keyTable(app) {
  const { store, heads } = app;
  const head = (/** @type {KeyboardEvent} */ event) => {
    const next = heads.next(store.state.layer, store.state.head, event.shiftKey ? -1 : 1);
    app.goTo(next.layer, next.head);
  };
  const interval = (/** @type {boolean} */ up) => {
    const stops = Array.from({ length: app.intervals }, (_, i) => i + 1);
    if (app.backend || app.session.head.custom.length) stops.push(CUSTOM);
    const at = Math.max(0, stops.indexOf(store.state.interval ?? app.intervals));
    store.set({ interval: stops[(at + (up ? 1 : -1) + stops.length) % stops.length], tab: "sequences" });
  };
  return {
    h: { says: "next head (Shift: the one before)", run: head },
    l: { says: "next head (Shift: the one before)", run: head },
    "[": { says: "interval up: 1 … n, custom, 1", run: () => interval(true) },
    "]": { says: "interval down", run: () => interval(false) },
    t: { says: "transpose (hold Alt: for a moment)", run: () => store.set({ transpose: !store.state.transpose }) },
    r: {
      says: "reduction: max or pairwise_max",
      run: () => store.set({ reduction: store.state.reduction === "max" ? "pairwise_max" : "max" }),
    },
    m: {
      says: "metrics, and back to sequences",
      run: () => store.set({ tab: store.state.tab === "sequences" ? "metrics" : "sequences" }),
    },
    "?": { says: "help", run: () => store.set({ tab: "help" }) },
    "/": {
      says: "go to a head by address", run: () => document.querySelector(/** @type {"input"} */ ("input.goto"))?.focus(),
    },
    Escape: { says: "cancel: picking, selection, maximised panel", run: () => escape(app) },
  };
}

/**
 * One thing at a time: the innermost that is open.
 * @param {App} app
 */
function escape({ store, tip }) {
  tip.hide();
  const { picking, full, sel, point, box } = store.state;
  if (picking) store.set({ picking: null });
  else if (full) store.set({ full: "" });
  else if (sel) store.set({ sel: "" });
  else if (point) store.set({ point: "" });
  else if (box) store.set({ box: "" });
  else return false;
  return true;
}
