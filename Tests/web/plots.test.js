// SPDX-License-Identifier: Apache-2.0
// What plots draw, and what lies under the pointer, against hand-made cases.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cameraAxes, frame, inside, project, seenBall } from "../../web/js/pure/cloud.js";
import { USUAL, cropped, side, stretchOf } from "../../web/js/pure/crop.js";
import { extent } from "../../web/js/pure/rank.js";
import { folds, fromRecord, patternDifference, patternTable } from "../../web/js/pure/sequence.js";
import { barPair, barPlot, binned, readBins } from "../../web/js/plots/bars.js";
import {
  centred, cloudScene, nearestAlong, nearestPoint, placePoints, readLenses, writeLenses, zoomedAt,
} from "../../web/js/plots/cloud.js";
import { circuitHeight, circuitPlot } from "../../web/js/plots/circuit.js";
import { headMapPlot } from "../../web/js/plots/headmap.js";
import { readComposition, readHeadMaps, readSimilar, standingOut } from "../../web/js/pure/circuit.js";
import { contour, densityOf, regionsOf, typical } from "../../web/js/pure/density.js";
import { heatmapPlot, moved, zoomed } from "../../web/js/plots/heatmap.js";
import { withLegend } from "../../web/js/plots/legend.js";
import { toSvg } from "../../web/js/pure/scene.js";
import { ringMarks } from "../../web/js/plots/headrings.js";
import { nearest, scatterPlot } from "../../web/js/plots/scatter.js";
import { ROWS, sample } from "./sample.js";

test("the camera looking down d2 sees d0 to the right and d1 up", () => {
  const flat = project(
    Float32Array.of(1, 0, 5, 0, 1, -5), { middle: [0, 0, 0], half: 1 },
    cameraAxes({ x: 0, y: 0, z: 2 }, { x: 0, y: 1, z: 0 }),
  );
  const want = [1, 0, 0, 1];
  flat.forEach((v, i) => assert.ok(Math.abs(v - want[i]) < 1e-6));
  assert.deepEqual(frame(Float32Array.of(0, 0, 0, 2, 4, NaN)), { middle: [1, 2, 0], half: 2 });
  assert.ok(inside(1, 1, [[0, 0], [3, 0], [0, 3]]) && !inside(2, 2, [[0, 0], [3, 0], [0, 3]]));
});

test("the ball that is seen in three dimensions holds most points, the cube all of them", () => {
  const cloud = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i * 12.9898) + (i % 3));
  const near = seenBall(cloud);
  const far = seenBall(Float32Array.from(cloud, (v, i) => (i < 3 ? 500 : i < 6 ? NaN : v)));
  for (const d of [0, 1, 2]) assert.ok(Math.abs(near.middle[d] - d) < 0.05 && Math.abs(far.middle[d] - near.middle[d]) < 0.05);
  assert.ok(near.radius > 0.9 && near.radius < 1.75 && Math.abs(far.radius - near.radius) < 0.05, "a stray changes nothing");
  assert.ok(near.reach >= 0.95 && near.reach < 1.1 && far.reach > 497);
  assert.deepEqual(seenBall(Float32Array.of(2, 2, 2)), { middle: [2, 2, 2], radius: 1, reach: 1 });
  assert.deepEqual(seenBall(new Float32Array(3).fill(NaN)), { middle: [0, 0, 0], radius: 1, reach: 1 });
});

test("a figure's text is cropped as usual, or to the token", () => {
  const around = (...places) => places.map((at) => ({ at, before: USUAL, after: USUAL }));
  assert.deepEqual(cropped(300, around(100, 200)), folds(300, [100, 200], 12));
  assert.deepEqual(cropped(300, around(100, 130)), [[88, 143]], "little between is not left out");
  assert.deepEqual(cropped(300, [stretchOf(100, 98, 101), stretchOf(110, 104, 120)]), [[98, 102], [104, 121]]);
  assert.deepEqual(cropped(300, [stretchOf(200, 190, 205), stretchOf(100, 90, 192)]), [[90, 206]], "overlapping ones are one, whatever their order");
  assert.deepEqual(cropped(50, [{ at: 3, before: 9, after: 99 }]), [[0, 50]]);
  assert.deepEqual(stretchOf(10, 12, 8), { at: 10, before: 0, after: 0 }, "the token itself is always shown");
  assert.deepEqual([side("7"), side("x"), side(-3), side(1e9)], [7, USUAL, 0, 10000]);
});

