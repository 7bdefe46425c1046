// SPDX-License-Identifier: Apache-2.0
// Writes a synthetic data/ tree for the browser tests: `node fixture-tree.mjs OUT [--layers 2 --heads 4
// --sequences 40 --length 96 --points 600 --files 4 --intervals 10
// --odd --stored]`. --stored: with attributions of some edges. --files: how many heads get a payload
// file of their own (the others share its shape only in scatter_data.json).

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A small seeded generator (mulberry32), so that equal calls write equal trees. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const WORDS = "the of and to in a is that for it was on with as be by at from his an were are which this have or had not but what all their when who said there been has would will more no if out so up into them than some could these two may then do first any my now such like our over man me even most made after also did many before must through back years where much your way well down should because each just those people how too little state good very make world still own see men work long here get both between life being under never day same another know while last might us great old year off come since against go came right used take three".split(" ");
const METRICS = [
  "self_attention_score", "previous_token_score", "pattern_entropy", "qk_distance", "qk_distance_variance",
  "induction_score", "logit_std", "top_logit_margin", "logit_z_score", "query_token_entropy", "key_token_entropy",
];
const HOSTILE = [
  "<img src=x onerror=alert(1)>", "</span><script>alert(2)</script>", "\"><b>", "&amp;", "\n", "\t", "\u0000",
  "\u202eevil", "😀", "", "javascript:alert(3)",
];

const round = (v) => Math.round(v * 1e4) / 1e4;

function tokensOf(rand, n, odd) {
  const out = [];
  for (let i = 0; i < n; i++) {
    if (odd && rand() < 0.05) out.push(HOSTILE[Math.floor(rand() * HOSTILE.length)]);
    else if (rand() < 0.06) out.push([",", ".", ".\n", ";"][Math.floor(rand() * 4)]);
    else {
      const word = WORDS[Math.floor(WORDS.length * rand() ** 2)];
      out.push(i === 0 ? word[0].toUpperCase() + word.slice(1) : ` ${word}`);
    }
  }
  return out;
}

function sequenceOf(rand, id, interval, n, nIntervals, tokens) {
  const indices = [];
  const values = [];
  let max = 0;
  const strength = interval / nIntervals;
  for (let q = 0; q < n; q++) {
    const keys = new Set([0, q, Math.max(0, q - 1)]);
    while (keys.size < Math.min(8, q + 1)) keys.add(Math.floor(rand() * (q + 1)));
    let left = 1;
    for (const k of [...keys].sort((a, b) => a - b)) {
      const share = k === 0 && q > 0 ? 0.5 + 0.3 * rand() : rand() ** 3 * strength;
      const value = round(Math.min(left, share));
      left -= value;
      if (value < 0.005) continue;
      indices.push(q * n + k);
      values.push(value);
      if (q > 0 && k > 0) max = Math.max(max, value);
    }
  }
  return {
    sequence_id: id, interval, tokens, attention_indices: indices, attention_values: values, seq_len: n,
    max_activation: max,
  };
}

const table = (rand) => Array.from(
  { length: 20 }, (_, i) => ({ token: ` ${WORDS[Math.floor(rand() * 80)]}`, weight: round(40 / (i + 1) + rand()) }),
);

function payload(rand, { sequences, length, nIntervals, odd, pool }) {
  const per = Math.max(1, Math.round(sequences / nIntervals));
  const list = [];
  for (let interval = nIntervals; interval >= 1; interval--) {
    for (let i = 0; i < per; i++) {
      const id = Math.floor(rand() * pool.length);
      list.push(sequenceOf(rand, id * 100 + interval * 7 + i, interval, length, nIntervals, pool[id]));
    }
  }
  const edges = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
  const statistics = { sequences: 1000, bos_mass: round(0.4 + 0.3 * rand()), bos_mass_se: round(0.01 * rand()) };
  for (const m of METRICS) statistics[`${m}_se`] = round(0.02 * rand());
  return {
    sequences: list,
    qk_distance_histogram: {
      bin_edges: edges, bin_values: edges.slice(1).map((e) => Math.round(4000 / Math.sqrt(e) * rand())),
    },
    top_query_tokens: table(rand), top_key_tokens: table(rand),
    histogram: {
      bin_edges: Array.from({ length: 21 }, (_, i) => round(i / 20)),
      bin_values: Array.from({ length: 20 }, (_, i) => Math.round(400 * Math.exp(-i / 5) * rand())),
    },
    statistics,
    ...(odd ? { something_new: { deep: [1, 2, 3] } } : {}),
  };
}

