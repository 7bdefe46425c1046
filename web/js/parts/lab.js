// SPDX-License-Identifier: Apache-2.0
// The Lab tab: a question to the open head, its answer, and those that were answered before.

import { button, checkbox, el, fill, select } from "../core/dom.js";
import { download, fileName } from "../core/exports.js";
import { createLabClient } from "../core/lab.js";
import { createPanel } from "../core/panel.js";
import { createPlace } from "../core/place.js";
import { address } from "../pure/format.js";
import { KINDS, exampleOf, formOf, jobText, questionOf, readAsk } from "../pure/lab.js";
import { answerPanels, readAnswer } from "./labanswers.js";
import { withCommands } from "./command.js";
import { can } from "./custom.js";
import { exampleFor } from "./labexample.js";
import { lineFileButton } from "./linefile.js";

const LONG = new Set(["values", "objects", "places"]);

/**
 * @typedef {import("../pure/lab.js").Listed} Listed
 * @typedef {import("../pure/lab.js").OfHead} OfHead
 * @typedef {import("../pure/lab.js").Question} Question
 */

/** @param {import("../core/app.js").App} app */
export function createLab(app) {
  const { store } = app;
  const lab = createLabClient(app);
  const form = createPlace(app, el("div", {}));
  const result = createPlace(app, el("div", { class: "lab-answer", "aria-live": "polite" }));
  const listed = createPlace(app, el("div", {}));
  const root = el("div", { class: "lab" }, el("div", { class: "lab-side" }, form.element, listed.element), result.element);
  let kind = "sources";
  /** @type {Record<string, string>} the texts of the fields */
  let texts = {};
  let asked = "";
  /** @type {AbortController | null} */
  let abort = null;
  /** @type {Listed[]} */
  let known = []; // stored answers

  const here = () => ({ layer: store.state.layer, head: store.state.head });

  /**
   * Takes a question into the form.
   * @param {Question} question
   */
  function fillIn(question) {
    kind = question.question;
    texts = formOf(question);
    showForm();
  }

  /**
   * Takes the example of a kind into the form.
   * @param {string} next
   */
  async function fillInExample(next) {
    const { layer, head } = here();
    const question = await exampleFor(app, next);
    if (layer === store.state.layer && head === store.state.head) fillIn(question);
  }

  /**
   * Asks, and makes the question or its answer the link of the page.
   * @param {OfHead} question
   */
  function open(question) {
    const { layer, head } = question;
    if (layer !== store.state.layer || head !== store.state.head) app.goTo(layer, head);
    store.set({ tab: "lab", ask: JSON.stringify(question) });
  }

  async function load() {
    const wanted = `${store.state.tab === "lab" ? store.state.ask : ""}`;
    if (store.state.tab !== "lab" || wanted === asked) return;
    asked = wanted;
    abort?.abort();
    if (!wanted) return showExamples();
    abort = new AbortController();
    const { signal } = abort;
    const { id, question } = readAsk(wanted);
    if (question) fillIn(question);
    result.fill(() => el("div", { class: "empty", role: "status" }, el("span", { class: "spinner" }), "Asking …"));
    try {
      if (!id && !question) throw new Error("This link holds no question.");
      const found = id ? await lab.stored(id) : await lab.ask(/** @type {Question} */ (question), signal);
      if (signal.aborted) return;
      const record = readAnswer(found);
      if (id) fillIn(record.question);
      else {
        asked = record.id;
        store.set({ ask: record.id }, { replace: true });
        list();
      }
      result.fill((app) => answerPanels(app, record, open));
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      result.fill(() => el("div", { class: "empty error", role: "alert" },
        question?.question === "virtual" && error.status === 501 ? el("p", {}, noDictionary(question)) : null, withCommands(error.sentence ?? error.message)));
    }
  }

  function run() {
    try {
      const question = questionOf(kind, texts, here());
      asked = "";
      store.set({ ask: JSON.stringify(question) });
      load();
    } catch (error) {
      result.fill(() => el("div", { class: "empty error", role: "alert" }, el("p", {}, error.message)));
    }
  }

  /** @param {import("../pure/lab.js").Field} field */
  function field({ key, label, type, choices, optional }) {
    const id = `lab-${key.replace(".", "-")}`;
    const change = (/** @type {string} */ value) => (texts[key] = value);
    if (type === "flag") return checkbox(label, texts[key] === "true", (on) => change(on ? "true" : ""));
    if (choices) {
      texts[key] ||= choices[0][0];
      return el("div", { class: "lab-field" }, el("span", {}, label), select(label, choices, texts[key], change));
    }
    const isLong = LONG.has(type) || type === "prompt" || type === "object";
    /** @type {HTMLInputElement | HTMLTextAreaElement} */
    const input = el(isLong ? "textarea" : "input", {
      id, value: texts[key] ?? "", spellcheck: false, autocomplete: "off", rows: isLong ? (LONG.has(type) ? 4 : 2) : undefined,
      on: {
        input: () => change(input.value),
        keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && (!isLong || event.ctrlKey || event.metaKey) && run(),
      },
    });
    const fromFile = type === "values" ? lineFileButton((lines) => change(input.value = lines.join("\n"))) : null;
    return el("div", { class: "lab-field" }, el("label", { for: id }, label, optional ? el("span", { class: "dim" }, " (may be empty)") : null), input, fromFile);
  }

  function showForm() {
    form.fill((app) => {
      const allowed = can(app, "ask_head");
      const panel = createPanel(app, {
        name: "lab-question", title: "Ask this head", describe: "Marks are a position (-1 is the last token), a token's text (the#2 its second occurrence), or {} for the slot. A prompt #12 is stored sequence 12.",
        give: { json: () => questionOf(kind, texts, here()) },
      });
      panel.body.append(
        select("Question", Object.entries(KINDS).map(([key, { label }]) => [key, label]), kind, fillInExample),
        el("p", { class: "dim" }, KINDS[kind].says), ...KINDS[kind].fields.map(field),
        el("div", { class: "row" }, button("Ask", run, { class: "primary", disabled: !allowed }),
          button("Example", () => fillInExample(kind), {}), button("Save question", save, {}), fileButton(allowed)),
        allowed ? "" : el("p", { class: "note" }, "Without a backend stored answers can be read, and questions saved for make lab QUESTIONS=FILE."),
      );
      return panel.root;
    });
  }

  /** The question as a line of a file for make lab. */
  function save() {
    try {
      const line = `${JSON.stringify(questionOf(kind, texts, here()))}\n`;
      download(`${fileName("question", app.headName(), kind)}.jsonl`, new Blob([line], { type: "application/jsonl" }));
    } catch (error) {
      result.fill(() => el("div", { class: "empty error", role: "alert" }, el("p", {}, error.message)));
    }
  }

  /**
   * The questions that have answers here, as a file for make lab.
   * @param {Listed[]} entries
   */
  async function saveAll(entries) {
    try {
      const records = await Promise.all(entries.map((entry) => lab.stored(entry.id)));
      const lines = records.map((record) => `${JSON.stringify(record?.question)}\n`);
      download(`${fileName("questions", app.headName())}.jsonl`, new Blob(lines, { type: "application/jsonl" }));
    } catch (error) {
      result.fill(() => el("div", { class: "empty error", role: "alert" }, el("p", {}, error.sentence ?? error.message)));
    }
  }

  /**
   * Runs a file of questions as a job.
   * @param {boolean} allowed
   */
  function fileButton(allowed) {
    const input = el("input", { type: "file", hidden: true, accept: ".jsonl,.json", "aria-label": "A file of questions" });
    input.addEventListener("change", async () => {
      const [file] = input.files ?? [];
      if (file) runFile(await file.text());
      input.value = "";
    });
    return [input, button("Open a file …", () => input.click(), { disabled: !allowed, title: "Ask all questions of a file of JSON lines" })];
  }

  /** @param {string} text */
  async function runFile(text) {
    const say = el("p", { role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": "Questions answered" });
    const stop = button("Cancel", () => {}, {});
    result.fill(() => el("div", { class: "empty" }, say, bar, stop));
    try {
      const questions = text.split("\n").filter((l) => l.trim()).map((l) => JSON.parse(l));
      const end = await lab.job(questions, (state) => {
        stop.onclick = () => lab.cancel(state.job);
        bar.max = state.total;
        bar.value = Math.min(state.total, state.done + (state.prompts[1] ? state.prompts[0] / state.prompts[1] : 0));
        say.textContent = jobText(state);
      });
      stop.remove();
      say.textContent = `${end.state}: ${end.answers.filter(Boolean).length} answers, ${end.failures.length} without. ${end.failures.slice(0, 3).map((f) => `Question ${f.question + 1}: ${f.detail}`).join(" ")}`;
      await list();
    } catch (error) {
      say.textContent = error instanceof SyntaxError ? "The file is not a question a line." : error.sentence ?? error.message;
      stop.remove();
    }
  }

  function showExamples() {
    result.fill(() => el("div", { class: "lab-examples" },
      el("h2", {}, "Examples"), el("p", { class: "dim" }, "Each runs at once on the open head."),
      el("ul", {}, Object.entries(KINDS).map(([key, { label, says }]) => el("li", {},
        button(label, async () => open(await exampleFor(app, key)), { class: "link", disabled: !can(app, "ask_head") }), " ", says)))));
  }

  async function list() {
    try {
      known = await lab.list();
    } catch {
      known = []; // the tree tells of broken files elsewhere
    }
    const { layer, head } = here();
    const mine = known.filter((e) => e.layer === null || (e.layer === layer && e.head === head)).reverse();
    listed.fill(() => (mine.length ? el("nav", { class: "lab-list", "aria-label": "Stored answers" }, el("h2", {}, `Answers for ${address(layer, head)}`),
      el("ul", {}, mine.slice(0, 200).map((entry) => el("li", {}, button(`${KINDS[entry.question].label}: ${entry.about || "…"}`,
        () => store.set({ ask: entry.id }), { class: "link" })))),
      button("Save these questions", () => saveAll(mine.slice(0, 200)), { title: "A file of JSON lines for make lab QUESTIONS=FILE" })) : []));
  }

  app.on(["tab", "ask"], () => load());
  app.on(["layer", "head"], () => {
    showForm();
    list();
  });
  app.on(["backendStatus", "backendGone"], () => {
    showForm();
    if (!store.state.ask) showExamples();
  });
  app.on(["themeName"], () => {
    asked = "";
    load();
  });
  texts = formOf(exampleOf(kind, here()));
  showForm();
  showExamples();
  list();
  load();
  return root;
}

/**
 * What virtual weights lack, in a sentence.
 * @param {Question} question
 */
const noDictionary = ({ layer }) => `Virtual weights join features of a dictionary, and the server has none of layer ${layer}.`;
