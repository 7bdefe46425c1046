// SPDX-License-Identifier: Apache-2.0
// A projection panel in two dimensions as a scene, seen by an orthographic camera.

/**
 * Pixel positions of projected x, y pairs, made to fill a panel of `width` x `height`; `zoom` and
 * `pan` as the user left them.
 */
export function placePoints(flat, { width, height, zoom = 1, pan = [0, 0] }) {
  let [across, up] = [1e-6, 1e-6];
  for (let i = 0; i < flat.length; i += 2) {
    if (Math.abs(flat[i]) > across) across = Math.abs(flat[i]);
    if (Math.abs(flat[i + 1]) > up) up = Math.abs(flat[i + 1]);
  }
  const side = 0.92 * zoom * Math.min(width / 2 / across, height / 2 / up);
  const out = new Float32Array(flat.length);
  for (let i = 0; i < flat.length; i += 2) {
    out[i] = width / 2 + pan[0] + flat[i] * side;
    out[i + 1] = height / 2 + pan[1] - flat[i + 1] * side;
  }
  return out;
}

/** Points as marks; `look` = {colors, dim}. */
export function cloudScene({ places, look, width, height, colours, title = "" }) {
  /** @type {import("./scene.js").Mark[]} */
  const marks = [];
  const r = places.length > 4000 ? 1.7 : 2.4;
  for (let i = 0; i < places.length / 2; i++) {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (x >= -4 && y >= -4 && x <= width + 4 && y <= height + 4) marks.push({
      kind: "circle", x, y, r, fill: look.colors[i], alpha: look.dim ? 0.15 : 0.8,
    });
  }
  if (title) marks.push({ kind: "text", x: 8, y: 16, text: title, fill: colours.soft, size: 11.5 });
  return { width, height, ground: colours.panel, marks };
}

/** The point nearest to a pixel within `reach`, -1 for none. */
export function nearestPoint(places, x, y, reach = 9) {
  let best = -1;
  let least = reach * reach;
  for (let i = 0; i < places.length / 2; i++) {
    const d = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
    if (d <= least) {
      least = d;
      best = i;
    }
  }
  return best;
}
