// SPDX-License-Identifier: Apache-2.0
// Custom prompts: text sent to the backend, the sequence it answers, and what went wrong.

import { button, el, fill } from "../core/dom.js";
import { loneSurrogate } from "../pure/format.js";
import { textOf } from "../pure/spelling.js";

/** @typedef {import("../pure/sequence.js").Sequence} Sequence */

/**
 * Whether the backend says it can do an operation; true while it has not said.
 * @param {import("../core/app.js").App} app
 * @param {string} operation
 */
export function can(app, operation) {
  const known = app.store.state.backendStatus?.operations?.[operation];
  return app.backend !== null && known !== false;
}

/**
 * Whether the backend says it can do one of the operations that not every backend has.
 * @param {import("../core/app.js").App} app
 * @param {string} operation
 */
export const offers = ({ backend, store }, operation) =>
  backend !== null && store.state.backendStatus?.operations?.[operation] === true;

/** @param {import("../core/app.js").App} app */
export function createComposer(app) {
  const { store, session, backend } = app;
  const message = el("p", { class: "note", role: "status" });
  const text = el(
    "textarea",
    { rows: 2, placeholder: "Text to run through this head", "aria-label": "Custom text", spellcheck: false },
  );
  const send = button("Add", add, { class: "primary" });
  const root = el(
    "form", { class: "composer", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } }, text,
    el("div", { class: "row" }, send, message),
  );
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) add();
  });

  /**
   * @param {string} words
   * @param {(() => unknown) | null} retry what a button of the name `again` does
   */
  function say(words, wrong = false, retry = null, again = "Try again") {
    message.classList.toggle("error", wrong);
    fill(message, words, retry && " ", retry && button(again, retry, { class: "small" }));
  }

  async function add() {
    if (!backend) return undefined;
    if (!text.value.trim()) return say("Write some text first.", true);
    const half = loneSurrogate(text.value);
    if (half >= 0) return say(
      `The text holds half of a character (a lone surrogate) at position ${half}; take it out.`, true,
    );
    const { layer, head } = store.state;
    send.disabled = true;
    say("Running …");
    try {
      const record = await backend.call("add_custom_sequence", { layer, head, text: text.value });
      if (layer !== store.state.layer || head !== store.state.head) return;
      const sequence = session.addCustom({ interval: -1, ...record });
      say(
        sequence ? `Added as ${sequence.id}: ${sequence.n} tokens.` : "The backend's answer has no tokens.", !sequence,
      );
      if (sequence) text.value = "";
    } catch (error) {
      say(error.sentence ?? error.message, true, add);
    } finally {
      send.disabled = false;
    }
  }

  /** @param {Sequence} sequence */
  async function remove(sequence) {
    if (!backend) return;
    const { layer, head } = store.state;
    try {
      await backend.call("delete_custom_sequence", { layer, head, sequence_id: sequence.id });
      session.removeCustom(sequence.id);
      say(`Deleted ${sequence.id}.`, false, () => bringBack(sequence), "Undo");
    } catch (error) {
      if (error.status === 404) session.removeCustom(sequence.id);
      say(error.message, true);
    }
  }

  /**
   * Runs the text of a deleted sequence again: the same text has the same id.
   * @param {Sequence} sequence
   */
  function bringBack(sequence) {
    text.value = textOf(sequence.tokens);
    return add();
  }

  /**
   * What a card of a custom sequence has beside what every card has.
   * @param {Sequence} sequence
   */
  const dress = (sequence) => ({
    name: app.prompts.find(sequence.id)?.name ?? "",
    tools: () => (app.prompts.find(sequence.id) ? [button("All heads", () => store.set({ tab: "prompts", prompt: sequence.id, edge: "" }), {
      class: "act", title: "Every head on this prompt",
    })] : [backend && button("×", () => remove(sequence), {
      class: "icon", "aria-label": `Delete sequence ${sequence.id}`, title: "Delete",
    })]),
  });

  let shown = "";
  function show() {
    const allowed = can(app, "add_custom_sequence");
    text.disabled = send.disabled = !allowed;
    if (!backend) say("Without a backend stored sequences can be read, not added: run serve.");
    else if (store.state.backendGone) say("The backend does not answer; the text stays here until it is back.", true, add);
    else if (!allowed) say(
      store.state.backendStatus?.model?.detail ?? "The backend has no model to run text through.", true,
    );
    else say("");
  }
  app.on(["layer", "head"], show); // what was said was of another head
  app.on(["backendGone", "backendStatus"], (state, changed) => {
    // A heartbeat that brings no news leaves what was said.
    const now = `${Boolean(state.backendGone)} ${can(app, "add_custom_sequence")} ${state.backendStatus?.model?.detail}`;
    if (now === shown) return;
    shown = now;
    show();
  });
  show();
  return { root, dress };
}
