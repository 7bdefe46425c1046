// SPDX-License-Identifier: Apache-2.0
// Sequences that the open head did not keep: which are named, where their text comes from, and how long they stay.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createGuests, namedIds } from "../../web/js/core/guests.js";
import { textOnly, toRecord } from "../../web/js/pure/sequence.js";
import { readState } from "../../web/js/core/state.js";
import { sample } from "./sample.js";

const NAMELESS = { ...readState(""), layer: 5, head: 1 };
const settled = () => new Promise((done) => setTimeout(done, 5));

/** A store that tells its listeners at once, and what else guests are made of. */
function house({ state = {}, heads = 2, text = async () => null, backend = null, stored = () => null }) {
  const listeners = [];
  const store = {
    state: { ...NAMELESS, ...state },
    on: (keys, run) => listeners.push([keys, run]),
    set(patch, restored = false) {
      const changed = new Set(Object.keys(patch));
      store.state = { ...store.state, ...patch };
      for (const [keys, run] of listeners) if (keys.some((key) => changed.has(key))) run(store.state, changed, restored);
    },
  };
  const asked = [];
  const tree = { heads: Array.from({ length: heads }, (_, head) => ({ layer: 5, head })), textOf: (id, far) => (asked.push([id, far]), text(id, far)) };
  return { store, asked, guests: createGuests(tree, store, backend, { find: () => null }, stored) };
}

test("a state names the sequences of its edge, selection, ranking, maps and place", () => {
  const state = { ...NAMELESS, seq: "1", sel: "2:4", rank: "3:5,4", map: "4,5", open: "2", at: "6:40" };
  assert.deepEqual(namedIds(state), ["1", "2", "3", "4", "5", "6"]);
  assert.deepEqual(namedIds(NAMELESS), []);
});

test("a sequence that is not kept is shown as text from the tree, or as the model runs it", async () => {
  const still = house({ text: async () => ["a", "b"] });
  still.store.set({ sel: "7:1" });
  assert.equal(still.guests.find("7").how, "looking");
  await settled();
  assert.deepEqual(still.guests.find("7"), { id: "7", how: "text", sequence: textOnly("7", ["a", "b"]), why: "" });
  const { record } = sample(6, 3);
  const backend = { call: async (name, body) => ({ ...record, name, asked: body }) };
  const live = house({ backend, state: { backendStatus: { operations: { sequence_pattern: true } } } });
  live.store.set({ rank: "7:3,2" });
  await settled();
  const { how, sequence } = live.guests.find("7");
  assert.equal(how, "run");
  assert.deepEqual(toRecord(sequence).attention_values, record.attention_values);
  assert.deepEqual(live.asked, [], "the tree is not searched for what the model tells");
});

test("many heads' files are searched only when somebody asks; what nobody has is none", async () => {
  const { store, asked, guests } = house({ heads: 65, text: async (id, far) => (far && id === "7" ? ["a"] : null) });
  store.set({ sel: "7:1", rank: "8:1,0" });
  await settled();
  assert.deepEqual(guests.list.map(({ how }) => how), ["far", "far"]);
  await guests.search(guests.find("7"));
  await guests.search(guests.find("8"));
  assert.deepEqual(guests.list.map(({ how }) => how), ["text", "none"]);
  assert.deepEqual(asked, [["7", false], ["8", false], ["7", true], ["8", true]]);
});

test("a text that was seen with another head is remembered, and a guest stays until the head or the view changes", async () => {
  let kept = textOnly("7", ["a", "b"]);
  const { store, asked, guests } = house({ stored: () => kept });
  store.set({ rank: "7:1,0" });
  assert.equal(guests.list.length, 0);
  kept = null;
  store.set({ layer: 8, headVersion: 1 });
  await settled();
  assert.deepEqual(guests.find("7").sequence.tokens, ["a", "b"]);
  assert.deepEqual(asked, []);
  store.set({ rank: "" });
  assert.equal(guests.list.length, 1, "it does not go under its reader's eyes");
  store.set({ at: "" }, true);
  assert.equal(guests.list.length, 0);
});

test("a backend that comes back is asked for what it alone can tell", async () => {
  const { record } = sample(4, 5);
  const { store, guests } = house({ backend: { call: async () => record }, text: async () => ["a"], state: { backendStatus: null } });
  store.set({ sel: "7:1" });
  await settled();
  assert.equal(guests.find("7").how, "text");
  store.set({ backendStatus: { operations: { sequence_pattern: true } } });
  await settled();
  assert.equal(guests.find("7").how, "run");
});

test("what a backend can is waited for before anything is searched", async () => {
  const { record } = sample(4, 5);
  const { store, asked, guests } = house({ backend: { call: async () => record }, text: async () => ["a"] });
  store.set({ sel: "7:1" });
  await settled();
  assert.equal(guests.find("7").how, "looking");
  store.set({ backendStatus: { operations: { sequence_pattern: true } } });
  await settled();
  assert.equal(guests.find("7").how, "run");
  assert.deepEqual(asked, []);
  const gone = house({ backend: { call: async () => record }, text: async () => ["a"] });
  gone.store.set({ sel: "7:1" });
  gone.store.set({ backendGone: true });
  await settled();
  assert.equal(gone.guests.find("7").how, "text");
});

test("a custom sequence of another head is not run unasked", async () => {
  const calls = [];
  const backend = { call: async (name) => calls.push(name) };
  const { store, guests } = house({ backend, state: { backendStatus: { operations: { sequence_pattern: true } } } });
  store.set({ sel: "cab1:1" });
  await settled();
  assert.ok(guests.isOfOneHead("cab1") && !guests.isOfOneHead("7"));
  assert.deepEqual([guests.find("cab1").how, calls], ["none", []]);
});
