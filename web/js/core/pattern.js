// SPDX-License-Identifier: Apache-2.0
// What a head does on a sequence that its file does not hold, told by a backend with the model.

import { fromRecord } from "../pure/sequence.js";

/**
 * Whether a backend says that it can run a head on any sequence.
 * @param {import("./app.js").Backend} backend
 * @param {import("./store.js").State} state
 */
export const canRun = (backend, state) => backend !== null && state.backendStatus?.operations?.sequence_pattern === true;

/**
 * The pattern of a head on a sequence; null where no backend can run it.
 * @param {import("./app.js").Backend} backend
 * @param {import("./store.js").State} state
 * @param {import("../pure/shapes.js").Address} head
 * @param {string} id
 * @param {AbortSignal} [signal]
 */
export async function runPattern(backend, state, { layer, head }, id, signal) {
  if (!backend || !canRun(backend, state)) return null;
  return fromRecord(await backend.call("sequence_pattern", { layer, head, seq_idx: id }, signal));
}
