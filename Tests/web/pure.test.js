// SPDX-License-Identifier: Apache-2.0
// The page's pure functions against slow, obvious versions of themselves and hand-made cases.

import assert from "node:assert/strict";
import { test } from "node:test";
import { foldTerms, readAttribution, scoreSum, summary, waterfall } from "../../web/js/pure/attribution.js";
import { explainedWords, inside, packCloud, projectedPosition, rankShares } from "../../web/js/pure/cloud.js";
import { addToCluster, deleteCluster, membership, readClusters, renameCluster, losses, mergeClusters } from "../../web/js/pure/clusters.js";
import { MISSING, attentionRamp, attentionStep, luminance, signed, viridis } from "../../web/js/pure/colour.js";
import {
  edgeFormat, loneSurrogate, number, parseAddress, quoted, score, short, statistic, token, uncertainty,
} from "../../web/js/pure/format.js";
import { splitCommands } from "../../web/js/pure/commands.js";
import { doing, offsetWords } from "../../web/js/pure/doing.js";
import { figureScene, wrapped } from "../../web/js/pure/figure.js";
import { textRule, tokenRule } from "../../web/js/pure/match.js";
import { MATCH, paintPoints } from "../../web/js/pure/paint.js";
import { ordinal, presetsOf, standsOut } from "../../web/js/pure/presets.js";
import { sideBySide } from "../../web/js/pure/scene.js";
import {
  alike, extent, metricNames, metricTable, ranked, rowFilter, sorted, standing,
} from "../../web/js/pure/rank.js";
import { axis, logTicks, padded, ticks } from "../../web/js/pure/scale.js";
import {
  entries, folds, fromRecord, strongestPair, strongestPerToken, summed, toRecord, valueAt,
} from "../../web/js/pure/sequence.js";
import { toCsv, toObjects } from "../../web/js/core/exports.js";
import { ROWS, sample } from "./sample.js";

test("reductions equal a plain matrix walk without row 0 and column 0, the diagonal kept", () => {
  for (const seed of [1, 2, 3, 4]) {
    const n = 9 + seed;
    const { matrix, record } = sample(n, seed);
    const sequence = fromRecord(record);
    for (const transpose of [false, true]) {
      const want = Array.from({ length: n }, (_, i) => {
        let most = 0;
        for (let j = 1; j < n; j++) if (i > 0) most = Math.max(most, transpose ? matrix[j][i] : matrix[i][j]);
        return most;
      });
      assert.deepEqual([...strongestPerToken(sequence, transpose)], want);
      for (const p of [0, 1, n - 1]) {
        const line = Array.from(
          { length: n }, (_, j) => (p === 0 || j === 0 ? 0 : transpose ? matrix[j][p] : matrix[p][j]),
        );
        assert.deepEqual([...summed(sequence, [p], transpose)], line);
      }
      const two = Array.from(
        { length: n }, (_, j) => (j === 0 ? 0 : transpose ? matrix[j][2] + matrix[j][4] : matrix[2][j] + matrix[4][j]),
      );
      summed(sequence, [2, 4, 2], transpose).forEach((v, j) => assert.ok(Math.abs(v - two[j]) < 1e-12));
    }
    let best = { value: -1 };
    for (let q = 1; q < n; q++) {
      for (let k = 1; k <= q; k++) if (matrix[q][k] > best.value) best = { q, k, value: matrix[q][k] };
    }
    assert.deepEqual(strongestPair(sequence), best);
    assert.equal(valueAt(sequence, best.q, best.k), best.value);
    assert.equal(entries(sequence, best.q, false)[0].at, best.k);
  }
});

test("entries in any order make the same sequence, and it writes back as it came", () => {
  const { record } = sample(12, 5);
  const order = record.attention_indices.map((_, i) => i).reverse();
  const shuffled = {
    ...record, attention_indices: order.map((i) => record.attention_indices[i]),
    attention_values: order.map((i) => record.attention_values[i]),
  };
  const [a, b] = [fromRecord(record), fromRecord(shuffled)];
  for (let q = 0; q < 12; q++) assert.deepEqual(entries(a, q, false), entries(b, q, false));
  assert.deepEqual(toRecord(a), record);
});

