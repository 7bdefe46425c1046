// SPDX-License-Identifier: Apache-2.0
// The prompts of the tree: chosen, named, put in order, deleted and brought back, saved to and read from one file.

import { button, el, fill } from "../core/dom.js";
import { fileName, saveJson } from "../core/exports.js";
import { quoted } from "../pure/format.js";
import { offers } from "./custom.js";

const WORDS = 60; // characters of a text that stand for a prompt without a name

/**
 * What a prompt is called.
 * @param {import("../core/prompts.js").Prompt} prompt
 */
const titleOf = ({ name, text }) => name || (text.length > WORDS ? `${text.slice(0, WORDS)}…` : text);

/** @param {import("../core/app.js").App} app */
export function createPromptList(app) {
  const { store, prompts } = app;
  const note = el("p", { class: "note", role: "status" });
  const body = el("ol", { class: "prompts" });
  /** @type {import("../core/prompts.js").Prompt | null} */
  let deleted = null;

  /** @type {(words: string, wrong?: boolean, ...more: HTMLElement[]) => void} */
  const say = (words, wrong = false, ...more) => {
    note.classList.toggle("error", wrong);
    fill(note, words, " ", more);
  };
  /**
   * @param {import("../core/prompts.js").Prompt[]} next
   * @param {string} words
   * @param {HTMLElement[]} more
   */
  async function arrange(next, words, ...more) {
    try {
      await prompts.arrange(next);
      say(words, false, ...more);
    } catch (error) {
      say(`Not saved: ${error.sentence ?? error.message}`, true, button("Retry", () => arrange(next, words, ...more), { class: "small" }));
    }
  }
  /** @param {import("../core/prompts.js").Prompt} prompt */
  function remove(prompt) {
    deleted = prompt;
    arrange(prompts.list.filter((p) => p.id !== prompt.id), `Deleted ${titleOf(prompt)}.`, button("Undo", bringBack, { class: "small" }));
  }
  /** Runs a deleted prompt again: the same text has the same id. */
  async function bringBack() {
    if (!deleted) return;
    say("Running it again …");
    try {
      await prompts.add(deleted.text, deleted.name);
      say("Taken back.");
    } catch (error) {
      say(error.sentence ?? error.message, true, button("Undo", bringBack, { class: "small" }));
    }
  }
  /**
   * @param {number} from
   * @param {number} by
   */
  function move(from, by) {
    const next = [...prompts.list];
    next.splice(from + by, 0, ...next.splice(from, 1));
    arrange(next, "");
  }
  /**
   * @param {import("../core/prompts.js").Prompt} prompt
   * @param {HTMLElement} line
   */
  function rename(prompt, line) {
    const field = el("input", { value: prompt.name, placeholder: "A name", "aria-label": `Name of prompt ${titleOf(prompt)}` });
    let over = false;
    const end = (/** @type {boolean} */ use) => {
      if (over) return;
      over = true;
      const name = field.value.trim();
      if (use && name !== prompt.name) arrange(prompts.list.map((p) => (p.id === prompt.id ? { ...p, name } : p)), "Renamed.");
      show();
    };
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
      event.stopPropagation();
    });
    field.addEventListener("blur", () => end(true));
    line.replaceChildren(field);
    field.select();
  }

  /**
   * @param {import("../core/prompts.js").Prompt} prompt
   * @param {number} i
   */
  function row(prompt, i) {
    const chosen = prompt.id === store.state.prompt;
    const name = titleOf(prompt);
    const live = offers(app, "arrange_prompts");
    /** @type {HTMLElement} */
    const line = el("li", { class: chosen ? "current" : null },
      button(quoted(name), () => store.set({ prompt: prompt.id, edge: "" }), {
        class: "link name", "aria-current": chosen ? "true" : null, title: prompt.text,
      }),
      el("span", { class: "dim num" }, `${prompt.n} tokens`),
      live && [
        button("↑", () => move(i, -1), { class: "icon", disabled: i === 0, "aria-label": `Move ${name} up` }),
        button("↓", () => move(i, 1), { class: "icon", disabled: i === prompts.list.length - 1, "aria-label": `Move ${name} down` }),
        button("Rename", () => rename(prompt, line), { class: "small" }),
        button("×", () => remove(prompt), { class: "icon", "aria-label": `Delete prompt ${name}` }),
      ]);
    return line;
  }

  /**
   * Runs the prompts of a file one after the other, the last first, so that they stand in its order.
   * @param {File} file
   */
  async function read(file) {
    const found = await file.text().then(JSON.parse).catch(() => null);
    /** @param {import("../pure/shapes.js").Loose | null} prompt */
    const isPrompt = (prompt) => typeof prompt?.text === "string";
    const list = (Array.isArray(found?.prompts) ? found.prompts : []).filter(isPrompt);
    if (!list.length) return say(`${file.name} holds no prompts: {"prompts": [{"text": ..., "name": ...}]}.`, true);
    try {
      for (const [i, { text, name }] of list.reverse().entries()) {
        say(`Running ${i + 1} of ${list.length} …`);
        await prompts.add(text, typeof name === "string" ? name : "");
      }
      say(`${list.length} prompts are there.`);
    } catch (error) {
      say(error.sentence ?? error.message, true);
    }
  }
  const picker = el("input", {
    type: "file", accept: "application/json,.json", hidden: true, "aria-label": "File of prompts",
    on: { change: () => {
      if (picker.files?.[0]) read(picker.files[0]);
      picker.value = "";
    } },
  });
  const save = button("Save all", () => saveJson(
    fileName(app.tree.shortName, "prompts"),
    { prompts: prompts.list.map(({ text, name }) => ({ text, name })) },
  ), { class: "small", title: "All prompts, names and order in one file" });
  const load = button("Read a file", () => picker.click(), { class: "small" });
  const root = el("details", { class: "promptlist", open: true }, el("summary", {}, "Prompts"), body,
    el("div", { class: "row" }, save, load, picker, note));

  function show() {
    fill(body, prompts.list.map(row));
    save.hidden = !prompts.list.length;
    load.hidden = !offers(app, "add_prompt");
  }
  app.on(["promptVersion", "prompt", "backendStatus"], show);
  show();
  return root;
}
