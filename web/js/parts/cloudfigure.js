// SPDX-License-Identifier: Apache-2.0
// A space of two heads' clouds as one figure: side by side, by one camera, on one scale, under one legend.

import { centred, cloudScene, placeLine, placeNames, placePoints, unitOf } from "../plots/cloud.js";
import { withLegend } from "../plots/legend.js";
import { pairScene } from "../plots/pair.js";
import { cameraAxes, frame, project } from "../pure/cloud.js";
import { readClusters } from "../pure/clusters.js";
import { short } from "../pure/format.js";
import { legendOf, paintPoints } from "../pure/paint.js";
import { createCloudModel } from "./cloudmodel.js";
import { namesOf, pointsOf, pooled } from "./cloudpaint.js";
import { regionsOfCloud } from "./regions.js";

const SIDE = 420; // of a panel
const BAR = 80; // pixels that a bar takes at most

/**
 * @typedef {import("../core/app.js").App} App
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {import("../pure/clusters.js").Cluster} Cluster
 * @typedef {import("./clouds.js").Model} Model
 * @typedef {{name: string, model: Model, clusters: Cluster[]}} Side one of the two heads
 * @typedef {{space: string, layout: string, camera: import("../pure/cloud.js").Camera, paint: string, regions: boolean}} Look what of the clouds is drawn, and how
 */

/**
 * The second head's cloud; an error says why there is none.
 * @param {App} app
 * @returns {Promise<Side>}
 */
export async function secondCloud(app) {
  const { compare, tree } = app;
  const { layer, head } = /** @type {import("../pure/shapes.js").Address} */ (compare.head);
  const { name } = compare;
  if (!tree.hasCloud(layer, head)) throw new Error(`${name} has no cloud in this tree.`);
  const [cloud, tokens, data] = await Promise.all([tree.cloud(layer, head), tree.cloudTokens(), tree.head(layer, head)]);
  const session = { sequence: (/** @type {string} */ id) => data.sequences.find((s) => s.id === id) ?? null };
  return { name, model: createCloudModel({ cloud, tokens, session }), clusters: readClusters(cloud.clusters) };
}

/**
 * @param {App} app
 * @param {[Side, Side]} sides
 * @param {Look} look
 * @returns {Scene}
 */
export function cloudPair(app, sides, { space, layout: wanted, camera, paint, regions }) {
  const { colours } = app.theme;
  const points = pooled(pointsOf(app, sides[0].model, sides[0].clusters), pointsOf(app, sides[1].model, sides[1].clusters));
  const colors = paintPoints(paint, points);
  const flats = sides.map(({ name, model }) => {
    const layout = model.layout(wanted);
    if (!layout?.spaces[space]) throw new Error(`The cloud of ${name} does not have this space.`);
    const xyz = model.positions(layout, space);
    // In the layout's own units, so that one of them is as long in either panel.
    return centred(project(xyz, { middle: frame(xyz).middle, half: 1 }, cameraAxes(camera.eye, camera.up)));
  });
  const size = { width: SIDE, height: SIDE };
  const unit = Math.min(...flats.map((flat) => unitOf(flat, size)));
  const panels = sides.map(({ name, model, clusters }, s) => {
    const flat = flats[s];
    const places = placePoints(flat, { ...size, unit });
    const own = s ? colors.slice(sides[0].model.total) : colors.slice(0, model.total);
    const dense = regions ? regionsOfCloud(model, flat) : null;
    const named = [...(paint === "cluster" ? namesOf(model, clusters) : []), ...dense?.names ?? []];
    return {
      title: `${name} · ${model.layout(wanted).label}`,
      scene: cloudScene({
        places, look: { colors: own, dim: false }, ...size, colours, labels: placeNames(named, places),
        lines: dense?.lines.map(({ level, path }) => ({ level, points: placeLine(path, flat, { ...size, unit }) })),
      }),
    };
  });
  const pair = pairScene(panels, colours);
  return withLegend({ ...pair, marks: [...pair.marks, ...unitMarks(unit, pair.height, colours)] }, legendOf(paint, points), colours);
}

/**
 * A bar below the left panel, a round number of the layout's units long.
 * @param {number} unit pixels of one
 * @param {number} y
 * @param {import("../core/app.js").Colours} colours
 * @returns {import("../pure/scene.js").Mark[]}
 */
function unitMarks(unit, y, colours) {
  const power = 10 ** Math.floor(Math.log10(BAR / unit));
  const length = power * ([5, 2].find((m) => m * power * unit <= BAR) ?? 1);
  const [from, to] = [8, 8 + length * unit];
  return [
    { kind: "line", points: [from, y - 14, from, y - 8, to, y - 8, to, y - 14], stroke: colours.soft, width: 1 },
    { kind: "text", x: to + 6, y: y - 6, text: `${short(length)} in both`, size: 10.5, fill: colours.soft },
  ];
}
