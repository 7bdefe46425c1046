// SPDX-License-Identifier: Apache-2.0
// The optional backend: its six operations, its status and its errors as sentences.

/**
 * @typedef {import("../pure/shapes.js").Loose} Loose
 * @typedef {{model?: {state?: string, name?: string, detail?: string}, operations?: Record<string, boolean>, changes?: string}} Status
 */

/** An answer that is no result; `retryAfter` in seconds when the backend names one, `answer` its JSON. */
class BackendError extends Error {
  /**
   * @param {string} message
   * @param {number | null} retryAfter
   * @param {Loose | null} answer
   */
  constructor(message, status = 0, retryAfter = null, answer = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
    this.answer = answer;
  }

  /** The message and, where the backend says so, when to come back. */
  get sentence() {
    return this.retryAfter ? `${this.message} Try again in ${this.retryAfter} s.` : this.message;
  }
}

/**
 * The backend a server_config.json announces; null in static mode.
 * @param {Loose | null | undefined} server
 * @param {string} pageUrl
 */
export function createBackend(server, pageUrl) {
  const given = server?.server_url;
  if (given === null || given === undefined || given === false) return null;
  /** @type {string} */
  let root;
  try {
    root = new URL(String(given) || "/", pageUrl).href.replace(/\/$/, "");
  } catch {
    return null;
  }
  const endpoint = (/** @type {string} */ name) => `${root}/api/head_vis/public/${name}/v0`;
  /** @type {Set<(answers: boolean) => void>} */
  const listeners = new Set();
  /** @param {boolean} answers */
  const tell = (answers) => listeners.forEach((run) => run(answers));

  /**
   * A request to an operation; a server that cannot be reached is told to all who listen.
   * @param {string} name
   * @param {RequestInit} options
   */
  async function ask(name, options) {
    try {
      const response = await fetch(endpoint(name), { credentials: "include", ...options });
      tell(true);
      return response;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      tell(false);
      throw new BackendError(`The backend at ${root} does not answer; is serve running?`);
    }
  }

  return {
    /**
     * Calls `run(answers)` after every request: whether the backend could be reached.
     * @param {(answers: boolean) => void} run
     */
    on(run) {
      listeners.add(run);
    },

    /**
     * POSTs an operation; answers its JSON or throws a BackendError.
     * @param {string} name
     * @param {object} body
     * @param {AbortSignal} [signal]
     * @returns {Promise<Loose>} what the operation answers
     */
    async call(name, body, signal) {
      const response = await ask(name, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...body, context: server?.context }),
        signal,
      });
      const answer = await response.json().catch(() => null);
      if (!response.ok) {
        const detail = typeof answer?.detail === "string" ? answer.detail : `The backend answered ${response.status}.`;
        const wait = Number(response.headers.get("Retry-After"));
        throw new BackendError(detail, response.status, Number.isFinite(wait) && wait > 0 ? wait : null, answer);
      }
      if (answer === null) throw new BackendError("The backend's answer is not JSON.", response.status);
      return answer;
    },

    /**
     * Model and operations as the backend reports them; null when it has no status. Throws where nobody answers.
     * @returns {Promise<Status | null>}
     */
    async status() {
      const response = await ask("status", {});
      return response.ok ? response.json().catch(() => null) : null;
    },
  };
}