test("placed points fill the panel and keep their shape", () => {
  const places = placePoints(Float32Array.of(-2, 0, 2, 1, NaN, NaN), { width: 400, height: 400 });
  assert.ok(Math.abs(places[2] - places[0] - 0.92 * 400) < 1e-3);
  assert.ok(Math.abs((places[1] - places[3]) * 4 - (places[2] - places[0])) < 1e-3);
  assert.equal(nearestPoint(places, places[2] + 3, places[3]), 1);
  assert.equal(nearestPoint(places, 5, 5), -1);
});

test("the heads farthest out are told, the farthest first", () => {
  const row = (head, x, y) => ({ layer: 1, head, x, y });
  const rows = [...Array.from({ length: 20 }, (_, i) => row(i, i / 100, i / 90)), row(20, 5, 5), row(21, 5.01, 5.01), row(22, 5, 0)];
  const { outliers } = scatterPlot({
    rows, names: { x: "x", y: "y", color: null }, logs: { x: false, y: false }, bars: false, shown: null, discrete: new Set(),
    width: 600, height: 400, colours: COLOURS, extentOf: () => null, shareOf: () => null,
  });
  assert.deepEqual(outliers.map((p) => p.row.head), [21, 20, 22]);
});

test("names of heads keep off each other and inside the panel; the open head's comes first, the hovered one's last", () => {
  const size = { width: 200, height: 150, colours: COLOURS };
  const box = ({ text, x, y, size: s, anchor }) => {
    const long = 0.62 * s * text.length;
    const left = anchor === "end" ? x - long : x;
    return { left, right: left + long, top: y - 0.9 * s, bottom: y + 0.25 * s };
  };
  const crowd = Array.from({ length: 5 }, (_, i) => ({ text: `L1H${i}`, x: 188 - i, y: 50 + 4 * i, fill: "f", size: 10 }));
  const [open, hot] = [{ name: "L5H1", x: 190, y: 61, stroke: "o" }, { name: "L1H3", x: 185, y: 62, stroke: "h", passing: true }];
  const marks = ringMarks([open, hot], crowd, size);
  const names = marks.filter((m) => m.kind === "text");
  assert.deepEqual(names.map((m) => m.text).filter((t) => t === "L1H3").length, 1, "a head has one name");
  assert.equal(names[0].text, "L5H1");
  assert.equal(names.length, 6);
  const boxes = names.map(box);
  for (const [i, a] of boxes.entries()) {
    assert.ok(a.left >= -1e-9 && a.right <= 200 && a.top >= 0 && a.bottom <= 150, names[i].text);
    for (const b of boxes.slice(i + 1)) assert.ok(a.right <= b.left + 1e-9 || b.right <= a.left + 1e-9 || a.bottom <= b.top + 0.7 || b.bottom <= a.top + 0.7);
  }
  const without = ringMarks([open], crowd, size).filter((m) => m.kind === "text" && m.text !== "L1H3");
  const kept = names.filter((m) => m.text !== "L1H3");
  assert.deepEqual(kept.slice(0, 3), without.slice(0, 3), "what stands where does not move for what is hovered");
});

