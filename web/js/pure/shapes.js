// SPDX-License-Identifier: Apache-2.0
// The shapes of a tree's files, as far as the page reads them. What a file holds is checked where it is read.

/**
 * @typedef {{[key: string]: unknown}} Loose an object of JSON of which nothing is known yet
 * @typedef {Loose | null} Parsed what a file of JSON holds, before it is looked at; of a list the keys are numbers
 * @typedef {{layer: number, head: number}} Address
 * @typedef {{seq: string, q: number, k: number}} Edge a query and a key of a sequence
 * @typedef {Address & {[metric: string]: number | Record<string, number> | undefined, standard_errors?: Record<string, number>}} Row
 *   a head's row of scatter_data.json, with its standard errors where the tree has some
 * @typedef {{token: string, weight: number}} Weighted a token of the vocabulary and how much it counts
 * @typedef {{sequence_id: number | string, interval?: number, tokens: string[], attention_indices: number[],
 *   attention_values: number[], seq_len: number, max_activation: number}} SequenceRecord a sequence of a head's file
 * @typedef {{d0: number, d1: number, d2?: number} | number[]} PlaceRecord
 * @typedef {{seq_idx: string | number, top_q: number, top_k: number, norm?: number, tokens?: string[],
 *   pca?: Record<string, PlaceRecord>, umap_views?: Record<string, PlaceRecord>[]}} ProjectedRecord a projected point of a cloud
 */

export {};