test("entries outside the pattern are counted and left out", () => {
  const sequence = fromRecord({
    sequence_id: 1, tokens: ["a", "b"], seq_len: 2, attention_indices: [0, 3, 4, -1, 1.5, 2],
    attention_values: [1, 0.5, 1, 1, 1, null], max_activation: 1,
  });
  assert.equal(sequence.dropped, 4);
  assert.equal(valueAt(sequence, 1, 1), 0.5);
  assert.equal(fromRecord({ tokens: null }), null);
  assert.equal(fromRecord({ tokens: ["a"], attention_indices: [0, 0], attention_values: [1] }).dropped, 1);
});

test("indices are read by seq_len where it differs from the number of tokens", () => {
  const sequence = fromRecord({
    tokens: ["a", "b", "c"], seq_len: 4, attention_indices: [9, 11], attention_values: [0.7, 0.2],
  });
  assert.equal(valueAt(sequence, 2, 1), 0.7);
  assert.equal(sequence.dropped, 1);
});

test("folds are ascending, apart, inside, and hold every anchor", () => {
  for (const anchors of [[], [0], [511], [40, 300], [100, 130], [5, 505]]) {
    const spans = folds(512, anchors, 34);
    spans.forEach(([from, to], i) => {
      assert.ok(from >= 0 && to <= 512 && from < to);
      if (i) assert.ok(from > spans[i - 1][1]);
    });
    for (const at of anchors) assert.ok(spans.some(([from, to]) => at >= from && at < to));
  }
});

test("attention steps are 0 for nothing, 255 at 1.4 times the largest, and rise", () => {
  assert.equal(attentionStep(0, 1), 0);
  assert.equal(attentionStep(-1, 1), 0);
  assert.equal(attentionStep(1e-9, 1), 1);
  assert.equal(attentionStep(1.4, 1), 255);
  assert.equal(attentionStep(9, 1), 255);
  assert.equal(attentionStep(0.7, 1), 128);
  for (const theme of ["light", "dark"]) {
    for (const { fill, ink } of attentionRamp(theme)) {
      const [a, b] = [
        fill.match(/\d+/g).map(Number), [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16)),
      ].map(luminance);
      assert.ok((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) >= 4.5, `${theme} ${fill} under ${ink}`);
    }
  }
  assert.equal(viridis(0), "rgb(68,1,84)");
  assert.equal(viridis(1), "rgb(253,231,37)");
  assert.deepEqual(signed(-2, 2), { fill: "rgba(175,141,195,1.000)", ink: "#1d1d1b" });
  assert.deepEqual(signed(0.5, 2), { fill: "rgba(90,174,97,0.250)", ink: "" });
  // On the dark page's panels the ink is readable at every strength: WCAG's 4.5.
  for (const sign of [1, -1]) for (let v = 0; v <= 100; v++) {
    const { fill, ink } = signed((sign * v) / 100, 1, "dark");
    const [r, g, b, alpha] = fill.match(/[\d.]+/g).map(Number);
    const ground = luminance([r, g, b].map((c, i) => alpha * c + (1 - alpha) * [0x1b, 0x1d, 0x20][i]));
    const letters = ink === "#000000" ? 0 : 1;
    assert.ok((Math.max(ground, letters) + 0.05) / (Math.min(ground, letters) + 0.05) >= 4.5, `${sign} ${v}`);
  }
});

