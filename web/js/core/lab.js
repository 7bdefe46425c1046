// SPDX-License-Identifier: Apache-2.0
// Questions to the backend and their stored answers.

import { readManifest } from "../pure/lab.js";
import { readJson } from "./json.js";

const POLL_MS = 700;

/** @param {import("./app.js").App} app */
export function createLabClient({ tree, backend }) {
  const asking = () => {
    if (!backend) throw new Error("A question needs a backend; stored answers can be read without: run serve.");
    return backend;
  };
  const read = (path) => readJson(new URL(path, tree.base).href, path, { cache: "no-cache" });
  return {
    /** The answers that the tree lists; none where it has no lab. */
    async list() {
      try {
        return readManifest(await read("lab/manifest.json"));
      } catch (error) {
        if (error.missing) return [];
        throw error;
      }
    },

    /** A stored answer {id, question, answer}. */
    stored: (id) => read(`lab/${id}.json`),

    /** Asks the backend. */
    ask: async (question, signal) => asking().call("ask_head", question, signal),

    /** Runs a file of questions as a job; `tell` gets its state until it ends. */
    async job(questions, tell) {
      let state = await asking().call("start_lab_job", { questions });
      tell(state);
      while (state.state === "running") {
        await new Promise((done) => setTimeout(done, POLL_MS));
        state = await asking().call("lab_job", { job: state.job });
        tell(state);
      }
      return state;
    },

    cancel: async (job) => asking().call("cancel_lab_job", { job }),
  };
}
