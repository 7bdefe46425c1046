// SPDX-License-Identifier: Apache-2.0
// What people call the open head and say of it: shown beside its title, changed in place.

import { button, el, fill } from "../core/dom.js";
import { PALETTE } from "../pure/colour.js";
import { offers } from "./custom.js";

const COLOURS = PALETTE.slice(0, 8);

/** @param {import("../core/app.js").App} app */
export function createNote(app) {
  const { store, notes } = app;
  const shown = el("span", { class: "head-note" });
  const editor = el("div", { class: "note-editor", hidden: true });
  const here = () => notes.of(store.state.layer, store.state.head);

  function show() {
    const { name, text, color } = here();
    const swatch = color ? el("span", { class: "swatch" }) : null;
    if (swatch) swatch.style.backgroundColor = color;
    const some = name || text;
    const allowed = !app.backend || offers(app, "save_note");
    fill(shown, swatch, name ? el("b", {}, name) : null, text ? el("span", { class: "dim" }, text) : null,
      allowed && button(some ? "Edit note" : "Add note", edit, { class: "small link" }));
  }
  function close() {
    editor.hidden = true;
    fill(editor);
  }
  function edit() {
    const { layer, head } = store.state;
    const now = here();
    const name = el("input", { value: now.name, placeholder: "Name, such as induction", "aria-label": "Name of the head", maxLength: 100 });
    const text = el("textarea", { value: now.text, rows: 2, placeholder: "What you found", "aria-label": "Note on the head", maxLength: 5000 });
    let { color } = now;
    const colours = el("span", { class: "segmented", role: "group", "aria-label": "Colour of the note" });
    const drawColours = () => fill(colours, ["", ...COLOURS].map((c, i) => {
      const node = button(c ? "" : "none", () => {
        color = c;
        drawColours();
      }, { class: "colour", "aria-pressed": String(c === color), "aria-label": c ? `Colour ${i}` : "No colour" });
      if (c) node.style.backgroundColor = c;
      return node;
    }));
    drawColours();
    const message = el("span", { class: "note", role: "status" });
    const save = async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await notes.save(layer, head, { name: name.value.trim(), text: text.value.trim(), color });
        close();
      } catch (error) {
        message.classList.add("error");
        message.textContent = `Not saved: ${error.message}`;
      }
    };
    fill(editor, el("form", { on: { submit: save } }, el("div", { class: "row" }, name, colours), text,
      el("div", { class: "row" }, el("button", { type: "submit", class: "primary" }, "Save"), button("Cancel", close),
        app.backend ? null : el("span", { class: "dim" }, "kept for this visit"), message)));
    editor.hidden = false;
    name.focus();
  }
  app.on(["layer", "head"], close);
  app.on(["layer", "head", "noteVersion", "backendStatus"], show);
  show();
  return { shown, editor };
}
