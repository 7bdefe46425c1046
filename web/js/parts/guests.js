// SPDX-License-Identifier: Apache-2.0
// Sequences that a link or another head leads to and the open head did not keep, above those it kept.

import { button, el } from "../core/dom.js";
import { createPlace } from "../core/place.js";
import { CUSTOM } from "../core/state.js";
import { number } from "../pure/format.js";
import { textOf } from "../pure/spelling.js";
import { createCard } from "./card.js";
import { can } from "./custom.js";

/**
 * What is known of a sequence that the open head did not keep; "" for one that is none of these.
 * @param {import("../core/app.js").App} app
 * @param {string} id
 */
export function guestWords(app, id) {
  const guest = app.session.guests.find(id);
  if (!guest) return "";
  const isOther = app.session.guests.isOfOneHead(id);
  const kept = isOther
    ? `Sequence ${id} is a custom one of another head; ${app.headName()} was not run on it.`
    : `${app.headName()} did not keep sequence ${id}: each head keeps a sample of its own.`;
  const known = {
    looking: "Its text is looked for.",
    run: "The model ran the head on it now.",
    text: `Only its text is known here, not where the head attends in it${isOther ? "" : `; ${app.backend ? "a model behind the server" : "make serve"} tells that`}.`,
    far: "Its text may stand in the files of other heads.",
    none: "No file of this tree that could be read holds its text.",
  }[guest.how];
  return [kept, known, guest.why, toldOfEdge(app, id)].filter(Boolean).join(" ");
}

/**
 * What the latest ranking of the heads tells of the open head on an edge of the sequence.
 * @param {import("../core/app.js").App} app
 * @param {string} id
 */
function toldOfEdge({ ranking, store }, id) {
  const edge = /^(.+):(\d+),(\d+)$/.exec(ranking.key);
  if (edge?.[1] !== id) return "";
  const { layer, head } = store.state;
  const row = ranking.rows.find((r) => r.layer === layer && r.head === head);
  return row ? `Its attention ${edge[2]} → ${edge[3]} is ${number(row.value)}.` : "";
}

/**
 * The cards of the sequences that the state names and the open head did not keep.
 * @param {import("../core/app.js").App} app
 */
export function createGuestCards(app) {
  const { store, session } = app;
  const place = createPlace(app, el("div", { class: "guests" }));
  let shown = "";

  /** @type {(app: import("../core/app.js").App, guest: import("../core/guests.js").Guest) => HTMLElement} */
  function card(app, guest) {
    if (guest.sequence) {
      const made = createCard(app, guest.sequence, { says: guestWords(app, guest.id), tools: (app) => [runHere(app, guest)] });
      made.mount();
      app.on(["full"], made.showSize);
      return made.root;
    }
    return el("article", { class: "card", "data-id": guest.id, "aria-label": `Sequence ${guest.id}` },
      el("p", { role: "status" }, guest.how === "looking" ? el("span", { class: "spinner" }) : null, guestWords(app, guest.id)),
      guest.how === "far" ? button("Look there", () => session.guests.search(guest), { title: "Reads the files of other heads, one after the other, until one has it" }) : null);
  }
  function show() {
    const { tab, layer, head } = store.state;
    if (tab !== "sequences") return;
    const now = JSON.stringify([layer, head, session.guests.list.map(({ id, how }) => [id, how])]);
    if (now === shown) return;
    shown = now;
    place.fill((app) => session.guests.list.map((guest) => card(app, guest)));
  }
  app.on(["guestVersion", "tab"], show);
  show();
  return place.element;
}

/**
 * A button that adds a custom sequence of another head to the open one; null where that is not what is missing.
 * @param {import("../core/app.js").App} app
 * @param {import("../core/guests.js").Guest} guest
 */
function runHere(app, guest) {
  const { session, store, backend } = app;
  const { sequence } = guest;
  if (!backend || !sequence || !session.guests.isOfOneHead(guest.id) || !can(app, "add_custom_sequence")) return null;
  const node = button("Run it here", async () => {
    const { layer, head } = store.state;
    node.disabled = true;
    try {
      const record = await backend.call("add_custom_sequence", { layer, head, text: textOf(sequence.tokens) });
      if (layer === store.state.layer && head === store.state.head) session.addCustom({ interval: CUSTOM, ...record });
    } catch (error) {
      node.textContent = "Try again";
      node.title = error.sentence ?? error.message;
      node.disabled = false;
    }
  }, { class: "act", title: `Adds it to the custom sequences of ${app.headName()}` });
  return node;
}