test("numbers, scores and statistics print in the contracted forms", () => {
  assert.equal(number(0), "0");
  assert.equal(number(0.12345), "0.1235");
  assert.equal(number(0.0004), "4.00e-4");
  assert.equal(number(NaN), "–");
  assert.equal(short(12345), "12.3k");
  assert.equal(score(0), "0");
  assert.equal(score(0.0002), "2.0e-4");
  assert.equal(score(-0.5), "-0.5000");
  assert.equal(score(12.345), "12.35");
  assert.equal(statistic(0.1234, "percent"), "12.34%");
  assert.equal(statistic(1234.4, "integer"), "1,234");
  assert.equal(statistic(1234.5, "scientific"), "1.235e+3");
  assert.equal(statistic(0.5, "constructor"), "0.5000");
  assert.deepEqual([0.03217, 0, 12.34, 0.00001, 0.03, 0.0001].map(uncertainty), ["0.032", "0", "12", "1e-5", "0.030", "0.0001"]);
});

test("tokens show their control characters, lists show their spaces", () => {
  assert.equal(token("a\n\tb\u0000"), "a⏎↹b␀");
  assert.equal(token("\u202eevil\u2066"), "⇄evil⇄");
  assert.equal(quoted("  the "), "␣␣the␣");
  assert.equal(quoted(""), "∅");
});

test("half a surrogate pair is found, in characters", () => {
  assert.deepEqual(
    ["", "abc", "a\u{1f600}b", "\ud83d", "a\u{1f600}\ude00", "ab\ud83d c", "\ude00\ud83d"].map(loneSurrogate),
    [-1, -1, -1, 0, 2, 2, 0],
  );
});

test("addresses are read in every common form", () => {
  for (const text of ["5.1", "L5H1", "l5h1", " 5 1 ", "5:1", "L5.H1"]) assert.deepEqual(
    parseAddress(text), { layer: 5, head: 1 },
  );
  for (const text of ["", "5", "head", "5.1.2"]) assert.equal(parseAddress(text), null);
});

test("rules match a token, words or a pattern, and say when a pattern is wrong", () => {
  assert.ok(tokenRule("the").test(" the") && !tokenRule("the").test(" then"));
  assert.ok(tokenRule("/^ th/").test(" then"));
  assert.ok(textRule("CAT sat").test("the cat sat"));
  assert.match(tokenRule("/(/").error, /not a valid pattern/);
});

test("metric columns leave out layer, head and standard errors, in the preferred order", () => {
  assert.deepEqual(metricNames(ROWS), ["a", "b"]);
  assert.deepEqual(metricNames(ROWS, ["b", "zzz"]), ["b", "a"]);
  assert.deepEqual(extent(ROWS, "b"), [10, 30]);
});

test("standard errors are read from their object or their column, and exported beside the metric", () => {
  const rows = [{ layer: 0, head: 1, a: 3, standard_errors: { a: 0.5 } }, { layer: 0, head: 2, a: 4, a_se: 0.25 }];
  assert.deepEqual(metricNames(rows), ["a"]);
  assert.deepEqual(
    metricTable(rows, ["a"]), { columns: ["layer", "head", "a", "a_se"], rows: [[0, 1, 3, 0.5], [0, 2, 4, 0.25]] },
  );
});

test("ranks, percentiles, orders and filters", () => {
  assert.deepEqual(ranked(ROWS, "a").map((r) => r.a), [3, 2, 1]);
  assert.deepEqual(standing(ROWS, "a", 3), { rank: 1, of: 3, percentile: 100 });
  assert.deepEqual(standing(ROWS, "a", 1).rank, 3);
  assert.deepEqual(sorted(ROWS, "-b").map((r) => r.b), [30, 10, null]);
  assert.deepEqual(sorted(ROWS, "b").map((r) => r.b), [10, 30, null]);
  const keep = (text) => ROWS.filter(rowFilter(text, ["a", "b"]).test).map((r) => `${r.layer}.${r.head}`);
  assert.deepEqual(keep("L0"), ["0.0", "0.1"]);
  assert.deepEqual(keep("0.1 1."), ["0.1", "1.0"]);
  assert.deepEqual(keep("a>=2 L1"), ["1.0"]);
  assert.match(rowFilter("nope>1", ["a"]).error, /No metric/);
  assert.match(rowFilter("???", ["a"]).error, /neither/);
});

