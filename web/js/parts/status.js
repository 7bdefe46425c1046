// SPDX-License-Identifier: Apache-2.0
// What is missing or not running: the problems of the tree and the state of the backend.

import { button, el, fill } from "../core/dom.js";

const POLL_MS = 2000;

/** @param {import("../core/app.js").App} app */
export function createStatus(app) {
  const { store, tree, backend } = app;
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

  const chip = el("span", { class: "backend", role: "status" });
  app.tip.on(chip, () => chip.dataset.says ?? "");
  const say = (text, says, state) => {
    chip.textContent = text;
    chip.dataset.says = says;
    chip.dataset.state = state;
  };
  async function poll() {
    const status = await backend?.status();
    store.set({ backendStatus: status });
    const { state = "none", name = "", detail = "" } = status?.model ?? {};
    if (!status) say("backend", "A backend is announced; it does not tell its state.", "none");
    else if (state === "ready") say("live", `${name} is loaded: live operations work.`, "ready");
    else if (state === "loading") say("model loading …", detail || `${name} is being loaded.`, "loading");
    else if (state === "failed") say("model failed", detail || "The model could not be loaded.", "failed");
    else say("backend", detail || "The backend runs without a model; clusters can be saved.", "none");
    if (state === "loading") setTimeout(poll, POLL_MS);
  }
  if (backend) poll();
  else say("static", "No backend: stored data only. Run serve for live operations.", "static");
  return el("span", { class: "status" }, open, list, chip);
}