test("bins must fit their edges; equal bins hold every value", () => {
  assert.equal(readBins({ bin_edges: [0, 1], bin_values: [1, 2] }), null);
  assert.equal(readBins(undefined), null);
  const { edges, values } = binned([0, 0.5, 1], 4);
  assert.equal(edges.length, 5);
  assert.equal(values.reduce((a, b) => a + b), 3);
  const colours = {
    line: "#000", faint: "#000", ink: "#000", soft: "#000", panel: "#fff", accent: "#00f", given: "#f00",
  };
  const plot = barPlot({ bins: { edges, values }, width: 300, height: 200, colours, xLabel: "x", yLabel: "y" });
  assert.equal(plot.bin(60), 0);
  assert.equal(plot.bin(5), -1);
});

test("the heat map finds the cell it drew, and zoom and pan stay inside", () => {
  const sequence = fromRecord(sample(40, 8).record);
  const colours = { line: "#000", ink: "#000", soft: "#000", panel: "#fff" };
  const plot = heatmapPlot({
    sequence, view: { q0: 0, q1: 40, k0: 0, k1: 40 }, largest: 1, width: 500, height: 480, theme: "light", colours,
  });
  const box = plot.place(17, 5);
  assert.deepEqual(plot.cell(box.x + box.w / 2, box.y + box.h / 2), { q: 17, k: 5 });
  assert.equal(plot.cell(1, 1), null);
  const near = zoomed({ q0: 0, q1: 40, k0: 0, k1: 40 }, 40, 0.1, 39, 0);
  assert.ok(near.q0 < 39 && near.q1 > 39 && near.k0 === 0 && Math.abs(near.q1 - near.q0 - 4) < 1e-9);
  assert.deepEqual(moved(near, 40, 100, -100), { q0: 36, q1: 40, k0: 0, k1: 4 });
});

test("the scatter places every head once and finds the nearest", () => {
  const colours = { line: "#000", faint: "#000", ink: "#000", soft: "#000", panel: "#fff", accent: "#00f" };
  const options = {
    rows: ROWS, names: { x: "a", y: "b", color: "layer" }, logs: { x: false, y: false }, bars: true, shown: null,
    discrete: new Set(), width: 400, height: 300, colours, extentOf: (n) => extent(ROWS, n), shareOf: (row) => row.layer,
  };
  const plot = scatterPlot(options);
  assert.equal(plot.points.length, 2);
  assert.equal(plot.hidden, 1);
  const [first] = plot.points;
  assert.equal(nearest(plot.points, first.x + 2, first.y - 2), first);
  assert.equal(nearest(plot.points, -50, -50), null);
  const legend = (width) => scatterPlot({ ...options, width, names: { ...options.names, color: "a_long_name_of_a_metric" }, extentOf: () => [0, 1] })
    .scene.marks.find((m) => m.kind === "text" && m.text.startsWith("a long")).text;
  assert.equal(legend(500), "a long name of a metric");
  assert.match(legend(240), /^a long.*…$/, "a name that finds no room is shortened");
});

test("SVG text is escaped and holds no character XML forbids", () => {
  const svg = toSvg(
    {
      width: 10, height: 10,
      marks: [{ kind: "text", x: 1, y: 2, text: "<img onerror='x'>&\u0000\u0008", fill: '"><script>' }],
    },
    "a<b",
  );
  assert.ok(!/<img|<script|[\u0000-\u0008]/.test(svg));
  assert.ok(svg.includes("&lt;img onerror=&#39;x&#39;&gt;&amp;"));
});

test("lenses survive the way through the URL; zooming keeps the point under the pointer", () => {
  const lenses = { Q: { zoom: 2.5, x: 0.1, y: -0.2 }, K: { zoom: 1, x: 0, y: 0 } };
  assert.equal(writeLenses(lenses), "Q2.5,0.1,-0.2");
  assert.deepEqual(readLenses("Q2.5,0.1,-0.2;Kx;;V900,0,0;O1,2"), { Q: lenses.Q });
  const flat = Float32Array.of(-2, 0, 2, 1, 0.5, -0.3);
  const size = { width: 400, height: 300 };
  const before = placePoints(flat, { ...size, lens: lenses.Q });
  const after = placePoints(flat, { ...size, lens: zoomedAt(lenses.Q, 1.7, 0.5, Math.fround(-0.3)) });
  assert.ok(Math.abs(before[4] - after[4]) < 1e-3 && Math.abs(before[5] - after[5]) < 1e-3);
  assert.ok(Math.abs((after[2] - after[0]) / (before[2] - before[0]) - 1.7) < 1e-4);
  assert.equal(nearestAlong(before, 0, [1, 0]), 2);
  assert.equal(nearestAlong(before, 0, [-1, 0]), -1);
});

