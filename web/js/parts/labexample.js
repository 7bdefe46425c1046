// SPDX-License-Identifier: Apache-2.0
// Examples of the lab's questions for the open head.

import { exampleOf } from "../pure/lab.js";

/**
 * The example of a kind for the open head; of virtual weights with a feature that its stored attributions found, where there
 * are some: the first of a dictionary may stand for nothing.
 * @param {import("../core/app.js").App} app
 * @param {string} kind
 */
export async function exampleFor(app, kind) {
  const { layer, head } = app.store.state;
  const example = exampleOf(kind, { layer, head });
  if (kind !== "virtual") return example;
  const feature = await usedFeature(app).catch(() => null);
  return feature === null ? example : { ...example, feature };
}

/**
 * The feature at the query of the strongest pair of a stored edge; null where the tree has none.
 * @param {import("../core/app.js").App} app
 * @returns {Promise<number | null>}
 */
async function usedFeature({ tree, store }) {
  const { layer, head } = store.state;
  const edge = tree.firstCached("qk", layer, head);
  const answer = /** @type {{pairs?: {query_feature?: unknown}[]} | null} */ (edge && await tree.attribution("qk", layer, head, edge));
  const feature = answer?.pairs?.[0]?.query_feature;
  return typeof feature === "number" && Number.isInteger(feature) && feature >= 0 ? feature : null;
}
