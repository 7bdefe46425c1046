// SPDX-License-Identifier: Apache-2.0
// A titled panel: controls, a description at hand, exports, and a button that maximises it.

import { button, el, fill } from "./dom.js";
import { openFigure } from "./figure.js";
import { fileName, saveCsv, saveJson, savePng, saveSvg, toObjects } from "./exports.js";

/**
 * Panel `name` (its key in the URL when maximised). `give` holds what it can export, each a
 * function called on demand: `scene()` a drawing, `table()` {columns, rows}, `json()` any value.
 * `onPaper` is the title of its figure, where that is another.
 * @param {import("./app.js").App} app
 * @param {{name: string, title: string, onPaper?: string, describe?: string, level?: number,
 *   give?: import("./app.js").Give}} options
 * @returns {{root: HTMLElement, body: HTMLElement, controls: HTMLElement, setTitle: (text: string) => void}}
 */
export function createPanel(app, { name, title, onPaper = "", describe = "", give = {}, level = 2 }) {
  const heading = el(/** @type {"h2"} */ (`h${level}`), { id: `panel-${name}` }, title);
  const controls = el("div", { class: "controls" });
  const body = el("div", { class: "panel-body" });
  const tools = el("div", { class: "tools" });
  const root = el("section", {
    class: `panel panel-${name.split("-")[0]}`, "aria-labelledby": `panel-${name}`, "data-panel": name,
  },
    el("header", {}, heading, controls, tools), body);
  if (describe) {
    heading.tabIndex = 0;
    heading.classList.add("described");
    app.tip.on(heading, describe);
  }
  app.gives.set(root, { title: () => heading.textContent ?? "", give });
  const file = () => fileName(app.tree.shortName, app.headName(), name);
  const { scene, figure, table, json } = give;
  const figureTitle = () => `${app.headName()}${figure && app.compare.name ? ` and ${app.compare.name}` : ""}: ${onPaper || heading.textContent}`;
  /** A drawing that there is. */
  const shownScene = () => /** @type {import("./app.js").Scene} */ (scene?.());
  const saves = /** @type {[string, () => unknown][]} */ ([
    scene && ["SVG", () => scene() && saveSvg(file(), app.theme.inLight(shownScene), heading.textContent ?? "")],
    scene && ["PNG", () => scene() && savePng(file(), app.theme.inLight(shownScene))],
    scene && ["Figure …", () => openFigure(app, { file: file(), title: figureTitle(), read: figure ?? (async () => scene) })],
    table && ["CSV", () => saveCsv(file(), table())],
    json ? ["JSON", () => saveJson(file(), json())] : table && ["JSON", () => saveJson(file(), toObjects(table()))],
  ].filter(Boolean));
  if (saves.length) tools.append(menu(app, `Export ${title}`, saves));
  const { grow, show } = maximiser(app, root, name, title);
  tools.append(grow);
  app.on(["full"], show);
  return { root, body, controls, setTitle: (/** @type {string} */ text) => fill(heading, text) };
}

/**
 * The button that maximises `root` under `name`, and what brings both in step with the state.
 * @param {import("./app.js").App} app
 * @param {HTMLElement} root
 * @param {string} name
 * @param {string} title
 */
export function maximiser(app, root, name, title) {
  const { store } = app;
  const grow = button("", () => store.set({ full: store.state.full === name ? "" : name }), {
    class: "icon grow", "aria-label": `Maximise ${title}`,
  });
  const show = () => {
    const full = store.state.full === name;
    root.classList.toggle("full", full);
    grow.setAttribute("aria-pressed", String(full));
    grow.textContent = full ? "⤡" : "⤢";
    grow.title = full ? "Back to size (Esc)" : "Maximise";
  };
  show();
  return { grow, show };
}

/**
 * A small menu of [label, run] behind a download button.
 * @param {import("./app.js").App} app
 * @param {string} label
 * @param {[string, () => unknown][]} items
 */
export function menu(app, label, items) {
  const list = el("div", { class: "menu-items", role: "menu", hidden: true },
    items.map(([text, run]) => button(text, () => {
      close();
      run();
    }, { role: "menuitem", tabIndex: -1 })));
  const open = button("⤓", () => (list.hidden ? show() : close()), {
    class: "icon", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", title: "Export",
  });
  const root = el("div", { class: "menu" }, open, list);
  app.own(() => close(false));
  const away = (/** @type {Event} */ event) => root.contains(/** @type {Node} */ (event.target)) || close(false);
  function show() {
    list.hidden = false;
    open.setAttribute("aria-expanded", "true");
    /** @type {HTMLElement} */ (list.firstChild).focus();
    addEventListener("pointerdown", away, true);
  }
  function close(refocus = true) {
    if (list.hidden) return;
    list.hidden = true;
    open.setAttribute("aria-expanded", "false");
    removeEventListener("pointerdown", away, true);
    if (refocus) open.focus();
  }
  root.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Escape" && !list.hidden) {
      close();
      event.stopPropagation();
    } else if (step && !list.hidden) {
      const all = /** @type {HTMLElement[]} */ ([...list.children]);
      all[(all.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step + all.length) % all.length].focus();
      event.preventDefault();
    }
  });
  root.addEventListener(
    "focusout", (event) => event.relatedTarget && !root.contains(/** @type {Node} */ (event.relatedTarget)) && close(false),
  );
  return root;
}
