// SPDX-License-Identifier: Apache-2.0
// What a tree tells of heads and each other, with what is malformed left out: who reads whom, who attends alike, maps.

import { address } from "./format.js";

/** What a head reads with, and what it is called. */
export const SIDES = [["q", "query"], ["k", "key"], ["v", "value"]];
/** Standard deviations above unrelated heads from which a composition stands out. */
export const STANDS_OUT = 3;

/**
 * @typedef {{layer: number, head: number, score: number, deviations: number}} Partner
 * @typedef {Record<string, Partner[]>} Sides by q, k and v
 * @typedef {{chance: number, reads_from: Sides, read_by: Sides}} Composition
 */

const isHead = (h) => h && Number.isInteger(h.layer) && Number.isInteger(h.head);

/**
 * A head file's `composition`; null where there is none.
 * @returns {Composition | null}
 */
export function readComposition(value) {
  if (!value || typeof value !== "object" || !Number.isFinite(value.chance)) return null;
  const partners = (list) => (Array.isArray(list)
    ? list.filter((p) => isHead(p) && Number.isFinite(p.score) && Number.isFinite(p.deviations)) : []);
  const sides = (group) => Object.fromEntries(SIDES.map(([side]) => [side, partners(group?.[side])]));
  return { chance: value.chance, reads_from: sides(value.reads_from), read_by: sides(value.read_by) };
}

/**
 * The first partners on each side that stand out from unrelated heads, as lines between two heads.
 * @param {Composition} composition
 * @param {{layer: number, head: number}} open
 */
export function standingOut(composition, open, each = Infinity) {
  return SIDES.flatMap(([side]) => ["reads_from", "read_by"].flatMap((direction) => (
    composition[direction][side].filter((p) => p.deviations >= STANDS_OUT).slice(0, each).map((partner) => ({
      side, partner, score: partner.score,
      from: direction === "reads_from" ? partner : open, to: direction === "reads_from" ? open : partner,
    })))));
}

/**
 * A head file's `similar`.
 * @returns {{layer: number, head: number, likeness: number, standard_error: number | null}[]}
 */
export function readSimilar(value) {
  return (Array.isArray(value) ? value : []).filter((h) => isHead(h) && h.likeness >= 0 && h.likeness <= 1)
    .map((h) => ({ ...h, standard_error: Number.isFinite(h.standard_error) ? h.standard_error : null }));
}

/**
 * The maps of head_map.json: where each head lies, by its address.
 * @returns {{name: string, about: string, weights: number[], places: Map<string, [number, number]>}[]}
 */
export function readHeadMaps(value) {
  const heads = Array.isArray(value?.heads) ? value.heads : [];
  return (Array.isArray(value?.maps) ? value.maps : []).filter((m) => typeof m?.name === "string" && Array.isArray(m.coordinates))
    .map((m) => ({
      name: m.name, about: String(m.about ?? ""), weights: (Array.isArray(m.weights) ? m.weights : []).filter(Number.isFinite),
      places: new Map(heads.flatMap((head, i) => {
        const [x, y] = m.coordinates[i] ?? [];
        return Array.isArray(head) && Number.isFinite(x) && Number.isFinite(y) ? [[address(head[0], head[1]), [x, y]]] : [];
      })),
    }))
    .filter((m) => m.places.size > 1);
}
