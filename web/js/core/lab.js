// SPDX-License-Identifier: Apache-2.0
// Questions to the backend and their stored answers.

import { readManifest } from "../pure/lab.js";
import { readJson } from "./json.js";

const POLL_MS = 700;

/**
 * @typedef {import("../pure/lab.js").Question} Question
 * @typedef {{job: string, state: string, done: number, total: number, prompts: [number, number], answers: unknown[],
 *   failures: {question: number, detail: string}[]}} Job
 */

/** @param {import("./app.js").App} app */
export function createLabClient({ tree, backend }) {
  const asking = () => {
    if (!backend) throw new Error("A question needs a backend; stored answers can be read without: run serve.");
    return backend;
  };
  const read = (/** @type {string} */ path) => readJson(new URL(path, tree.base).href, path, { cache: "no-cache" });
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
    stored: (/** @type {string} */ id) => read(`lab/${id}.json`),

    /**
     * Asks the backend.
     * @param {Question} question
     * @param {AbortSignal} [signal]
     */
    ask: async (question, signal) => asking().call("ask_head", question, signal),

    /**
     * Runs a file of questions as a job; `tell` gets its state until it ends.
     * @param {Question[]} questions
     * @param {(job: Job) => void} tell
     */
    async job(questions, tell) {
      /** @type {Job} */
      let state = await asking().call("start_lab_job", { questions });
      tell(state);
      while (state.state === "running") {
        await new Promise((done) => setTimeout(done, POLL_MS));
        state = await asking().call("lab_job", { job: state.job });
        tell(state);
      }
      return state;
    },

    cancel: async (/** @type {string} */ job) => asking().call("cancel_lab_job", { job }),
  };
}