const axes = (rand, n, shape) => {
  const out = { d0: [], d1: [], d2: [] };
  for (let i = 0; i < n; i++) {
    const c = i % 5;
    out.d0.push(round(Math.cos(c * 1.3 + shape) * 4 + rand() * 2 - 1));
    out.d1.push(round(Math.sin(c * 1.3 + shape) * 4 + rand() * 2 - 1));
    out.d2.push(round(c - 2 + rand() * 2));
  }
  return out;
};

function cloudOf(rand, points, length, poolSize, umap) {
  const spaces = () => Object.fromEntries(["Q", "K", "V", "O"].map((s, i) => [s, axes(rand, points, i)]));
  const top_q = Array.from({ length: points }, () => 1 + Math.floor(rand() * (length - 1)));
  return {
    seq_idx: Array.from({ length: points }, () => Math.floor(rand() * poolSize)),
    top_q, top_k: top_q.map((q) => Math.max(1, Math.floor(q * rand()))),
    norms: Array.from({ length: points }, () => round(5 + 10 * rand())),
    pca: spaces(),
    pca_explained_variance: Object.fromEntries(["Q", "K", "V", "O"].map((s) => [s, [0.25, 0.125, 0.0625]])),
    ...(umap ? { views: [
      { n_neighbors: 15, min_dist: 0.1, embeddings: spaces() },
      { n_neighbors: 50, min_dist: 0.5, embeddings: spaces() },
    ] } : {}),
    clusters: [], clusters_version: "0", projected_points: [],
  };
}

/** Writes a tree into `out`; see the head of the file for the options. */
export function writeTree(
  out,
  { layers = 2, heads = 4, sequences = 40, length = 96, points = 600, files = 4, odd = false, stored = false, intervals = 10, server = {}, seed = 1 } = {},
) {
  const rand = random(seed);
  const nIntervals = intervals;
  const write = (path, value) => {
    const file = join(out, path);
    if (value !== undefined) writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
    return file;
  };
  for (const folder of ["heads", "umap", "custom_sequences", "prompts", "attributions/qk", "attributions/ov"]) mkdirSync(
    join(out, folder), { recursive: true },
  );
  const all = [];
  for (let l = 0; l < layers; l++) for (let h = 0; h < heads; h++) all.push([l, h]);
  const rows = all.map(([layer, head]) => {
    const row = { layer, head };
    METRICS.forEach((m, i) => {
      row[m] = round(i < 2 || i === 5 ? rand() ** 4 : rand() * (i + 1) * 3);
      row[`${m}_se`] = round(0.02 * rand() * (1 + row[m]));
    });
    return row;
  });
  const pool = Array.from({ length: 60 }, () => tokensOf(rand, length, odd));
  const withFile = all.slice(0, files);
  write("config.json", {
    model_name: odd ? "<b>odd</b>/model" : "synthetic/model", heads: all, n_layers: layers, n_heads: heads, n_intervals: nIntervals, metrics: METRICS,
    metric_descriptions: Object.fromEntries(METRICS.map((m) => [
      m, `What ${m.replaceAll("_", " ")} measures, in a sentence or two.`,
    ])),
    head_data_pattern: "L{layer}H{head}.json", has_umap: points > 0, umap_heads: points > 0 ? withFile : [],
    custom_plots: [{
      key: "qk_distance_histogram", label: "Distance between query and key",
      description: "Counts of |q - k| over the stored pairs.", x_format: "integer",
    }],
    custom_tables: [
      { key: "top_query_tokens", label: "Top query tokens", max_rows: 15 },
      { key: "top_key_tokens", label: "Top key tokens", description: "By attention mass.", max_rows: 15 },
    ],
    statistics_display: {
      sequences: { label: "Sequences walked", format: "integer" },
      bos_mass: { label: "Attention to position 0", format: "percent" },
    },
    scatter: {
      default_x: "qk_distance", default_y: "induction_score", default_color: "pattern_entropy",
      discrete_axes: ["layer", "head"],
    },
    ...(odd ? {} : { people_files: ["prompts/index.json", "notes.json"], has_head_map: true }),
    pipeline_config: { seed, sequences }, ...(odd ? { unknown_key: [1] } : {}),
  });
  write("scatter_data.json", rows);
  write("server_config.json", server);
  withFile.forEach(([l, h], i) => {
    const file = JSON.stringify(payload(rand, { sequences, length, nIntervals, odd, pool }));
    write(`heads/L${l}H${h}.json`, odd && i === 1 ? file.slice(0, file.length / 2) : file);
    if (points > 0) write(`umap/L${l}H${h}.json`, cloudOf(rand, points, length, pool.length, i % 2 === 0));
  });
  if (!odd) { // what the pipeline always writes; an odd tree does without
    write("attributions/manifest.json", {});
    write("scatter_errors.json", []);
    write("prompts/index.json", { prompts: [] });
    write("notes.json", {});
    write("head_map.json", { heads: all, maps: ["likeness", "composition"].map((name, m) => ({
      name, about: `Near are heads of the same ${name}.`, weights: [0.4, 0.2, 0.1],
      coordinates: all.map(([l, h]) => [round(Math.cos(l + m) + rand()), round(Math.sin(h + m) + rand()), rand()]),
    })) });
  }
  if (stored) writeAttributions(write);
  if (points > 0) write("umap/sequences.json", Object.fromEntries(pool.map((tokens, i) => [i, tokens])));
  return { all, pool };
}