test("scales go there and back, ticks are round and inside", () => {
  for (const log of [false, true]) {
    const scale = axis([2, 400], [10, 110], { log });
    for (const v of [2, 50, 400]) assert.ok(Math.abs(scale.invert(scale.at(v)) - v) < 1e-9 * v);
    for (const t of scale.ticks) assert.ok(t >= 2 && t <= 400);
  }
  assert.ok(Number.isNaN(axis([1, 10], [0, 1], { log: true }).at(0)));
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(logTicks(1, 1000), [1, 10, 100, 1000]);
  assert.ok(padded([5, 5])[0] < 5);
});

test("clusters grow, merge, part and keep each point once", () => {
  let all = addToCluster([], "one", [[1, 2, 3], [4, 5, 6]]);
  all = addToCluster(all, "two", [[4, 5, 6]]);
  assert.deepEqual(all.map((c) => c.points.length), [1, 1]);
  assert.notEqual(all[0].color, all[1].color);
  all = addToCluster(all, "two", [[7, 8, 9]]);
  assert.deepEqual([...membership(all, 3, (i) => [[1, 2, 3], [7, 8, 9], [0, 0, 0]][i])], [0, 1, -1]);
  all = renameCluster(all, "one", "two");
  assert.equal(all.length, 1);
  assert.equal(all[0].points.length, 3);
  assert.deepEqual(deleteCluster(all, "two"), []);
  assert.deepEqual(
    readClusters([
      { name: 1 }, null, { name: "x", color: "red;", points: [[1, 2, 3], [1]] },
    ]).map((c) => c.points.length),
    [1],
  );
  assert.match(readClusters([{ name: "x", color: "url(evil)", points: [] }])[0].color, /^#/);
});

test("a cloud is packed, an odd one too, and projected points are read in both shapes", () => {
  const cloud = packCloud({
    seq_idx: [3, "c1"], top_q: [1, 2], top_k: [0, 1], norms: [1, null],
    pca: { Q: { d0: [1, 2], d1: [3, 4], d2: [5, 6] }, Z: {} },
  });
  assert.deepEqual(cloud.seq, ["3", "c1"]);
  assert.deepEqual([...cloud.layouts[0].spaces.Q], [1, 3, 5, 2, 4, 6]);
  assert.deepEqual(cloud.layouts.map((l) => l.name), ["pca"]);
  assert.deepEqual(
    [...packCloud({ seq_idx: [1], embeddings: { Q: { x: [1], y: [2] } } }).layouts[0].spaces.Q], [1, 2, 0],
  );
  assert.throws(() => packCloud({}), /seq_idx/);
  assert.deepEqual(projectedPosition({ pca: { Q: { d0: 1, d1: 2, d2: 3 } } }, "pca", "Q"), [1, 2, 3]);
  assert.deepEqual(projectedPosition({ umap_views: [{ Q: [4, 5, 6] }] }, "0", "Q"), [4, 5, 6]);
  assert.equal(projectedPosition({}, "pca", "Q"), null);
  assert.deepEqual([...rankShares([5, NaN, 1])], [1, NaN, 0]);
});

test("points are painted by norm rank, distance, rule and cluster, and stay grey where nothing is known", () => {
  const points = {
    total: 3, identity: (i) => [
      ["a", 5, 5], ["a", 9, 1], ["b", 3, 2],
    ][i], norm: (i) => [4, NaN, 2][i], attention: (i) => [1, NaN, 0][i],
    rule: tokenRule("the"), tokenAt: (i) =>
      [" the", null, " then"][i], clusters: [{ color: "#123456" }], clusterOf: [-1, 0, -1],
  };
  const [low, high] = [viridis(0), viridis(1)];
  assert.deepEqual(paintPoints("norm", points), [high, MISSING, low]);
  assert.deepEqual(paintPoints("attention", points), [high, MISSING, low]);
  assert.deepEqual([paintPoints("distance", points)[0], paintPoints("distance", points)[1]], [low, high]);
  assert.deepEqual(paintPoints("token", points).map((c) => c === MATCH), [true, false, false]);
  assert.equal(paintPoints("cluster", points)[1], "#123456");
  assert.deepEqual(paintPoints("constructor", points), paintPoints("norm", points));
});

test("CSV quotes what must be quoted and equals the JSON of the same table", () => {
  const table = { columns: ["token", "weight"], rows: [["a,\"b\"\n", 1], [" ", null]] };
  assert.equal(toCsv(table), 'token,weight\r\n"a,""b""\n",1\r\n ,\r\n');
  assert.deepEqual(toObjects(table), [{ token: "a,\"b\"\n", weight: 1 }, { token: " ", weight: null }]);
});

test("an attribution answer is read whatever it leaves out", () => {
  assert.deepEqual(readAttribution({}), {
    pairs: [], query: [], key: [], writes: [], written: [], sum: null, attention: null, headOutputs: "", dictionary: null,
  });
  const { pairs } = readAttribution({ pairs: [{
    attribution: -1, query_feature: 4,
    key_snippets: [
      { tokens: ["a", "b"], activations: [0, 2], interval: 1 }, { tokens: ["c"], activations: [1], interval: 9 },
    ],
  }] });
  assert.equal(pairs[0].score, -1);
  assert.equal(pairs[0].query.description, "feature 4");
  assert.deepEqual(pairs[0].key.snippets.map((s) => s.interval), [9, 1]);
  assert.equal(pairs[0].key.snippets[1].peak, 1);
});

test("a score is the sum of its terms, the features first, and what they miss is told", () => {
  const pairs = [{ score: 1.5 }, { score: -0.5 }];
  const terms = [{ query: "bias", key: "features", value: 0.1 }, { query: "error", key: "error", value: -2 }, { value: NaN }];
  const sum = scoreSum({ score: -0.7, explained: 1.2, error_terms: terms }, pairs);
  assert.deepEqual(sum.terms.map((t) => t.label), ["features × features", "error × error", "bias × features"]);
  assert.deepEqual([sum.score, sum.listed, sum.missing], [-0.7, 1, 0]);
  assert.ok(Math.abs(scoreSum({ score: 3, explained: 1.2, error_terms: terms }, pairs).missing - 3.7) < 1e-9);
  assert.equal(scoreSum({ pairs }, pairs), null);
  assert.deepEqual(foldTerms(sum.terms, 1).map((t) => +t.value.toFixed(6)), [1.2, -1.9]);
  assert.equal(foldTerms(sum.terms, 2), sum.terms);
});

test("a waterfall starts each term where the last one ended and ends at the score", () => {
  const { bars, zero } = waterfall([{ label: "a", value: 2 }, { label: "b", value: -3 }], -1);
  const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);
  near(zero, 1 / 3);
  [[1 / 3, 1], [0, 1], [0, 1 / 3]].forEach(([left, right], i) => {
    near(bars[i].left, left);
    near(bars[i].right, right);
  });
});

