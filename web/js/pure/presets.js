// SPDX-License-Identifier: Apache-2.0
// Kinds of heads that papers name, as views of the metrics: axes, colour, order, and what the numbers mean.

import { valueOf } from "./rank.js";

/**
 * `score` is the metric that names a head of the kind, the first of several that the tree has; `small` where small values
 * do. `x`, `y` and `color` are tried in order too. `says` tells in two sentences what the numbers mean and when they mislead.
 * @typedef {{key: string, label: string, score: string[], small?: boolean, x: string[], y: string[], color: string[],
 *   says: string, source: string}} Preset
 */

/** @type {Preset[]} */
const PRESETS = [
  {
    key: "previous", label: "previous token", score: ["previous_token_score"], x: ["previous_token_score"],
    y: ["induction_score", "self_attention_score"], color: ["layer"],
    says: "Attention to the token right before, on average. A head of one fixed offset scores high whatever it is for, and "
      + "text with many short words raises the score of heads that look a few tokens back.",
    source: "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
  },
  {
    key: "induction", label: "induction", score: ["prefix_matching_score", "induction_score"],
    x: ["prefix_matching_score", "induction_score"], y: ["repeat_copying", "copying_score", "induction_score"], color: ["layer"],
    says: "Attention to the token that followed an earlier occurrence of this one; an induction head also raises that token's logit. "
      + "On natural text repeats are not random, so a head that likes frequent words can score without matching any prefix.",
    source: "Olsson et al. 2022, In-context Learning and Induction Heads",
  },
  {
    key: "duplicate", label: "duplicate token", score: ["duplicate_token_score"], x: ["duplicate_token_score"],
    y: ["induction_score"], color: ["layer"],
    says: "Attention to earlier occurrences of the same token. Punctuation and articles repeat most, so look at which tokens carry it.",
    source: "Wang et al. 2022, Interpretability in the Wild",
  },
  {
    key: "copying", label: "copying", score: ["copying_score"], x: ["copying_score"], y: ["attended_logit", "induction_score"],
    color: ["layer"],
    says: "Eigenvalues of the whole OV circuit: near 1, a token that is attended to raises its own logit. It is from weights "
      + "alone: it says what the head would copy, not that it attends to anything worth copying.",
    source: "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
  },
  {
    key: "suppression", label: "copy suppression", score: ["attended_logit", "copying_score"], small: true,
    x: ["copying_score"], y: ["attended_logit", "qk_matching_score"], color: ["layer"],
    says: "What the head writes lowers the logit of the very token it attends to. Negative eigenvalues from weights alone also "
      + "come from heads that rest, so read them with the patterns.",
    source: "McDougall et al. 2023, Copy Suppression",
  },
  {
    key: "sink", label: "sink", score: ["sink_rate", "sink_score"], x: ["sink_rate", "sink_score"], y: ["output_norm", "pattern_entropy"],
    color: ["layer"],
    says: "Attention parked on position 0, where most heads rest when they have nothing to do. A head can rest most of the time and "
      + "still decide the few tokens it is for.",
    source: "Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
  },
  {
    key: "local", label: "local", score: ["local_share", "qk_distance"], x: ["local_share", "qk_distance"],
    y: ["qk_distance_variance"], color: ["layer"],
    says: "Attention that stays within a few tokens. Short sequences make every head look local, and the sink counts as distance.",
    source: "Clark et al. 2019, What Does BERT Look At?",
  },
  {
    key: "positional", label: "positional", score: ["qk_distance_variance"], small: true, x: ["qk_distance_variance"],
    y: ["key_token_entropy"], color: ["previous_token_score"],
    says: "The same offset whatever the tokens: distances that hardly vary, over keys of many kinds. A head that always attends to "
      + "itself or to position 0 varies little too.",
    source: "Voita et al. 2019, Analyzing Multi-Head Self-Attention",
  },
  {
    key: "inactive", label: "inactive", score: ["output_norm"], small: true, x: ["output_norm"], y: ["sink_rate", "sink_score"],
    color: ["layer"],
    says: "What the head adds to the residual stream is small beside what the heads of its layer add. Small on this corpus is not "
      + "small on every text.",
    source: "Sandoval-Segura et al. 2025, arXiv 2504.03889",
  },
];

/**
 * The first of some columns that there is; null for none.
 * @param {string[]} wanted
 * @param {string[]} axes
 */
const first = (wanted, axes) => wanted.find((name) => axes.includes(name)) ?? null;

/**
 * The presets a tree has the metrics for, each with the columns it uses: {preset, score, small, x, y, color}.
 * @param {string[]} axes
 */
export function presetsOf(axes) {
  return PRESETS.flatMap((preset) => {
    const [score, x, y, color] = [preset.score, preset.x, preset.y, preset.color].map((wanted) => first(wanted, axes));
    if (!score || !x || !y) return [];
    // The distance of a local head is small where the tree has no share.
    const small = Boolean(preset.small) || (preset.key === "local" && score === "qk_distance");
    return [{ preset, score, small, x, y: y === x ? first(axes.filter((a) => a !== x), axes) ?? y : y, color }];
  });
}

const [SHARE, MOST] = [0.05, 10]; // of the heads, those that stand out: the first 5 %, at most ten

/**
 * The presets in which a row stands out: [{preset, rank, of}], the best rank first.
 * @param {import("./shapes.js").Row[]} rows
 * @param {import("./shapes.js").Row} row
 * @param {string[]} axes
 */
export function standsOut(rows, row, axes) {
  return presetsOf(axes).flatMap(({ preset, score, small }) => {
    const value = valueOf(row, score);
    if (value === null || (preset.key === "suppression" && value >= 0)) return [];
    const others = rows.flatMap((r) => valueOf(r, score) ?? []);
    const rank = 1 + others.filter((v) => (small ? v < value : v > value)).length;
    return rank <= Math.min(MOST, Math.ceil(SHARE * others.length)) ? [{ preset, rank, of: others.length }] : [];
  }).sort((a, b) => a.rank - b.rank);
}

/**
 * "1st", "2nd", "23rd".
 * @param {number} n
 */
export function ordinal(n) {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${teen ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th"}`;
}
