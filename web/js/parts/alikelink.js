// SPDX-License-Identifier: Apache-2.0
// The name of a head that does much the same: while an edge is held it opens there, so that both are seen at the same thing.

import { CUSTOM, hasEdge } from "../core/state.js";
import { strongestPair } from "../pure/sequence.js";
import { headLink } from "./headlink.js";

/** @typedef {import("../pure/shapes.js").Address} Address */

/**
 * A link where the tree has the head, its name otherwise.
 * @param {import("../core/app.js").App} app
 * @param {Address} other
 */
export function alikeLink(app, other) {
  return headLink(app, other, async () => {
    const { layer, head } = app.store.state;
    const more = hasEdge(app.store.state) ? await edgeIn(app, other) : {};
    if (layer === app.store.state.layer && head === app.store.state.head) app.goTo(other.layer, other.head, more);
  });
}

/**
 * The state that holds the edge that is held now in another head's sample, or else the strongest edge of that sample; nothing
 * where the head's file cannot be read, which the head then says itself.
 * @param {import("../core/app.js").App} app
 * @param {Address} other
 */
async function edgeIn({ tree, prompts, store: { state } }, other) {
  const held = { seq: state.seq, qpos: state.qpos, kpos: state.kpos, sel: `${state.seq}:${state.qpos}` };
  if (prompts.find(state.seq)) return { ...held, interval: CUSTOM }; // every head was run on it
  const { sequences } = await tree.head(other.layer, other.head).catch(() => ({ sequences: [] }));
  const kept = sequences.find(({ id }) => id === state.seq);
  if (kept) return { ...held, interval: kept.interval };
  for (const sequence of [...sequences].sort((a, b) => b.max - a.max)) {
    const edge = strongestPair(sequence);
    if (edge) return { seq: sequence.id, qpos: edge.q, kpos: edge.k, sel: `${sequence.id}:${edge.q}`, interval: sequence.interval };
  }
  return {};
}
