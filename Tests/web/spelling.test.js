// SPDX-License-Identifier: Apache-2.0
// Characters spelt by several byte tokens, against the bytes that UTF-8 gives them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokensScene } from "../../web/js/plots/tokens.js";
import { bytesOf, named, partsOf, spelt, textOf } from "../../web/js/pure/spelling.js";

/** The bytes of a text as a tree writes them, `sizes` bytes a token. */
function byteTokens(text, sizes) {
  const bytes = [...Buffer.from(text)].map((b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  return sizes.map((size) => bytes.splice(0, size).join(""));
}

test("every character comes back from its bytes, however they are cut into tokens", () => {
  for (const text of ["é", "你", "好", "😀", "𐤀", "한", "\u{10ffff}"]) {
    const n = Buffer.from(text).length;
    for (let cut = 1; cut < n; cut++) {
      const tokens = ["a", ...byteTokens(text, [cut, n - cut]), " b"];
      assert.deepEqual(partsOf(tokens, 0, 4).filter(({ whole }) => whole).map(({ from, to, whole }) => [from, to, whole.text]), [[1, 3, text]]);
      assert.equal(textOf(tokens), `a${text} b`);
    }
  }
});

test("characters next to each other stand apart, text in the same tokens stays with them", () => {
  const tokens = [...byteTokens("你", [1, 2]), ...byteTokens("好", [2, 1])];
  assert.deepEqual(partsOf(tokens, 0, 4).map(({ from, to, whole }) => [from, to, whole?.text]), [[0, 2, "你"], [2, 4, "好"]]);
  const mixed = [" <0xF0><0x9F>", "<0x98><0x80>!", "?"];
  assert.equal(spelt(mixed).get(1)?.text, " 😀!");
  assert.equal(textOf(mixed), " 😀!?");
  assert.equal(bytesOf(mixed[0]), "F0 9F");
  assert.equal(named(mixed, 1), "98 80 ! of 😀!");
  assert.equal(named(mixed, 2), "?");
});

test("what a reader takes as one character is one: a family, a thumb and its colour", () => {
  for (const text of ["👨‍👩‍👧", "👍🏽", "❤️"]) {
    const tokens = byteTokens(text, new Array(Buffer.from(text).length).fill(1));
    assert.deepEqual([...new Set(spelt(tokens).values())].map((s) => s.text), [text]);
  }
});

test("bytes that spell nothing stay as the tree writes them", () => {
  for (const tokens of [
    ["<0xE4>", "<0xBD>", "x"], ["<0xBD>", "<0xA0>"], ["<0xC0>", "<0x80>"], ["<0xED>", "<0xA0>", "<0x80>"], ["<0xF5>", "<0x80>", "<0x80>", "<0x80>"],
    ["<0xE4>", "a", "<0xBD>", "<0xA0>"], ["<0xE2><0x82><0xAC>"], ["<0xe4>", "<0xbd>", "<0xa0>"],
  ]) {
    assert.equal(spelt(tokens).size, 0);
    assert.equal(textOf(tokens), tokens.join(""));
  }
});

test("a fold in a character leaves the tokens in sight under it", () => {
  const tokens = ["a", ...byteTokens("😀", [1, 1, 1, 1]), "b"];
  assert.deepEqual(partsOf(tokens, 2, 4).map(({ from, to, whole }) => [from, to, whole?.text]), [[2, 4, "😀"]]);
});

test("scripts from right to left are told", () => {
  assert.equal(spelt(byteTokens("ש", [1, 1])).get(0)?.rtl, true);
  assert.equal(spelt(byteTokens("é", [1, 1])).get(0)?.rtl, false);
});

test("a drawing sets the character once and each byte token under it, in its colour, and later lines below them", () => {
  const tokens = ["one", ...byteTokens("😀", [2, 1, 1]), "\n", "two"];
  const look = {
    fills: Float64Array.of(0, 0, 0.5, 0, 0, 0), strips: null, largest: 0.5, selection: [3], pair: null, spans: [[0, 6]],
    lines: [{ source: 3, at: 2, value: 0.4 }, { source: 5, at: 1, value: 0.2 }],
  };
  const colours = { soft: "soft", ink: "ink", line: "line", given: "given", panel: "panel" };
  const { marks, height } = tokensScene({ title: "", tokens, look, theme: "light", colours, measure: (text) => 7 * text.length });
  const at = (text) => marks.find((m) => m.kind === "text" && m.text === text);
  assert.equal(marks.filter((m) => m.text === "😀").length, 1);
  const [first, second, third] = ["F0 9F", "98", "80"].map(at);
  assert.ok(first.x < second.x && second.x < third.x && first.y === third.y && first.y > at("😀").y);
  const ground = marks.find((m) => m.kind === "rect" && m.fill && Math.abs(m.x + 2 - second.x) < 1e-6);
  assert.ok(ground.fill.startsWith("rgb") && ground.y > at("😀").y);
  assert.ok(marks.some((m) => m.stroke === "ink" && Math.abs(m.x + 2 - third.x) < 1e-6));
  assert.ok(at("two").y > first.y && height > at("two").y);
  assert.equal(marks.filter((m) => m.kind === "curve").length, 2);
});