test("what a head writes is read as marginals of its outputs", () => {
  const { writes, dictionary } = readAttribution({
    writes: [{ feature: 7, marginal_score: -2, activation: 0, top_interactions: [{ feature: 3, pairwise_score: 1 }] }],
    dictionary: { name: "d", features: 9, layer: 4 },
  });
  assert.equal(writes[0].score, -2);
  assert.deepEqual([writes[0].feature.id, writes[0].feature.description, writes[0].feature.activation], ["7", "feature 7", 0]);
  assert.equal(writes[0].partners[0].feature.id, "3");
  assert.deepEqual(dictionary, { name: "d", features: 9, layer: 4 });
});

test("features of heads' outputs are read with the keys that they come from", () => {
  const { written } = readAttribution({ written_features: [
    { feature: 7, head_score: 1.5, activation: 2, description: "months", top_keys: [{ key: 3, score: 1 }, { key: "x", score: 1 }] },
    "broken",
  ] });
  assert.equal(written.length, 1);
  assert.deepEqual([written[0].score, written[0].feature.id, written[0].feature.activation], [1.5, "7", 2]);
  assert.deepEqual(written[0].partners.map((k) => [k.score, k.feature.description]), [[1, "key 3"]]);
  assert.equal(written[0].partners[0].key, 3);
});

