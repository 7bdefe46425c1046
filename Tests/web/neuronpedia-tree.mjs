// SPDX-License-Identifier: Apache-2.0
// Writes a data/ tree of the shape that Neuronpedia exports (utils/neuronpedia-utils/neuronpedia_utils/headvis/
// compute-head-metrics.py in hijohnnylin/neuronpedia): `node neuronpedia-tree.mjs OUT`. Six metrics, five intervals, no
// clouds, no custom sequences, no scatter defaults, plots without a format, a metric that is null for one head.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTree } from "./fixture-tree.mjs";

const METRICS = {
  self_attention_score: "self_attention_score", prev_token_score: "previous_token_score", pattern_entropy: "pattern_entropy",
  qk_distance: "qk_distance", qk_distance_variance: "qk_distance_variance", induction_score: "induction_score",
};

const out = process.argv[2];
const edit = (name, change) => {
  const path = join(out, name);
  writeFileSync(path, `${JSON.stringify(change(JSON.parse(readFileSync(path, "utf8"))))}\n`);
};
const { all } = writeTree(out, { layers: 3, heads: 4, sequences: 22, length: 60, points: 0, files: 12, intervals: 5 });
for (const name of ["umap", "custom_sequences", "attributions/qk", "attributions/ov", "scatter_errors.json"]) {
  rmSync(join(out, name), { recursive: true, force: true });
}
edit("config.json", (config) => ({
  model_name: "google/gemma-3-1b-pt", np_model_id: "gemma-3-1b", dataset_name: "monology/pile-uncopyrighted",
  heads: config.heads, n_layers: 3, n_heads: 4, n_intervals: 5, metrics: Object.keys(METRICS),
  metric_descriptions: Object.fromEntries(Object.keys(METRICS).map((name) => [name, `What ${name} says.`])),
  head_data_pattern: "L{layer}H{head}.json", has_umap: false, umap_heads: [],
  custom_plots: [
    { key: "qk_distance_histogram", label: "Q-K distance" }, { key: "histogram", label: "Activation distribution" },
  ],
  custom_tables: [
    { key: "top_query_tokens", label: "Top query tokens" }, { key: "top_key_tokens", label: "Top key tokens" },
  ],
  statistics_display: {
    n_samples: { label: "Samples kept", format: "default" },
    mean_max_activation: { label: "Mean max activation", format: "default" },
  },
  pipeline_config: { model_name: "google/gemma-3-1b-pt", n_sequences: 4096, seq_len: 512, dtype: "bfloat16", revision: null },
}));
edit("scatter_data.json", (rows) => rows.map(({ layer, head, ...row }, i) => ({
  layer, head, ...Object.fromEntries(Object.entries(METRICS).map(([theirs, ours]) => [theirs, row[ours]])),
  ...(i === 5 ? { induction_score: null } : {}),
})));
for (const [layer, head] of all) edit(`heads/L${layer}H${head}.json`, (data) => ({
  ...data,
  histogram: {
    bin_edges: Array.from({ length: 51 }, (_, i) => Math.round(1e4 * (i / 50)) / 1e4),
    bin_values: Array.from({ length: 50 }, (_, i) => 4096 - 80 * i),
  },
  statistics: { n_samples: data.sequences.length, mean_max_activation: head === 0 ? null : 0.5 },
}));
