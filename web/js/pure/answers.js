// SPDX-License-Identifier: Apache-2.0
// The shapes of the lab's answers, as far as the page reads them.

/**
 * @typedef {{position: number, text: string}} Place a token of the prompt
 * @typedef {{kind: string, layer?: number | null, head?: number | null, value: number,
 *   keys?: {position: number, attention: number, value: number}[]}} Part a component of a sum; a head's by the keys it came from
 * @typedef {{total: number, parts: Part[]}} Side of an edge: what adds up to the score there
 * @typedef {{tokens: string[], query: Place, key: Place, score: number, attention: number, key_side: Side,
 *   query_side: Side}} Sources
 * @typedef {{tokens: string[], queries: Place[], keys: Place[], heads: {layer: number, head: number, attention: number}[]}} Rank
 * @typedef {{text: string, logit: number, by_key?: number[]}} Raised a token and how far its logit moves
 * @typedef {{promotes: Raised[], suppresses: Raised[]}} Raises
 * @typedef {{query: Place, keys: (Place & {attention: number, written: Raises})[], total: Raises}} Writes
 * @typedef {{value: string, tokens: string[], query: Place, key: Place, attention: number, score?: number | null}} Swept the edge
 *   with a value in the slot; no score where the query does not see the key
 * @typedef {{rows: Swept[], several_tokens: number}} Sweep
 * @typedef {{token: Place, attention: number, score?: number | null}} Weighed a key as a query sees it
 * @typedef {{offset: number, before?: Weighed | null, after?: Weighed | null}} Swapped
 * @typedef {Record<`${"own" | "other"}_query_${"own" | "other"}_key`, number>} Crossed scores of both queries with both keys
 * @typedef {{query: Place, key: Place, turned: boolean, row: Swapped[], crossed?: Crossed | null}} Swap
 * @typedef {{positive: number, count: number, mean: number, low: number, high: number, p: number}} Difference of A and B
 * @typedef {{text: string, label?: string | null, query: Place, a: Weighed, b: Weighed}} Tested a prompt
 * @typedef {{attention: Difference, score?: Difference | null, labels: {label: string, attention: Difference}[],
 *   rows: Tested[]}} Test
 * @typedef {{values: number[][], row_means: number[], column_means: number[]}} Matrix
 * @typedef {Matrix & {diagonal_mean?: number | null, other_mean?: number | null}} Square
 * @typedef {{queries: Place[], keys: Place[], scores: Square, cosines: Square}} Geometry
 * @typedef {{feature: number, value: number, deviations: number}} Joined a feature and how much the weights join it
 * @typedef {{feature: Joined, highest: Joined[], lowest: Joined[], chance: number, promotes?: Raised[],
 *   suppresses?: Raised[]}} Virtual
 */

export {};
