// SPDX-License-Identifier: Apache-2.0
// The lab's forms, links and drawings without a page.

import assert from "node:assert/strict";
import test from "node:test";
import { matrixScene, sourcesScene, sweepScene } from "../../web/js/plots/lab.js";
import { createLabClient } from "../../web/js/core/lab.js";
import { KINDS, bySize, exampleOf, formOf, jobText, partName, questionOf, readAsk, readManifest, readMark, swapRow } from "../../web/js/pure/lab.js";
import { emptySlot, linesOf, readValues } from "../../web/js/pure/slot.js";
import { toSvg } from "../../web/js/pure/scene.js";

const colours = { ink: "#000000", soft: "#333333", faint: "#777777", line: "#cccccc", accent: "#0055aa", panel: "#ffffff", given: "#aa5500" };
const head = { layer: 3, head: 1 };

test("the example of every kind survives the way through its form", () => {
  for (const kind of Object.keys(KINDS)) {
    const question = exampleOf(kind, head);
    assert.deepEqual(questionOf(kind, formOf(question), head), question, kind);
  }
});

test("marks are positions, texts, slots or JSON", () => {
  assert.equal(readMark(" -1 "), -1);
  assert.equal(readMark("12"), 12);
  assert.equal(readMark("the#2"), "the#2");
  assert.equal(readMark("{}"), "{}");
  assert.deepEqual(readMark('{"text": "a", "offset": 1}'), { text: "a", offset: 1 });
});

test("prompts may be stored sequences", () => {
  const texts = { prompt: "#12", query: "3", key: "0" };
  assert.deepEqual(questionOf("sources", texts, head).prompt, { sequence: "12" });
  assert.equal(questionOf("sources", { ...texts, prompt: "#1 of many" }, head).prompt, "#1 of many");
  assert.equal(formOf(questionOf("sources", texts, head)).prompt, "#12");
});

test("a slot's values are a range, a list or lines, bounded", () => {
  assert.deepEqual(readValues("1000..1060:20"), ["1000", "1020", "1040", "1060"]);
  assert.deepEqual(readValues(" -1..1 \n"), ["-1", "0", "1"]);
  assert.deepEqual(readValues(" cat|dog| sun"), [" cat", "dog", " sun"]);
  assert.deepEqual(readValues("a|b\r\n\n 1..3\n"), ["a|b", " 1..3"], "of several lines each is a value as it stands");
  assert.throws(() => readValues("5..1"), /does not go up/);
  assert.throws(() => readValues("1..9:0"), /does not go up/);
  assert.throws(() => readValues("1..9000"), /more than 5000/);
  const many = Array.from({ length: 5003 }, (_, i) => `v${i}`).join("\n");
  assert.throws(() => readValues(many), /more than 5000/);
  assert.deepEqual([linesOf(many).lines.length, linesOf(many).left], [5000, 3]);
  assert.deepEqual(linesOf("\ufeffa\r\n\r\n b\n"), { lines: ["a", " b"], left: 0 });
});

test("values that are given count, whatever the prompt's slot lists", () => {
  const texts = { prompt: "In {1000..2020:20} and {\"x\": 1}", values: "1..3", query: "{}", key: "0" };
  assert.equal(questionOf("sweep", texts, head).prompt, 'In {} and {"x": 1}');
  assert.deepEqual(questionOf("sweep", texts, head).values, ["1", "2", "3"]);
  assert.equal(questionOf("sweep", { ...texts, values: "" }, head).prompt, texts.prompt);
  assert.equal(emptySlot("the {cat|dog} ran"), "the {} ran");
  assert.throws(() => questionOf("sweep", { ...texts, values: "3..1" }, head), /^Error: Values of .*: is a range that does not go up\./);
});

test("a row of a swap tells before, after and difference of score and attention", () => {
  const cell = (score, attention) => ({ token: { position: 1, text: "a" }, score, attention });
  const row = swapRow({ offset: 3, before: cell(1, 0.25), after: cell(0.5, 0.75) });
  assert.deepEqual([row.score, row.attention], [[1, 0.5, -0.5], [0.25, 0.75, 0.5]]);
  const gone = swapRow({ offset: 3, before: cell(1, 0.25), after: null });
  assert.deepEqual([gone.score, gone.attention, gone.tokens[1]], [[1, null, null], [0.25, null, -0.25], null]);
});

test("what is wrong in a form is told with the name of the field", () => {
  assert.throws(() => questionOf("sources", { query: "1", key: "2" }, head), /Prompt is empty/);
  assert.throws(() => questionOf("virtual", { feature: "x", circuit: "query" }, head), /Feature: must be a whole number/);
  assert.throws(() => questionOf("test", { prompts: "{" }, head), /Prompts.*: is not JSON/);
  assert.throws(() => questionOf("geometry", { queries: "no bar", keys: "1 | a" }, head), /is not: mark \| prompt/);
});

