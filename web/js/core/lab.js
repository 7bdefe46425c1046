// SPDX-License-Identifier: Apache-2.0
// Questions to the backend and their stored answers.

import { readManifest } from "../pure/lab.js";
import { readJson } from "./json.js";

const POLL_MS = 700;
const AWAY_POLLS = 400; // so often a server that is being started anew is asked again

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * @typedef {import("../pure/lab.js").Question} Question
 * @typedef {{job: string, state: string, done: number, total: number, prompts: [number, number], kept: number, away?: boolean, answers: unknown[],
 *   failures: {question: number, detail: string}[]}} Job
 */

/** @param {import("./app.js").App} app */
export function createLabClient({ tree, backend }, { pollMs = POLL_MS } = {}) {
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
     * Runs a file of questions as a job; `tell` gets its state until it ends, with `away` while the server is not there. A
     * server that was started anew gets the questions again and goes on with what is left of them.
     * @param {Question[]} questions
     * @param {(job: Job) => void} tell
     */
    async job(questions, tell) {
      const ask = async (/** @type {string} */ name, /** @type {object} */ body) => /** @type {Job} */ (await asking().call(name, body));
      const begin = () => ask("start_lab_job", { questions });
      let state = await begin();
      let isKnown = true;
      tell(state);
      for (let away = 0; state.state === "running";) {
        await pause(pollMs);
        try {
          state = isKnown ? await ask("lab_job", { job: state.job }) : await begin();
          [isKnown, away] = [true, 0];
          tell(state);
        } catch (error) {
          isKnown = isKnown && error.status !== 404;
          const mayCome = error.status === 404 || error.status === 503 || error.status === 0;
          if (!mayCome || (away += 1) > AWAY_POLLS) throw error;
          tell({ ...state, away: true });
        }
      }
      return state;
    },

    cancel: async (/** @type {string} */ job) => asking().call("cancel_lab_job", { job }),
  };
}