const COLOURS = { panel: "#fff", line: "#eee", ink: "#000", soft: "#555", faint: "#999", accent: "#00f", query_mark: "q", key_mark: "k", both_mark: "v" };
const partner = (layer, head, score, deviations) => ({ layer, head, score, deviations });

test("a circuit draws what stands out, earlier layers above, wider where stronger", () => {
  const composition = readComposition({
    chance: 0.02, reads_from: { q: [partner(1, 0, 0.1, 2)], k: [partner(0, 3, 0.4, 9), partner(2, 1, 0.2, 5), { layer: "x" }] },
    read_by: { v: [partner(7, 2, 0.1, 4)] },
  });
  const open = { layer: 5, head: 1 };
  const lines = standingOut(composition, open);
  assert.deepEqual(lines.map((l) => [l.side, l.partner.layer, l.from.layer, l.to.layer]), [["k", 0, 0, 5], ["k", 2, 2, 5], ["v", 7, 5, 7]]);
  const height = circuitHeight(lines, open);
  const { scene, points } = circuitPlot({ lines, open, width: 500, height, colours: COLOURS });
  const heightOf = (layer) => points.find((p) => p.row.layer === layer).y;
  assert.ok(heightOf(0) < heightOf(2) && heightOf(2) < heightOf(5) && heightOf(5) < heightOf(7));
  assert.ok(points.every(({ x, y }) => x > 0 && x < 500 && y > 0 && y < height));
  const curves = scene.marks.filter((m) => m.kind === "curve");
  assert.deepEqual(curves.map((c) => c.stroke).sort(), ["k", "k", "v"]);
  const [strong, weak] = [0, 2].map((layer) => curves.find((c) => c.from[1] > heightOf(layer) && c.from[1] < heightOf(layer) + 12));
  assert.ok(strong.width > weak.width);
  assert.equal(readComposition({ reads_from: {} }), null);
});

test("a map of heads keeps its shape, dims what is filtered out, and leaves out what is malformed", () => {
  const maps = readHeadMaps({
    heads: [[0, 0], [0, 1], [1, 0], [1, 1]],
    maps: [{ name: "likeness", about: "near", weights: [0.5, 0.2, 0.1], coordinates: [[0, 0, 0], [2, 0, 0], [0, 1, 0], [NaN, 1, 0]] }, { name: "bad" }],
  });
  assert.deepEqual(maps.map((m) => [m.name, m.places.size]), [["likeness", 3]]);
  const rows = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([layer, head]) => ({ layer, head }));
  const { points, at, scene } = headMapPlot({
    rows, places: maps[0].places, width: 400, height: 300, colours: COLOURS, shareOf: () => 0.5, coloured: true,
    shown: (row) => row.layer === 0,
  });
  assert.deepEqual(points.map((p) => [p.row.layer, p.row.head]), [[0, 0], [0, 1]]);
  const [a, b, c] = ["L0H0", "L0H1", "L1H0"].map(at);
  assert.ok(Math.abs((b[0] - a[0]) - 2 * (a[1] - c[1])) < 1e-9 && b[0] > a[0] && c[1] < a[1]);
  assert.equal(at("L1H1"), null);
  assert.equal(scene.marks.length, 3);
  assert.deepEqual(readHeadMaps({ heads: 3, maps: {} }), []);
  assert.deepEqual(readSimilar([{ layer: 1, head: 2, likeness: 0.5 }, { layer: 1, head: 2, likeness: 7 }]), [{ layer: 1, head: 2, likeness: 0.5, standard_error: null }]);
});

