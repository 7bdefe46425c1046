// SPDX-License-Identifier: Apache-2.0
// Presets of the overview: kinds of heads that papers name, and in which of them the open head stands out.

import { button, el, fill, select } from "../core/dom.js";
import { number } from "../pure/format.js";
import { ordinal, presetsOf, standsOut } from "../pure/presets.js";
import { valueOf } from "../pure/rank.js";

/**
 * Sets axes, colour, grid and order to a preset.
 * @param {import("../core/app.js").App} app
 * @param {string} key
 */
function apply({ store, heads }, key) {
  const found = presetsOf(heads.axes).find(({ preset }) => preset.key === key);
  if (found) store.set({
    preset: key, x: found.x, y: found.y, color: found.color ?? "none", grid: found.score, sort: `${found.small ? "" : "-"}${found.score}`, box: "",
  });
  else store.set({ preset: "" });
}

/**
 * The choice of a preset and, while one is chosen, what its numbers mean.
 * @param {import("../core/app.js").App} app
 */
export function createPresets(app) {
  const { store, heads } = app;
  const found = presetsOf(heads.axes);
  const choice = select("Preset", [["", "choose …"], ...found.map(({ preset }) => [preset.key, preset.label])], store.state.preset,
    (/** @type {string} */ key) => apply(app, key));
  const says = el("p", { class: "note preset-note", role: "status" });
  const show = () => {
    const chosen = found.find(({ preset }) => preset.key === store.state.preset)?.preset;
    choice.value = chosen?.key ?? "";
    fill(says, chosen ? [chosen.says, " ", el("small", {}, chosen.source)] : null);
  };
  app.on(["preset"], show);
  show();
  return found.length ? [el("label", { class: "axis" }, el("span", {}, "heads that are"), choice), says] : [null, null];
}

/**
 * Under a head's title: the presets in which it stands out, each a press away, and how much it copies.
 * @param {import("../core/app.js").App} app
 */
export function createStandingLine(app) {
  const { store, heads } = app;
  const line = el("p", { class: "standing-line" });
  const show = () => {
    const row = heads.row(store.state.layer, store.state.head);
    const found = row ? standsOut(heads.rows, row, heads.axes) : [];
    const copies = valueOf(row, "copying_score");
    fill(line, found.map(({ preset, rank, of }) => button(
      `${preset.label} ${ordinal(rank)} of ${of}`, () => apply(app, preset.key), { class: "link", title: preset.says },
    )), copies === null ? null : el("span", { class: "dim", title: "copying_score, from weights" }, `copies: ${number(copies).slice(0, -2)}`));
    line.hidden = !line.childElementCount;
  };
  app.on(["layer", "head"], show);
  show();
  return line;
}
