// SPDX-License-Identifier: Apache-2.0
// The box above the heads: a text that is run through all of them at once.

import { button, el, fill } from "../core/dom.js";
import { loneSurrogate } from "../pure/format.js";
import { offers } from "./custom.js";

/** @param {import("../core/app.js").App} app */
export function createPromptBox(app) {
  const { store, prompts } = app;
  const text = el("textarea", {
    rows: 1, placeholder: "A text for all heads at once", "aria-label": "Prompt for all heads", spellcheck: false,
  });
  const run = button("Run", add, { class: "primary" });
  const note = el("p", { class: "note", role: "status" });
  text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      add();
    }
  });

  /** @param {string} words */
  function say(words, wrong = false, retry = false) {
    note.classList.toggle("error", wrong);
    fill(note, words, retry && " ", retry && button("Try again", add, { class: "small" }));
  }
  async function add() {
    if (!text.value.trim()) return say("Write some text first.", true);
    const half = loneSurrogate(text.value);
    if (half >= 0) return say(`The text holds half of a character (a lone surrogate) at position ${half}; take it out.`, true);
    run.disabled = true;
    say(`Running it through ${app.tree.heads.length} heads …`);
    try {
      const id = await prompts.add(text.value);
      text.value = "";
      say("");
      store.set({ tab: "prompts", prompt: id, edge: "", pane: "head" });
    } catch (error) {
      say(error.sentence ?? error.message, true, true);
    } finally {
      run.disabled = false;
    }
  }
  const show = () => {
    const allowed = offers(app, "add_prompt");
    root.hidden = !allowed && !prompts.list.length;
    text.disabled = run.disabled = !allowed;
    text.placeholder = allowed ? "A text for all heads at once" : "Stored prompts can be read; a text is run by make serve";
    count.textContent = prompts.list.length ? `${prompts.list.length} prompts` : "";
    count.hidden = !prompts.list.length;
  };
  const count = button("", () => store.set({ tab: "prompts", pane: "head" }), { class: "link small" });
  const root = el("section", { class: "promptbox", "aria-label": "One prompt, all heads" },
    el("div", { class: "promptline" }, text, run), el("div", { class: "row" }, note, el("span", { class: "spring" }), count));
  app.on(["backendStatus", "backendGone", "promptVersion"], show);
  show();
  return root;
}
