// SPDX-License-Identifier: Apache-2.0
// The controls of the projection: layout, panels, colour and its rule, dimensions, lasso.

import { button, el, fill, select, setOptions } from "../core/dom.js";
import { SPACES, SPACE_NAMES } from "../pure/cloud.js";
import { PAINTS } from "../pure/paint.js";

/**
 * `setFlat(flat)` and `toggleLasso()` are called; everything else goes into the state.
 * @param {import("../core/app.js").App} app
 * @param {{setFlat: (flat: boolean) => void, toggleLasso: () => void}} does
 */
export function createCloudControls(app, { setFlat, toggleLasso }) {
  const { store } = app;
  const layouts = select("Layout", [], "", (value) => store.set({ cloud: value, lens: "" }));
  const step = (/** @type {number} */ by) => {
    const next = layouts.options[layouts.selectedIndex + by];
    if (next) store.set({ cloud: next.value, lens: "" });
  };
  const spaceBox = el("div", { class: "segmented", role: "group", "aria-label": "Panels" });
  const paint = select("Colour of the points", PAINTS, "norm", (value) => store.set({ paint: value }));
  const rule = el("input", {
    type: "search", placeholder: "token or /pattern/", "aria-label": "Token rule", spellcheck: false,
    value: store.state.rule, on: { input: () => store.set({ rule: rule.value }) },
  });
  const sides = [["q", "query token"], ["k", "key token"]];
  const side = select("Side the rule reads", sides, store.state.side, (value) => store.set({ side: value }));
  const ruleBox = el("span", { class: "row" }, side, rule);
  const deep = button("3-D", () => setFlat(false));
  const flat = button("2-D", () => setFlat(true));
  const regions = button("Regions", () => store.set({ regions: !store.state.regions }), {
    class: "toggle", title: "Contours of the density, and the tokens that dense regions are of",
  });
  const lasso = button("Lasso", toggleLasso, { class: "toggle", title: "Draw around points to name a cluster" });
  const root = el("div", { class: "toolbar" },
    el("label", { class: "axis" }, el("span", {}, "layout"), layouts),
    el("span", { class: "stepper" },
      button("‹", () => step(-1), { class: "icon", "aria-label": "Layout before" }),
      button("›", () => step(1), { class: "icon", "aria-label": "Next layout" })),
    spaceBox, el("label", { class: "axis" }, el("span", {}, "colour"), paint), ruleBox, el("span", { class: "spring" }),
    el("div", { class: "segmented", role: "group", "aria-label": "Dimensions" }, deep, flat), regions, lasso);

  return {
    root,
    /** @param {import("./clouds.js").Shown & {no3d: string | null}} now */
    show(now) {
      setOptions(layouts, now.model.cloud.layouts.map((l) => [l.name, l.label]), now.layout.name);
      const have = SPACES.filter((s) => now.layout.spaces[s]);
      fill(spaceBox, have.map((s) => spaceButton(s, now.spaces)));
      paint.value = now.paint;
      ruleBox.hidden = now.paint !== "token";
      side.value = store.state.side;
      if (document.activeElement !== rule) rule.value = store.state.rule;
      deep.setAttribute("aria-pressed", String(!now.flat));
      flat.setAttribute("aria-pressed", String(now.flat));
      regions.hidden = !now.flat;
      regions.setAttribute("aria-pressed", String(store.state.regions));
      deep.disabled = Boolean(now.no3d);
      lasso.setAttribute("aria-pressed", String(now.lasso));
    },
  };

  /**
   * @param {string} space
   * @param {string[]} shown
   */
  function spaceButton(space, shown) {
    const on = shown.includes(space);
    const press = () => {
      const next = SPACES.filter((s) => (s === space ? !on : shown.includes(s)));
      if (next.length) store.set({ spaces: next.join("") });
    };
    return button(space, press, { "aria-pressed": String(on), title: SPACE_NAMES[space] });
  }
}