test("a link holds an answer's id or a question, and nothing else", () => {
  assert.deepEqual(readAsk("0123456789abcdef"), { id: "0123456789abcdef", question: null });
  const question = exampleOf("sweep", head);
  assert.deepEqual(readAsk(JSON.stringify(question)), { id: null, question });
  for (const text of ["", "../x", "{", "[]", '{"question": "toString"}', "0123456789ABCDEF"]) {
    assert.deepEqual(readAsk(text), { id: null, question: null }, text);
  }
});

test("a job goes on at a server that was started anew, and says so", async () => {
  const failing = (status) => Object.assign(new Error("no"), { status });
  const running = { job: "j1", state: "running", done: 0, total: 1, prompts: [256, 600], kept: 0 };
  const script = [
    ["start_lab_job", running], ["lab_job", running], ["lab_job", failing(0)], ["lab_job", failing(404)], ["start_lab_job", failing(503)],
    ["start_lab_job", { ...running, job: "j2", kept: 256 }], ["lab_job", { ...running, job: "j2", state: "done", done: 1, prompts: [0, 0], kept: 256 }],
  ];
  const backend = {
    async call(name, body) {
      const [expected, answer] = script.shift();
      assert.equal(name, expected);
      assert.deepEqual(body, name === "lab_job" ? { job: script.length ? "j1" : "j2" } : { questions: ["q"] });
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const told = [];
  const end = await createLabClient({ tree: null, backend }, { pollMs: 0 }).job(["q"], (state) => told.push(jobText(state)));
  assert.equal(end.state, "done");
  assert.equal(script.length, 0);
  assert.equal(told[0], "0 of 1 questions answered, 256 of 600 prompts of the next");
  assert.match(told[2], /does not answer; what it has done is kept/);
  assert.match(told[5], /256 prompts were known from before$/);
  const broken = { call: async () => { throw failing(422); } };
  await assert.rejects(createLabClient({ tree: null, backend: broken }, { pollMs: 0 }).job(["q"], () => {}));
});

test("malformed entries of a manifest are left out", () => {
  const good = { id: "0123456789abcdef", question: "rank", layer: null, head: null, about: "x", corpus: false };
  assert.deepEqual(readManifest({ answers: [good, null, { ...good, id: "../../x" }, { ...good, question: "why" }] }), [good]);
  assert.deepEqual(readManifest(null), []);
});

test("components have names, and go by size", () => {
  const parts = [{ kind: "embedding", value: 1 }, { kind: "head", layer: 2, head: 5, value: -3 }, { kind: "mlp", layer: 0, value: 2 }];
  assert.deepEqual(bySize(parts).map(partName), ["L2H5", "MLP 0", "embedding"]);
});

test("the drawing of sources has a cell for every part, coloured by its sign", () => {
  const parts = [
    { kind: "embedding", value: 0.5 }, { kind: "head", layer: 0, head: 0, value: 2 }, { kind: "head", layer: 0, head: 1, value: -1 },
    { kind: "mlp", layer: 0, value: 0.25 }, { kind: "bias of the head", value: 0.1 },
  ];
  const scene = sourcesScene({ sides: [{ name: "at the key", total: 1.85, parts }, { name: "at the query", total: 1.85, parts }], title: "t", colours });
  const cells = scene.marks.filter((m) => m.kind === "rect");
  assert.equal(cells.length, 2 * parts.length);
  assert.match(cells[0].fill, /90,174,97/);
  assert.match(cells[1].fill, /175,141,195/);
  assert.ok(toSvg(scene, "t").includes("at the key: 1.85"));
});

test("a sweep's curve is over numbers, or over the values as they come", () => {
  const rows = ["1000", "1500", "2000"].map((value, i) => ({ value, attention: i / 4 }));
  const points = sweepScene({ rows, colours }).marks.filter((m) => m.kind === "circle").map((m) => m.x);
  assert.ok(Math.abs(points[1] - (points[0] + points[2]) / 2) < 1e-9);
  const words = sweepScene({ rows: [{ value: "a", attention: 0 }, { value: "<b>", attention: 1 }], colours });
  assert.equal(words.marks.filter((m) => m.kind === "circle").length, 2);
  assert.ok(toSvg(words).includes("&lt;b&gt;"));
  // The scores stand below, without those of keys that are not seen.
  const both = sweepScene({ rows: rows.map((row, i) => ({ ...row, score: i ? -i : null })), colours });
  assert.equal(both.height, 2 * words.height);
  const lower = both.marks.filter((m) => m.kind === "circle" && m.y > words.height);
  assert.equal(lower.length, 2);
  assert.ok(lower[0].y < lower[1].y, "a lower score is lower");
});

test("a matrix has its cells and the means of rows and columns", () => {
  const table = { values: [[1, -1, 2], [0, 3, -2]], row_means: [2 / 3, 1 / 3], column_means: [0.5, 1, 0] };
  const scene = matrixScene({ table, rows: ["a", "b"], columns: ["x", "y", "z"], title: "t", colours });
  assert.equal(scene.marks.filter((m) => m.kind === "rect").length, 6 + 2 + 3);
});