/** Stored answers for two edges of the strongest sequence of L0H0. */
function writeAttributions(write) {
  const head = JSON.parse(readFileSync(write("heads/L0H0.json"), "utf8"));
  const [first] = head.sequences.filter((s) => s.interval === 10).sort((a, b) => b.max_activation - a.max_activation);
  const edges = [[12, 5], [20, 11]];
  for (const kind of ["qk", "ov"]) for (const [q, k] of edges) write(
    `attributions/${kind}/L0H0S${first.sequence_id}Q${q}K${k}.json`, attributionAnswer(q, { kind }),
  );
  write("attributions/manifest.json", { [`L0H0S${first.sequence_id}`]: { qk: edges, ov: edges } });
}

const KINDS = ["features", "bias", "error", "head bias"];

/** A made-up attribution answer with `count` pairs; `full` has what a backend may add to the contract's keys. */
export function attributionAnswer(seed = 1, { count = 12, kind = "qk", full = true } = {}) {
  const rand = random(seed);
  const snippets = () => Array.from(
    { length: 8 },
    (_, i) => ({
      tokens: tokensOf(rand, 60, i === 0),
      activations: Array.from({ length: 60 }, () => (rand() < 0.06 ? round(8 * rand()) : 0)), interval: 10 - (i >> 2),
    }),
  );
  const word = () => `about “${WORDS[Math.floor(rand() * WORDS.length)]}”`;
  const extra = (value) => (full ? value : {});
  const pairs = Array.from({ length: count }, (_, i) => ({
    query_feature: 100 + i, key_feature: 900 + i, attribution: round((i % 3 === 2 ? -1 : 1) * (2 / (i + 1))),
    query_description: word(), key_description: i === 0 ? "<img src=x onerror=alert(9)>" : word(),
    query_snippets: snippets(), key_snippets: snippets(),
    ...extra({ query_activation: round(9 / (i + 1)), key_activation: round(4 / (i + 1)) }),
  }));
  const rows = (length, feature, value) => Array.from({ length }, (_, i) => ({
    ...extra({ feature: feature + i }), description: i === 2 ? "" : word(), snippets: snippets(), ...value(i),
    top_interactions: Array.from({ length: 3 }, (_, j) => ({
      ...extra({ feature: 500 + j }), description: word(), pairwise_score: round(rand() - 0.3), snippets: snippets(),
    })),
  }));
  const marginal = (i) => ({ marginal_score: round(1 / (i + 1)) });
  const answer = { pairs, query_marginals: rows(4, 100, marginal), key_marginals: rows(4, 900, marginal) };
  if (!full) return answer;
  const error_terms = KINDS.flatMap((query) => KINDS.map((key) => ({ query, key })))
    .filter(({ query, key }) => query !== "features" || key !== "features")
    .map((term) => ({ ...term, value: round((rand() - 0.4) * (term.query === "error" ? 0.4 : 1.2)) }));
  const explained = round(pairs.reduce((sum, pair) => sum + pair.attribution, 0) + 0.25);
  return {
    ...answer, explained, error_terms, score: round(explained + error_terms.reduce((sum, term) => sum + term.value, 0)),
    attention: 0.4321, dictionary: { name: "synthetic-dictionary", features: 4096, layer: 0 },
    ...(kind === "ov" ? { writes: rows(5, 2000, (i) => ({ marginal_score: round((i % 2 ? -1 : 1) * (3 / (i + 1))), activation: i % 2 ? 0 : 1.25 })), written_features: rows(4, 3000, (i) => ({ head_score: round(2 / (i + 1)), activation: 1.5, top_keys: [{ key: 11, score: 1 }, { key: 0, score: -0.5 }] })) } : {}),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [out, ...rest] = process.argv.slice(2);
  const options = {};
  for (let i = 0; i < rest.length; i++) {
    const key = rest[i].replace(/^--/, "");
    const next = rest[i + 1];
    if (next === undefined || next.startsWith("--")) options[key] = true;
    else options[key] = Number(rest[++i]);
  }
  writeTree(out, options);
}
