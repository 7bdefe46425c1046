// SPDX-License-Identifier: Apache-2.0
// The clusters of the open head: changed, taken back, saved with what they build on, merged with what others saved.

import { mergeClusters, readClusters } from "../pure/clusters.js";

/**
 * @typedef {import("../pure/clusters.js").Cluster} Cluster
 * @typedef {{state: "none" | "saving" | "saved" | "kept" | "failed", words: string}} Saved how far what was changed is from
 *   being on the disk
 */

/**
 * `changed()` hears that clusters or the state of saving are others. What is not saved yet outlives a reload.
 * @param {import("../core/app.js").App} app
 * @param {() => void} changed
 */
export function createClusterStore(app, changed) {
  const { backend, store, tree } = app;
  /** @type {Cluster[]} */
  let base = []; // as they were on the disk when `version` was
  /** @type {unknown} as the backend calls it, to whom it is sent back */
  let version;
  /** @type {Cluster[] | null} */
  let before = null; // what Undo goes back to
  let of = { layer: -1, head: -1 };
  let sending = false;

  const keeper = {
    clusters: /** @type {Cluster[]} */ ([]),
    saved: /** @type {Saved} */ ({ state: "none", words: "" }),
    get canUndo() {
      return before !== null;
    },

    /**
     * Takes over what a head's file has, and what of this head was not saved yet.
     * @param {unknown} stored
     * @param {string | undefined} at
     */
    open(stored, at) {
      of = { layer: store.state.layer, head: store.state.head };
      base = readClusters(stored);
      version = at;
      before = null;
      keeper.saved = { state: "none", words: "" };
      const mine = recall(keyOf());
      keeper.clusters = mine ? mergeClusters(mine.base, mine.clusters, base) : base;
      if (mine && backend) keeper.saved = { state: "failed", words: "Not saved yet: changes from before the page was loaded." };
    },
    /**
     * Changes the clusters; `words` say what was done.
     * @param {Cluster[]} next
     * @param {string} words
     */
    change(next, words) {
      before = keeper.clusters;
      return put(next, words);
    },
    undo() {
      if (!before) return;
      const back = before;
      before = null;
      put(back, "Taken back.");
    },
    retry: () => save(""),
    /** Reads what others may have saved meanwhile. */
    async refresh() {
      if (sending || keeper.saved.state === "failed") return;
      const here = { ...of };
      const now = await tree.clusters(here.layer, here.head).catch(() => null);
      if (!now || now.version === version || sending || here.layer !== of.layer || here.head !== of.head) return;
      base = keeper.clusters = readClusters(now.clusters);
      version = now.version;
      before = null;
      say("saved", "Saved elsewhere meanwhile; these are the clusters now.");
    },
  };

  const keyOf = () => `headvis clusters ${tree.base} L${of.layer}H${of.head}`;
  /**
   * @param {Saved["state"]} state
   * @param {string} words
   */
  function say(state, words) {
    keeper.saved = { state, words };
    changed();
  }

  /**
   * @param {Cluster[]} next
   * @param {string} words
   */
  function put(next, words) {
    keeper.clusters = next;
    const isRemembered = remember(keyOf(), { base, clusters: next });
    if (backend) return save(words);
    return say("kept", isRemembered
      ? `${words} Kept for this visit; export it to keep it longer.`
      : `${words} Kept until the page is closed; export it to keep it longer.`);
  }

  /** @param {string} words */
  async function save(words) {
    if (!backend) return;
    if (sending) return say("saving", `${words} Saving …`); // what is there when it has ended is sent then
    sending = true;
    const [sent, head, key] = [keeper.clusters, { ...of }, keyOf()];
    say("saving", `${words} Saving …`);
    const isHere = () => head.layer === of.layer && head.head === of.head;
    try {
      const answer = await backend.call("save_umap_clusters", { ...head, clusters: sent, base: version });
      sending = false;
      if (JSON.stringify(recall(key)?.clusters) === JSON.stringify(sent)) forget(key);
      if (!isHere()) return saveWaiting();
      base = sent;
      version = answer.version;
      if (keeper.clusters === sent) say("saved", `${words} Saved.`);
      else save("");
    } catch (error) {
      sending = false;
      if (!isHere()) return saveWaiting();
      if (error.status !== 409) return say("failed", `Not saved: ${error.message}`);
      merge(error.answer, words);
    }
  }

  /** Sends what was changed of the open head while a save of another one was on its way. */
  function saveWaiting() {
    if (recall(keyOf())) save("");
  }

  /**
   * Somebody else saved meanwhile: both sides' changes count.
   * @param {{clusters: unknown, version: string}} there
   * @param {string} words
   */
  function merge(there, words) {
    const theirs = readClusters(there.clusters);
    keeper.clusters = mergeClusters(base, keeper.clusters, theirs);
    base = theirs;
    version = there.version;
    before = null;
    remember(keyOf(), { base, clusters: keeper.clusters });
    save(`${words} Merged with what somebody else saved meanwhile.`);
  }

  app.on(["backendGone"], () => !store.state.backendGone && keeper.saved.state === "failed" && save(""));
  return keeper;
}

/**
 * @param {string} key
 * @param {{base: Cluster[], clusters: Cluster[]}} value
 */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** @param {string} key */
function recall(key) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
    return kept && { base: readClusters(kept.base), clusters: readClusters(kept.clusters) };
  } catch {
    return null;
  }
}

/** @param {string} key */
function forget(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing is kept where nothing can be.
  }
}
