// SPDX-License-Identifier: Apache-2.0
// What is missing or not running: the problems of the tree and the state of the backend.

import { button, el, fill } from "../core/dom.js";

const POLL_MS = 2000; // while the model is loaded
const BEAT_MS = 10_000; // while all is well
const RETRY_MS = 4000; // while nobody answers

/** @param {import("../core/app.js").App} app */
export function createStatus(app) {
  const { tree } = app;
  const list = el("ul", { class: "problems", hidden: true, id: "problems" });
  const open = button("", () => {
    list.hidden = !list.hidden;
    open.setAttribute("aria-expanded", String(!list.hidden));
  }, { class: "warn", "aria-controls": "problems", "aria-expanded": "false", hidden: true });
  const show = () => {
    const all = tree.problems.list;
    open.hidden = !all.length;
    if (!all.length) list.hidden = true;
    open.textContent = all.length === 1 ? "1 problem" : `${all.length} problems`;
    fill(list, all.map(({ message }) => el("li", {}, message)));
  };
  tree.problems.on(show);
  show();

  return el("span", { class: "status" }, open, list, createBadge(app));
}

/**
 * What is known of the backend. It is asked now and then: one that went away must not be called live.
 * @param {import("../core/app.js").App} app
 */
function createBadge(app) {
  const { store, backend } = app;
  const chip = el("span", { class: "backend", role: "status", tabIndex: 0 });
  const retry = button("Retry", () => poll(), { class: "small retry", hidden: true, title: "Ask the backend again" });
  app.tip.on(chip, () => chip.dataset.says ?? "");
  chip.addEventListener("click", ({ clientX, clientY }) => app.tip.show(clientX, clientY, chip.dataset.says)); // a finger does not hover
  let timer = 0;
  let asking = false;
  /** @type {(text: string, says: string, state: string) => void} */
  const say = (text, says, state) => {
    if (chip.textContent !== text) chip.textContent = text;
    chip.dataset.says = says;
    chip.dataset.state = state;
    retry.hidden = state !== "gone";
  };

  /** @param {import("../core/backend.js").Status | null} status */
  function show(status) {
    const { state = "none", name = "", detail = "" } = status?.model ?? {};
    if (!status) say("backend", "A backend is announced; it does not tell its state.", "none");
    else if (state === "ready") say("live", `${name} is loaded: live operations work.`, "ready");
    else if (state === "loading") say("model loading …", detail || `${name} is being loaded.`, "loading");
    else if (state === "failed") say("model failed", detail || "The model could not be loaded.", "failed");
    else say("backend", detail || "The backend runs without a model; clusters can be saved.", "none");
    const known = store.state.backendStatus;
    // A heartbeat without news is none: forms that hear of it would be filled anew under somebody's hands.
    const news = JSON.stringify(known) === JSON.stringify(status) ? known : status;
    store.set({ backendGone: false, backendStatus: news, treeChanges: status?.changes ?? "" });
    return state === "loading" ? POLL_MS : status ? BEAT_MS : 0;
  }
  /** @param {Error} error */
  function miss(error) {
    say("no answer", `${error.message} What was loaded stays; it is asked again every few seconds.`, "gone");
    store.set({ backendGone: true });
    return RETRY_MS;
  }

  async function poll() {
    if (asking || !backend) return;
    asking = true;
    clearTimeout(timer);
    const wait = await backend.status().then(show, miss);
    asking = false;
    if (wait) timer = setTimeout(poll, document.hidden ? 6 * wait : wait);
  }

  if (!backend) say("static", "No backend: stored data only. Run serve for live operations.", "static");
  else {
    // What another request found out counts at once.
    backend.on((answers) => answers === Boolean(store.state.backendGone) && poll());
    document.addEventListener("visibilitychange", () => document.hidden || poll());
    addEventListener("focus", () => poll());
    poll();
  }
  return el("span", { class: "row" }, chip, retry);
}
