// SPDX-License-Identifier: Apache-2.0
// Heads as points of a drawing: under the pointer, under the arrow keys, opened by a click or Enter.

import { nearest, next } from "../plots/scatter.js";
import { address, number } from "../pure/format.js";
import { ARROWS } from "../pure/near.js";
import { valueOf } from "../pure/rank.js";
import { headTip } from "./headtip.js";

/** @typedef {{row: import("../pure/shapes.js").Address, x: number, y: number}} Point where a head is drawn */

/**
 * The heads that every drawing of heads points out: the open one, the one beside it, the hovered one.
 * @param {import("../core/app.js").App} app
 * @returns {{name: string, stroke: string, passing?: boolean}[]}
 */
export function pointedOut({ store, theme: { colours }, compare, headName }) {
  const open = headName();
  const { hot } = store.state;
  const all = [{ name: open, stroke: colours.ring }];
  if (compare.name) all.push({ name: compare.name, stroke: colours.received });
  return hot && all.every(({ name }) => name !== hot) ? [...all, { name: hot, stroke: colours.ink, passing: true }] : all;
}

/**
 * `points()` are the heads on screen, `names()` the columns that are told of one.
 * @param {import("../core/app.js").App} app
 * @param {ReturnType<typeof import("../plots/canvas.js").createCanvas>} canvas
 * @param {{points: () => Point[], names: () => (string | null)[], reach?: number}} what
 */
export function headPoints(app, canvas, { points, names, reach = 14 }) {
  const { heads, tip, store } = app;
  const nameOf = (/** @type {Point} */ { row }) => address(row.layer, row.head);
  /**
   * Shows what is known of a point at a place of the window.
   * @param {Point} point
   * @param {number} clientX
   * @param {number} clientY
   */
  function tell(point, clientX, clientY) {
    const { layer, head } = point.row;
    const row = heads.row(layer, head);
    if (row) tip.show(clientX, clientY, headTip(row, names(), heads.rows, app.notes.of(layer, head)));
  }
  const under = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const [x, y] = canvas.at(event);
    return nearest(points(), x, y, reach);
  };
  return {
    under,
    /**
     * The pointer moved: the head under it, null for none, is marked everywhere.
     * @param {PointerEvent} event
     */
    hover(event) {
      const point = under(event);
      app.setHot(point ? nameOf(point) : "");
      if (point) tell(point, event.clientX, event.clientY);
      else tip.hide();
      return point;
    },
    leave() {
      app.setHot("");
      tip.hide();
    },
    /** @param {Point} point */
    open(point) {
      app.goTo(point.row.layer, point.row.head);
    },
    /**
     * Arrow keys go to the nearest point in that direction, Enter opens it.
     * @param {KeyboardEvent} event
     */
    walk(event) {
      const step = ARROWS[event.key];
      const all = points();
      const named = (/** @type {string | undefined} */ name) => all.find((p) => nameOf(p) === name);
      const from = named(store.state.hot) ?? named(app.headName()) ?? all[0];
      if (event.key === "Enter" && from) app.goTo(from.row.layer, from.row.head);
      if (!step || !from) return;
      event.preventDefault();
      const best = next(all, from, step);
      if (!best) return;
      app.setHot(nameOf(best));
      const row = heads.row(best.row.layer, best.row.head);
      app.say([nameOf(best), ...names().slice(0, 2).flatMap((name) => {
        const value = name ? valueOf(row, name) : null;
        return value === null ? [] : [`${heads.label(name)} ${number(value)}`];
      })].join(", "));
      const { clientX, clientY } = canvas.inWindow(best.x, best.y);
      tell(best, clientX, clientY);
    },
  };
}