test("an answer by heads' outputs alone has no sum and no dictionary of the residual stream", () => {
  const answer = readAttribution({
    dictionary: { model_sha256: "m", head_outputs_sha256: "h" }, attention: 0.5, pairs: [], query_marginals: [],
    key_marginals: [], head_outputs_dictionary: "Z8", written_features: [{ feature: 7, head_score: 1.5, top_keys: [] }],
  });
  assert.deepEqual([answer.sum, answer.dictionary, answer.headOutputs, answer.written.length], [null, null, "Z8", 1]);
  assert.deepEqual(summary(answer, "ov"), { sentence: "", warning: "" });
});

test("edges of bins are whole numbers only where they are such", () => {
  assert.equal(edgeFormat([0, 1, 2, 4])(4), "4");
  assert.equal(edgeFormat([0, 0.02, 1]), undefined);
  assert.equal(edgeFormat([0, 0.5, 1], "integer"), undefined);
  assert.equal(edgeFormat([0, 1, 2], "decimal"), undefined);
});

test("commands in a sentence are found, and nothing else of it is lost", () => {
  const sentence = 'There is no work/d/L5.h5: make dictionary LAYERS="5 8" WORK=work/x trains it. Then `serve --x`, and make sure.';
  const pieces = splitCommands(sentence);
  assert.deepEqual(pieces.filter((p) => p.command).map((p) => p.text), ['make dictionary LAYERS="5 8" WORK=work/x', "serve --x"]);
  assert.equal(pieces.map((p) => p.text).join(""), sentence.replaceAll("`", ""));
  assert.deepEqual(splitCommands("Nothing to do."), [{ text: "Nothing to do.", command: false }]);
});

test("the variance a PCA explains is shown as the file has it, nonsense left out", () => {
  const { explained } = packCloud({ seq_idx: [], pca_explained_variance: { Q: [0.1, 0.05, 0.025], K: [2], V: "no", Z: [1] } });
  assert.deepEqual(explained, { Q: [0.1, 0.05, 0.025] });
  assert.equal(explainedWords(explained.Q).total, "17.5% of variance");
  assert.equal(explainedWords(undefined), null);
});

test("heads alike are those of near ranks, whatever the units", () => {
  const rows = [[0, 1], [10, 2], [20, 3], [1000, 3]].map(([a, b], head) => ({ layer: 0, head, a, b }));
  const found = alike(rows, ["a", "b"], rows[3], 2);
  assert.deepEqual(found.map((f) => f.row.head), [2, 1]);
  assert.ok(Math.abs(found[0].distance - (1 / 3 + 0) / 2) < 1e-12);
  assert.deepEqual([found[0].apart, found[1].apart], ["a", "a"]);
  assert.deepEqual(alike([rows[0]], ["a"], rows[0], 3), []);
});

test("clusters of two people merge: every change from the base counts, both sides' names stay", () => {
  const cluster = (name, ...points) => ({ name, color: "#000000", points: points.map((p) => [p, 1, 1]) });
  const base = [cluster("a", 1, 2, 3), cluster("b", 4)];
  const mine = [cluster("a", 1, 2), cluster("c", 3, 9)];
  const theirs = [cluster("a", 2, 3), cluster("b", 4), cluster("d", 1, 7)];
  const merged = Object.fromEntries(mergeClusters(base, mine, theirs).map((c) => [c.name, c.points.map(([p]) => p).sort()]));
  assert.deepEqual(merged, { a: [2], c: [3, 9], d: [1, 7] });
  const made = (name, at) => ({ name, color: "#4477aa", points: [[at, 1, 0]] });
  const colours = mergeClusters([], [made("mine", "8"), made("more", "7")], [made("theirs", "9")]).map((c) => c.color);
  assert.equal(new Set(colours).size, 3, "clusters that two people made are told apart");
  assert.deepEqual(mergeClusters(base, base, theirs).map((c) => c.points.length).sort(), [1, 2, 2]);
  assert.equal(losses(base, "new", [[1, 1, 1], [4, 1, 1]]), "Takes 1 from a, removes b.");
  assert.equal(losses(base, "a", [[1, 1, 1]]), "");
});

