// SPDX-License-Identifier: Apache-2.0
// The Circuit tab: with whom a head works, who does the same, and what it writes.

import { button, el } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { alikePanel } from "./alike.js";
import { compositionPanel } from "./composition.js";
import { directionsPanel } from "./directions.js";
import { similarPanel } from "./similar.js";
import { similarWeightsPanel } from "./similarweights.js";
import { writesPanel } from "./writes.js";

/** @param {import("../core/app.js").App} app */
export function createCircuit(app) {
  const { store, session } = app;
  const place = createPlace(app, el("div", { class: "metrics" }));
  function show() {
    if (store.state.tab === "circuit") place.fill(panels);
  }
  app.on(["headVersion", "tab", "layer", "head"], show);
  show();
  return place.element;

  /** @param {import("../core/app.js").App} app */
  function panels(app) {
    const { data, error } = session.head;
    if (error) return [el("div", { class: "empty error", role: "alert" }, error, " ", button("Try again", session.load)), alikePanel(app)];
    if (!data) return [el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Loading ", app.headName(), " …"), alikePanel(app)];
    const circuit = compositionPanel(app, data);
    return [
      circuit ?? el("p", { class: "note" }, "The tree says nothing of this head's weights: make it with WEIGHTS=1."),
      el("div", {}, similarPanel(app, data), similarWeightsPanel(app, data), alikePanel(app)), writesPanel(app, data), directionsPanel(app, data),
    ];
  }
}