test("density has its peaks where points crowd, closed contours around them, and names what is typical there", () => {
  // Two crowds, of 1600 and 800 points at the quantiles of a normal distribution's radius, and a stray.
  const crowd = (x, y, rings) => Array.from({ length: rings }, (_, i) => Math.sqrt(-2 * Math.log((i + 0.5) / rings)))
    .flatMap((r, i) => Array.from({ length: 16 }, (_, a) => [x + r * Math.cos(a * Math.PI / 8 + i), y + r * Math.sin(a * Math.PI / 8 + i)]).flat());
  const flat = Float32Array.of(...crowd(-5, 0, 100), ...crowd(5, 3, 50), 0, 9, NaN, NaN);
  const density = densityOf(flat);
  const peak = density.values.indexOf(1);
  assert.ok(Math.abs(density.x + (peak % density.cells) * density.step[0] + 5) < 0.4);
  assert.ok(Math.abs(density.y + Math.floor(peak / density.cells) * density.step[1]) < 0.4);
  const lines = contour(density, 0.25);
  assert.equal(lines.length, 2);
  for (const line of lines) {
    assert.deepEqual(line.slice(0, 2), line.slice(-2), "closed");
    const [x, y] = [0, 1].map((axis) => line.filter((_, i) => i % 2 === axis).reduce((a, b) => a + b, 0) / (line.length / 2));
    assert.ok(Math.hypot(x + 5, y) < 0.5 || Math.hypot(x - 5, y - 3) < 0.5, `${x}, ${y}`);
  }
  const regions = regionsOf(density, flat);
  assert.equal(regions.length, 2);
  assert.ok(regions[0].every((i) => flat[2 * i] < 0) && regions[1].every((i) => flat[2 * i] > 0 && i < 2400));
  assert.equal(densityOf([1, 2]), null);
  assert.equal(typical(["a", "a", "b"], ["a", "a", "b", "b", "b", "b", "c", "c"]).value, "a");
  assert.equal(typical(["b", undefined, "c"], ["b", "b", "c", "c"]), null);
});

test("the difference of two patterns has what either stores, with its sign, in colours of signs", () => {
  const record = (indices, values) => fromRecord({
    sequence_id: 1, tokens: ["a", "b", "c"], seq_len: 3, attention_indices: indices, attention_values: values, max_activation: 1, interval: 1,
  });
  const [own, other] = [record([4, 7, 8], [0.5, 0.25, 0.75]), record([3, 7, 8], [1, 0.75, 0.75])];
  const difference = patternDifference(own, other);
  assert.deepEqual(patternTable(difference).rows.map(([q, k, , , v]) => [q, k, v]), [[1, 0, -1], [1, 1, 0.5], [2, 1, -0.5], [2, 2, 0]]);
  const { scene } = heatmapPlot({
    sequence: difference, view: { q0: 0, q1: 3, k0: 0, k1: 3 }, largest: 1, width: 300, height: 300, theme: "light", colours: COLOURS, difference: true,
  });
  const fills = scene.marks.filter((m) => m.kind === "rect" && /^rgba/.test(m.fill ?? "") && m.w > 20).map((m) => m.fill);
  assert.deepEqual(fills.sort(), ["rgba(175,141,195,0.500)", "rgba(175,141,195,1.000)", "rgba(90,174,97,0.500)"]);
});