test("what a head does is told in shares of its stored attention, each entry counted once", () => {
  const tokens = ["a", "b", "c", "a", "b"];
  const entries = [[1, 0, 0.4], [1, 1, 0.2], [2, 1, 0.3], [3, 0, 0.1], [3, 1, 0.5], [4, 1, 0.25], [4, 2, 0.25]];
  const record = { sequence_id: 1, tokens, attention_indices: entries.map(([q, k]) => 5 * q + k), attention_values: entries.map((e) => e[2]), seq_len: 5 };
  const { shares, total, offset } = doing([fromRecord(record)]);
  assert.ok(Math.abs(total - 2) < 1e-12);
  const wanted = { sink: 0.25, self: 0.1, previous: 0.15, same: 0.125, after: 0.375, elsewhere: 0 };
  for (const [kind, share] of Object.entries(wanted)) assert.ok(Math.abs(shares[kind] - share) < 1e-12, kind);
  assert.equal(offset, 2); // half of what does not go to position 0
  const back = { ...record, attention_indices: [6, 11, 17, 23], attention_values: [0.1, 0.8, 0.8, 0.8] };
  assert.equal(offsetWords(doing([fromRecord(back)]).offset), "mostly one back");
});

test("presets take what metrics a tree has; a head stands out among the first five percent", () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ layer: 0, head: i, previous_token_score: i / 40, induction_score: 1 - i / 40 }));
  const axes = ["layer", "head", "previous_token_score", "induction_score"];
  assert.deepEqual(presetsOf(axes).map(({ preset }) => preset.key), ["previous", "induction"]);
  assert.deepEqual(standsOut(rows, rows[39], axes).map((s) => [s.preset.key, s.rank, s.of]), [["previous", 1, 40]]);
  assert.deepEqual(standsOut(rows, rows[1], axes).map((s) => [s.preset.key, s.rank]), [["induction", 2]]);
  assert.deepEqual(standsOut(rows, rows[20], axes), []);
  assert.deepEqual([1, 2, 3, 4, 11, 12, 21, 112].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"]);
});

test("a filter refuses an ambiguous name with its candidates, and finds words of notes", () => {
  const names = ["qk_distance", "qk_distance_variance", "entropy"];
  assert.match(rowFilter("qk<1", names).error ?? "", /qk may be qk_distance or qk_distance_variance/);
  assert.equal(rowFilter("qk_distance<1", names).error, undefined);
  const noted = rowFilter("#induct", names, (row) => ({ name: row.head === 1 ? "Induction" : "", text: "" }));
  assert.deepEqual([0, 1].map((head) => noted.test({ layer: 0, head })), [false, true]);
});

test("scenes stand side by side and figures have a title and a caption in lines", () => {
  const scene = { width: 100, height: 40, marks: [{ kind: "line", points: [0, 0, 1, 2] }, { kind: "curve", from: [0, 0], over: [1, 1], to: [2, 2] }] };
  const both = sideBySide([scene, scene], 10);
  assert.deepEqual([both.width, both.height, both.marks[2].points, both.marks[3].to], [210, 40, [110, 0, 111, 2], [112, 2]]);
  assert.deepEqual(wrapped("one two three", 8), ["one two", "three"]);
  const figure = figureScene(scene, { title: "T", caption: "one two three four five", ink: "#000" });
  assert.ok(figure.height > 40 + 24 && figure.marks[0].text === "T" && figure.marks[1].points[1] === 24);
});
