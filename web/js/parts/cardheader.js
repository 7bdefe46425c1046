// SPDX-License-Identifier: Apache-2.0
// The line above a sequence: what it is, and what can be done with it.

import { copyButton } from "../core/copy.js";
import { button, el } from "../core/dom.js";
import { menu } from "../core/panel.js";
import { strongestPair } from "../pure/sequence.js";
import { named, textOf } from "../pure/spelling.js";

/**
 * @typedef {import("../pure/sequence.js").Sequence} Sequence
 * @typedef {{storedEdges: (kind: string) => [number, number][], startPick: (kind: string) => void,
 *   hasMap: () => boolean, toggleMap: () => void, canFold: boolean, isOpen: () => boolean, toggle: () => void}} Actions what a
 *   card can do and what of it is done
 */

/**
 * `name` is what people call the sequence ("" for none), `extra` buttons of its own.
 * @param {import("../core/app.js").App} app
 * @param {Sequence} sequence
 * @param {{name: string, actions: Actions, saves: [string, () => unknown][], grow: HTMLElement,
 *   extra: (HTMLElement | null)[]}} options
 */
export function cardHeader(app, sequence, { name, actions, saves, grow, extra }) {
  const id = copyButton(sequence.id, () => textOf(sequence.tokens), {
    class: "chip", "aria-label": `Sequence ${sequence.id}: copy its text`, title: "Copy the text",
  });
  const pair = strongestPair(sequence);
  /** @param {number} i */
  const word = (i) => `${i} ${named(sequence.tokens, i)}`;
  return el("header", {},
    id, name ? el("b", { class: "prompt-name" }, name) : null,
    sequence.textOnly ? el("span", { class: "dim" }, "pattern not known")
      : el("span", { class: "num" }, "max ", el("b", {}, sequence.max.toFixed(3))),
    el("span", { class: "dim" }, `${sequence.n} tokens`),
    pair && el("span", { class: "dim wide-only" }, "strongest ", el("span", { class: "q" }, word(pair.q)), " → ",
      el("span", { class: "k" }, word(pair.k))),
    el("span", { class: "spring" }),
    actionsOf(app, sequence, actions),
    menu(app, `Export sequence ${sequence.id}`, saves), grow, extra);
}

/**
 * @param {import("../core/app.js").App} app
 * @param {Sequence} sequence
 * @param {Actions} actions
 */
function actionsOf(app, sequence, { storedEdges, startPick, hasMap, toggleMap, canFold, isOpen, toggle }) {
  const { layer, head } = app.store.state;
  const live = app.backend !== null;
  const out = ["qk", "ov"].map((kind) => {
    const cached = storedEdges(kind).length;
    const closed = !live && !cached;
    const node = button(kind.toUpperCase(), () => closed || startPick(kind), {
      class: `act ${kind}${cached ? " solid" : ""}`, "aria-disabled": closed ? "true" : null,
      "aria-label": `${kind.toUpperCase()} attribution of an edge of sequence ${sequence.id}`,
    });
    return app.tip.on(node, () => closed
      ? "No edge of this sequence has a stored attribution: make attributions stores some, make serve computes any."
      : app.dictionaries.lack(kind, layer) || (cached ? `${cached} stored ${cached === 1 ? "edge" : "edges"}` : choose(app, kind)));
  });
  if (app.tree.hasCloud(layer, head)) {
    out.push(app.tip.on(
      button(
        "UMAP", () => startPick("umap"),
        { class: "act umap", "aria-label": `Show an edge of sequence ${sequence.id} in the projection` },
      ),
      "Find an edge in the projection",
    ));
  }
  if (!sequence.textOnly) out.push(button("Map", toggleMap, {
    class: `act${hasMap() ? " solid" : ""}`, "aria-pressed": String(hasMap()),
    "aria-label": `Heat map of sequence ${sequence.id}`,
  }));
  out.push(
    app.tip.on(
      button("Heads", () => startPick("heads"), {
        class: "act", "aria-label": `Rank the heads on an edge of sequence ${sequence.id}`,
      }),
      "Rank all heads by their attention on an edge",
    ),
  );
  if (canFold) {
    out.push(button(isOpen() ? "Fold" : "Unfold", toggle, {
      class: "act", "aria-expanded": String(isOpen()),
      "aria-label": `${isOpen() ? "Fold" : "Unfold"} sequence ${sequence.id}`,
    }));
  }
  return out;
}

/**
 * That an edge is to be chosen, and what only asking tells.
 * @param {import("../core/app.js").App} app
 * @param {string} kind
 */
function choose({ dictionaries, store }, kind) {
  const { layer } = store.state;
  return `Choose an edge for its attribution${dictionaries.has(kind, layer) ? "" : `; whether layer ${layer} has a dictionary is told when one is asked for`}`;
}
