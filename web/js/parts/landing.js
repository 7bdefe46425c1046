// SPDX-License-Identifier: Apache-2.0
// Edges that somebody asked to see in the cloud: found among its points, else placed there by the backend.

/**
 * @typedef {{found_in_cloud: boolean, existing_index?: number, found_in_projected: boolean, projected_index?: number,
 *   point?: import("../pure/shapes.js").ProjectedRecord}} Placed the backend's answer: which point it is, or the new one
 */

/**
 * The point of an edge of the open head, as the cloud's model names it, and a sentence; null with a sentence where it
 * cannot be had. Points the backend places are added to the model.
 * @param {import("../core/app.js").App} app
 * @param {import("./clouds.js").Model} model
 * @param {import("../pure/shapes.js").Edge} edge
 * @returns {Promise<{point: string | null, placed: boolean, words: string}>}
 */
export async function landEdge({ backend, store }, model, edge) {
  const words = `Edge ${edge.q} → ${edge.k} of sequence ${edge.seq}`;
  const found = model.find(edge);
  if (found >= 0) return { point: model.nameOf(found), placed: false, words: "" };
  if (!backend) return {
    point: null, placed: false, words: `${words} is not in the cloud; with serve it can be projected into it.`,
  };
  const { layer, head } = store.state;
  try {
    const body = { layer, head, seq_idx: edge.seq, query_pos: edge.q, key_pos: edge.k };
    const answer = /** @type {Placed} */ (/** @type {unknown} */ (await backend.call("project_to_umap", body)));
    const { projected } = model.cloud;
    if (answer.point) projected.push(answer.point);
    const index = answer.found_in_projected ? answer.projected_index : projected.length - 1;
    return {
      point: answer.found_in_cloud ? String(answer.existing_index) : `p${index}`, placed: Boolean(answer.point),
      words: `${words} is marked.`,
    };
  } catch (error) {
    return { point: null, placed: false, words: error.sentence ?? error.message };
  }
}
