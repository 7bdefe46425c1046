// SPDX-License-Identifier: Apache-2.0
// The optional backend: its six operations, its status and its errors as sentences.

/** An answer that is no result; `retryAfter` in seconds when the backend names one. */
export class BackendError extends Error {
  /** @param {number | null} retryAfter */
  constructor(message, status = 0, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** The message and, where the backend says so, when to come back. */
  get sentence() {
    return this.retryAfter ? `${this.message} Try again in ${this.retryAfter} s.` : this.message;
  }
}

/** The backend a server_config.json announces; null in static mode. */
export function createBackend(server, pageUrl) {
  const given = server?.server_url;
  if (given === null || given === undefined || given === false) return null;
  let root;
  try {
    root = new URL(String(given) || "/", pageUrl).href.replace(/\/$/, "");
  } catch {
    return null;
  }
  const endpoint = (name) => `${root}/api/head_vis/public/${name}/v0`;

  return {
    /** POSTs an operation; answers its JSON or throws a BackendError. */
    async call(name, body, signal) {
      let response;
      try {
        response = await fetch(endpoint(name), {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          credentials: "include",
          body: JSON.stringify({ ...body, context: server.context }),
          signal,
        });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new BackendError(`The backend at ${root} does not answer; is serve running?`);
      }
      const answer = await response.json().catch(() => null);
      if (!response.ok) {
        const detail = typeof answer?.detail === "string" ? answer.detail : `The backend answered ${response.status}.`;
        const wait = Number(response.headers.get("Retry-After"));
        throw new BackendError(detail, response.status, Number.isFinite(wait) && wait > 0 ? wait : null);
      }
      if (answer === null) throw new BackendError("The backend's answer is not JSON.", response.status);
      return answer;
    },

    /** Model and operations as the backend reports them; null when it has no status. */
    async status() {
      try {
        const response = await fetch(endpoint("status"), { credentials: "include" });
        return response.ok ? await response.json() : null;
      } catch {
        return null;
      }
    },
  };
}