test("bars of two heads are as high where they count as much, in the same bins", () => {
  const colours = { ink: "ink", soft: "soft", faint: "faint", line: "line", accent: "accent", panel: "panel" };
  const heads = [
    { title: "L0H0", bins: { edges: [0, 1, 2, 4], values: [8, 2, 1] } },
    { title: "L0H1", bins: { edges: [0, 1, 2], values: [2, 4] } },
  ];
  for (const options of [{ even: true }, { even: false }, { logY: true }]) {
    const { marks, width } = barPair(heads, { colours, xLabel: "x", yLabel: "y", ...options });
    const bars = marks.filter((m) => m.kind === "rect" && m.fill === "accent");
    assert.equal(bars.length, 6);
    assert.equal(bars[1].h, bars[3].h); // both 2
    assert.equal(bars[5].h, 0); // a bin the second head does not have
    const second = bars[3].x - bars[0].x;
    assert.ok(second > width / 2 && Math.abs(bars[4].x - bars[1].x - second) < 1e-9);
    assert.deepEqual(marks.filter((m) => m.weight === 600).map((m) => m.text), ["L0H0", "L0H1"]);
  }
  const other = [heads[0], { title: "L0H1", bins: { edges: [-1, 5], values: [3] } }];
  const { marks } = barPair(other, { colours, even: true });
  const bars = marks.filter((m) => m.kind === "rect" && m.fill === "accent");
  // Other bins: both on an axis from -1 to 5.
  assert.ok(Math.abs((bars[3].w + 1) / (bars[0].w + 1) - 6) < 1e-6);
});

test("a legend stands under its drawing and goes on in a second line", () => {
  const scene = { width: 200, height: 100, ground: "panel", marks: [] };
  const words = ["one", "a second that is long", "three"];
  const made = withLegend(scene, [{ text: "scale", stops: ["#000", "#888", "#fff"] }, ...words.map((text) => ({ text, stops: ["#f00"] }))], { soft: "soft" });
  const texts = made.marks.filter((m) => m.kind === "text");
  assert.deepEqual(texts.map((m) => m.text), ["scale", ...words]);
  assert.equal(made.marks.filter((m) => m.kind === "rect").length, 3 + words.length);
  assert.ok(texts.every((m) => m.y > 100 && m.y < made.height && m.x < 200));
  assert.ok(texts.at(-1).y > texts[0].y);
  assert.deepEqual(withLegend(scene, [], { soft: "soft" }), scene);
});

test("the camera centres what most points are, and strays on one side do not move it", () => {
  const flat = new Float32Array(400);
  for (let i = 0; i < 200; i++) flat.set([3 + (i % 10) / 10, -2 + (i % 7) / 7], 2 * i);
  flat.set([-40, 5], 0);
  flat.set([NaN, NaN], 2);
  const moved = centred(flat);
  assert.ok(Math.abs(moved[2 * 10] + 0.45) < 1e-5 && Math.abs(moved[2 * 9] - 0.45) < 1e-5);
  assert.ok(Number.isNaN(moved[2]));
  assert.deepEqual([...centred(new Float32Array(0))], []);
  const places = placePoints(moved, { width: 300, height: 300 });
  assert.ok(places[2 * 9] > 280 && places[2 * 10] < 20);
});

test("labels in a cloud keep off each other and inside; a cluster's is drawn in any case", () => {
  const options = { places: new Float32Array(0), look: { colors: [], dim: false }, width: 200, height: 120, colours: COLOURS };
  const at = (text, x, y, sure = false) => ({ text, x, y, sure });
  const crowd = Array.from({ length: 9 }, (_, i) => at(`label ${i}`, 100 + i, 60));
  const drawn = cloudScene({ ...options, labels: crowd }).marks.map((m) => [m.x, m.y]);
  assert.ok(drawn.length >= 5 && drawn.length < 9);
  for (const [i, a] of drawn.entries()) for (const b of drawn.slice(i + 1)) assert.ok(Math.abs(a[1] - b[1]) >= 14);
  assert.equal(cloudScene({ ...options, labels: crowd.map((l) => ({ ...l, sure: true })) }).marks.length, 9);
  const [edge] = cloudScene({ ...options, labels: [at("at the very right", 199, 118)] }).marks;
  assert.ok(edge.x + 8 * 7 < 200 && edge.y < 120);
  assert.equal(cloudScene({ ...options, labels: [at("outside", 500, 60, true)] }).marks.length, 0);
});
