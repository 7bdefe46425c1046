// SPDX-License-Identifier: Apache-2.0
// What a tree tells of heads and each other, with what is malformed left out: who reads whom, who attends alike, maps.

import { address } from "./format.js";

/** What a head reads with, and what it is called. */
export const SIDES = [["q", "query"], ["k", "key"], ["v", "value"]];
/** Standard deviations above unrelated heads from which a composition stands out. */
export const STANDS_OUT = 3;

/**
 * @typedef {{value: number, chance: number, deviations: number}} Kernel of what is written and what is read
 * @typedef {{layer: number, head: number, score: number, deviations: number, kernel: Kernel | null}} Partner
 * @typedef {Record<string, Partner[]>} Sides by q, k and v
 * @typedef {{chance: number, reads_from: Sides, read_by: Sides}} Composition
 */

/** @typedef {import("./shapes.js").Loose} Loose */

/**
 * The objects of a list that name a head.
 * @param {unknown} value
 * @returns {(Loose & import("./shapes.js").Address)[]}
 */
const headsIn = (value) => (Array.isArray(value) ? value.filter(isHead) : []);
const isHead = (/** @type {Loose | null} */ h) => h && Number.isInteger(h.layer) && Number.isInteger(h.head);

/**
 * The tokens of a list that have a weight.
 * @param {unknown} value
 * @returns {import("./shapes.js").Weighted[]}
 */
export const tokensIn = (value) => (Array.isArray(value)
  ? value.filter((t) => typeof t?.token === "string" && Number.isFinite(t.weight)) : []);

/**
 * A head file's `composition`; null where there is none.
 * @param {unknown} value
 * @returns {Composition | null}
 */
export function readComposition(value) {
  const { chance, reads_from, read_by } = /** @type {Loose} */ (value ?? {});
  if (typeof chance !== "number" || !Number.isFinite(chance)) return null;
  /** @type {(list: unknown) => Partner[]} */
  const partners = (list) => headsIn(list).flatMap((p) => (Number.isFinite(p.score) && Number.isFinite(p.deviations)
    ? [{ ...p, score: Number(p.score), deviations: Number(p.deviations), kernel: kernelOf(p) }] : []));
  /** @param {unknown} group */
  const sides = (group) => Object.fromEntries(SIDES.map(([side]) => [side, partners(/** @type {Loose | null | undefined} */ (group)?.[side])]));
  return { chance, reads_from: sides(reads_from), read_by: sides(read_by) };
}

/** @type {(partner: Loose) => Kernel | null} */
function kernelOf({ kernel, kernel_chance, kernel_deviations }) {
  const [value, chance, deviations] = [kernel, kernel_chance, kernel_deviations].map((n) => (typeof n === "number" ? n : NaN));
  return [value, chance, deviations].every(Number.isFinite) ? { value, chance, deviations } : null;
}

/**
 * The first partners on each side that stand out from unrelated heads, as lines between two heads.
 * @param {Composition} composition
 * @param {import("./shapes.js").Address} open
 */
export function standingOut(composition, open, each = Infinity) {
  return SIDES.flatMap(([side]) => /** @type {const} */ (["reads_from", "read_by"]).flatMap((direction) => (
    composition[direction][side].filter((p) => p.deviations >= STANDS_OUT).slice(0, each).map((partner) => ({
      side, partner, score: partner.score,
      from: direction === "reads_from" ? partner : open, to: direction === "reads_from" ? open : partner,
    })))));
}

/**
 * A head file's `similar`.
 * @param {unknown} value
 * @returns {{layer: number, head: number, likeness: number, standard_error: number | null}[]}
 */
export function readSimilar(value) {
  return headsIn(value).map((h) => ({ ...h, likeness: Number(h.likeness ?? NaN), standard_error: Number.isFinite(h.standard_error) ? Number(h.standard_error) : null }))
    .filter(({ likeness }) => likeness >= 0 && likeness <= 1);
}

/**
 * A head file's `similar_weights`: heads by the cosines of their circuits.
 * @param {unknown} value
 * @returns {{layer: number, head: number, qk: number, ov: number}[]}
 */
export function readSimilarWeights(value) {
  return headsIn(value).map((h) => ({ ...h, qk: Number(h.qk ?? NaN), ov: Number(h.ov ?? NaN) }))
    .filter(({ qk, ov }) => Math.abs(qk) <= 1.001 && Math.abs(ov) <= 1.001);
}

/**
 * The maps of head_map.json: where each head lies, by its address.
 * @param {unknown} value
 * @returns {{name: string, about: string, weights: number[], places: Map<string, [number, number]>}[]}
 */
export function readHeadMaps(value) {
  const { heads, maps } = /** @type {Loose} */ (value ?? {});
  /** @type {unknown[]} */
  const listed = Array.isArray(heads) ? heads : [];
  /** @type {(Loose | null)[]} */
  const all = Array.isArray(maps) ? maps : [];
  return all.filter((m) => typeof m?.name === "string" && Array.isArray(m.coordinates))
    .map((m) => ({
      name: String(m?.name), about: String(m?.about ?? ""), weights: Array.isArray(m?.weights) ? m?.weights.filter(Number.isFinite) ?? [] : [],
      places: placesOf(listed, /** @type {unknown[]} */ (m?.coordinates)),
    }))
    .filter((m) => m.places.size > 1);
}

/**
 * @param {unknown[]} heads
 * @param {unknown[]} coordinates
 */
function placesOf(heads, coordinates) {
  /** @type {Map<string, [number, number]>} */
  const places = new Map();
  heads.forEach((head, i) => {
    const at = coordinates[i];
    const [x, y] = Array.isArray(at) ? at : [];
    if (Array.isArray(head) && Number.isFinite(x) && Number.isFinite(y)) places.set(address(head[0], head[1]), [x, y]);
  });
  return places;
}
