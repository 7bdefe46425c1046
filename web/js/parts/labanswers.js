// SPDX-License-Identifier: Apache-2.0
// The answers of the lab, a panel or more for each kind of question.

import { button, el, fill } from "../core/dom.js";
import { createPanel } from "../core/panel.js";
import { writeSelection } from "../core/state.js";
import { drawScene } from "../pure/scene.js";
import { matrixScene, sourcesScene, sweepScene } from "../plots/lab.js";
import { binned, barPlot } from "../plots/bars.js";
import { address, number, quoted, score } from "../pure/format.js";
import { bySize, partName, swapRow } from "../pure/lab.js";
import { textOnly } from "../pure/sequence.js";
import { edgeText } from "./edgetext.js";

const PARTS_LISTED = 14; // of each side; exports hold all

/**
 * @typedef {import("../core/app.js").App} App
 * @typedef {import("../core/dom.js").Leaf} Leaf
 * @typedef {import("../core/app.js").Scene} Scene
 * @typedef {import("../pure/answers.js").Part} Part
 * @typedef {import("../pure/answers.js").Place} Place
 * @typedef {import("../pure/answers.js").Raised} Raised
 * @typedef {import("../pure/lab.js").OfHead} OfHead
 * @typedef {{id: string, question: OfHead, answer: object}} Answered
 */

/**
 * @template A
 * @typedef {(app: App, question: OfHead, answer: A, open: (question: OfHead) => void) => HTMLElement[]} Show the panels of an answer
 */

/**
 * A record of a question that has panels here, stored or just answered; throws where it is none.
 * @param {import("../pure/shapes.js").Parsed} record
 * @returns {Answered}
 */
export function readAnswer(record) {
  const { question, answer } = /** @type {{question?: Partial<OfHead> | null, answer?: unknown}} */ (record ?? {});
  const isKnown = Object.hasOwn(PANELS, question?.question ?? "") && answer && typeof answer === "object";
  if (!isKnown) throw new Error("This answer is not as expected.");
  return /** @type {Answered} */ (record);
}

/**
 * The panels of a record; `open(question)` asks another one.
 * @param {App} app
 * @param {Answered} record
 * @param {(question: OfHead) => void} open
 */
export function answerPanels(app, { question, answer }, open) {
  const show = /** @type {Record<string, Show<never>>} */ (PANELS)[question.question];
  return show(app, question, /** @type {never} */ (answer), open);
}

/**
 * A drawing on the page, and what it shows in words.
 * @param {Scene} scene
 * @param {string} label
 */
function drawing(scene, label) {
  const scale = Math.max(2, window.devicePixelRatio || 1);
  const canvas = el("canvas", {
    width: Math.ceil(scene.width * scale), height: Math.ceil(scene.height * scale), role: "img", "aria-label": label, class: "drawing",
  });
  canvas.style.width = `${scene.width}px`;
  const context = canvas.getContext("2d");
  if (context) drawScene(context, scene, scale);
  return canvas;
}

/**
 * Whether a cell is a number, to be told or told already.
 * @param {Leaf} cell
 */
const isNumeric = (cell) => typeof cell === "number" || (typeof cell === "string" && /^[-−]?\d[\d.]*(e[-+]?\d+)?( σ)?$/.test(cell));

/**
 * A table of rows of cells; numbers are told by `number`.
 * @param {string} caption
 * @param {string[]} columns
 * @param {Leaf[][]} rows
 */
function table(caption, columns, rows) {
  return el("div", { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": caption }, el("table", { class: "weights" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, columns.map((name, i) => el("th", { scope: "col", class: i && rows.some((cells) => isNumeric(cells[i])) ? "num" : null }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, i) => (i === 0
      ? el("th", { scope: "row" }, cell)
      : el("td", { class: isNumeric(cell) ? "num" : null }, typeof cell === "number" ? number(cell) : cell))))))));
}

/** @param {Place} place */
const place = ({ position, text }) => `${position} ${quoted(text)}`;

/**
 * The text of an answer with its queries and keys; of a sequence of the corpus, a way to it.
 * @param {import("../core/app.js").App} app
 * @param {import("../pure/lab.js").Question} question
 * @param {string[]} tokens
 * @param {{position: number}[]} queries
 * @param {{position: number}[]} keys
 */
function promptText(app, question, tokens, queries, keys) {
  const { session, store } = app;
  const [q, k] = [queries, keys].map((marks) => marks.map(({ position }) => position));
  const id = /** @type {{sequence?: unknown} | undefined} */ (question.prompt)?.sequence;
  const name = id === undefined ? "" : String(id);
  if (!name) return [edgeText(tokens, q, k)];
  const note = el("span", { class: "dim" });
  const show = () => (note.textContent = session.lacks(name) ? `${app.headName()} did not keep it: each head keeps a sample of its own.` : "");
  app.on(["headVersion"], show);
  show();
  return [edgeText(tokens, q, k), el("p", { class: "row" }, button(`Open sequence ${name}`, () => store.set({
    ...session.place(session.sequence(name) ?? textOnly(name, tokens)), sel: writeSelection(name, q),
  }), { class: "small" }), note)];
}

const PANELS = {
  /** @type {Show<import("../pure/answers.js").Sources>} */
  sources(app, question, answer, open) {
    const sides = [{ name: "at the key", ...answer.key_side }, { name: "at the query", ...answer.query_side }];
    const title = `${address(question.layer, question.head)}: query ${place(answer.query)} to key ${place(answer.key)}`;
    const scene = () => sourcesScene({ sides, title, colours: app.theme.colours });
    const panel = createPanel(app, {
      name: "lab-sources", title: question.feature === undefined ? "Where the score comes from" : `Who wrote feature ${question.feature}`,
      describe: "Each side by itself adds up to the score: with the query held, what every component has written at the key; with the "
        + "key held, at the query. The scales of norms are held as they were. Rows are layers, cells heads; green raises, purple lowers.",
      give: {
        scene, table: () => ({
          columns: ["side", "component", "layer", "head", "value", "strongest_key", "key_attention", "key_value"],
          rows: sides.flatMap(({ name, parts }) => parts.map((p) => [
            name, p.kind, p.layer ?? "", p.head ?? "", p.value, p.keys?.[0]?.position ?? "", p.keys?.[0]?.attention ?? "", p.keys?.[0]?.value ?? "",
          ])),
        }),
      },
    });
    const token = (/** @type {number} */ i) => `${i} ${quoted(answer.tokens[i] ?? "")}`;
    /** @type {(part: Part, position: number) => Leaf} */
    const from = (part, position) => {
      const { kind, layer, head, keys: [key] = [] } = part;
      if (kind !== "head" || !key) return "";
      const text = `${token(key.position)} (${score(key.value)})`;
      if (typeof layer !== "number" || typeof head !== "number" || !app.heads.row(layer, head)) return text;
      return button(text, () => open({
        question: "sources", layer, head, prompt: question.prompt, query: position, key: key.position,
      }), { class: "link", title: `Ask ${partName(part)} why it looks there` });
    };
    /** @type {(side: typeof sides[number], position: number) => HTMLElement} */
    const side = ({ name, parts }, position) => table(`Largest parts ${name}`, ["component", "part", "mostly from"],
      bySize(parts).slice(0, PARTS_LISTED).map((part) => [partName(part), score(part.value), from(part, position)]));
    fill(panel.body,
      el("p", {}, `score ${score(answer.score)}, attention ${number(answer.attention)}`),
      ...promptText(app, question, answer.tokens, [answer.query], [answer.key]),
      drawing(scene(), `Parts of the score by layer. ${sides.map((s) => `Largest ${s.name}: ${bySize(s.parts).slice(0, 3).map((p) => `${partName(p)} ${score(p.value)}`).join(", ")}`).join(". ")}.`),
      el("div", { class: "lab-columns" }, side(sides[0], answer.key.position), side(sides[1], answer.query.position)),
    );
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Rank>} */
  rank(app, question, answer, open) {
    const panel = createPanel(app, {
      name: "lab-rank", title: "All heads on this edge",
      describe: "Attention of every head of the model, summed over all pairs of the queries and keys.",
      give: { table: () => ({ columns: ["rank", "layer", "head", "attention"], rows: answer.heads.map((h, i) => [i + 1, h.layer, h.head, h.attention]) }) },
    });
    /** @type {(head: typeof answer.heads[number]) => Leaf} */
    const head = (h) => (app.heads.row(h.layer, h.head)
      ? button(address(h.layer, h.head), () => open({
        question: "sources", layer: h.layer, head: h.head, prompt: question.prompt, query: answer.queries[0].position, key: answer.keys[0].position,
      }), { class: "link", title: "Ask this head where its score comes from" })
      : address(h.layer, h.head));
    fill(panel.body,
      el("p", {}, `queries ${answer.queries.map(place).join(", ")}; keys ${answer.keys.map(place).join(", ")}`),
      ...promptText(app, question, answer.tokens, answer.queries, answer.keys),
      table("The strongest heads", ["head", "attention"], answer.heads.slice(0, 24).map((h) => [head(h), h.attention])));
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Writes>} */
  writes(app, question, answer) {
    /** @type {(list: Raised[], name: string) => Leaf[][]} */
    const rows = (list, name) => list.map((t) => [name, t.text, t.logit, ...answer.keys.map((_, i) => t.by_key?.[i] ?? "")]);
    const panel = createPanel(app, {
      name: "lab-writes", title: "What it writes here",
      describe: "How far the head's output at this position moves the logits of the next token, above the mean over the vocabulary: the "
        + "direct path, with the scale of the final norm held.",
      give: { table: () => ({
        columns: ["side", "token", "logit", ...answer.keys.map((k) => `from_${k.position}`)],
        rows: [...rows(answer.total.promotes, "promotes"), ...rows(answer.total.suppresses, "suppresses")],
      }) },
    });
    /** @type {(name: string, tokens: Raised[]) => HTMLElement} */
    const list = (name, tokens) => table(`${name}, by key`, ["token", "logit", ...answer.keys.map(place)],
      tokens.map((t) => [quoted(t.text), t.logit, ...(t.by_key ?? [])]));
    panel.body.append(
      el("p", {}, `query ${place(answer.query)}; attention ${answer.keys.map((k) => `${place(k)} ${number(k.attention)}`).join(", ")}`),
      list("Raises", answer.total.promotes), list("Lowers", answer.total.suppresses),
      ...answer.keys.map((key) => el("p", {}, el("b", {}, `From ${place(key)} alone: `),
        `raises ${key.written.promotes.slice(0, 6).map((t) => quoted(t.text)).join(" ")}, lowers ${key.written.suppresses.slice(0, 6).map((t) => quoted(t.text)).join(" ")}`)));
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Sweep>} */
  sweep(app, question, answer) {
    const scene = () => sweepScene({ rows: answer.rows, colours: app.theme.colours });
    const panel = createPanel(app, {
      name: "lab-sweep", title: "Attention and score by value",
      give: { scene, table: () => ({
        columns: ["value", "tokens", "query", "key", "score", "attention"],
        rows: answer.rows.map((r) => [r.value, r.tokens.length, r.query.position, r.key.position, r.score ?? "", r.attention]),
      }) },
    });
    const best = [...answer.rows].sort((a, b) => b.attention - a.attention)[0];
    panel.body.append(
      answer.several_tokens ? el("p", { class: "note" }, `${answer.several_tokens} of ${answer.rows.length} values are more or less than one token; the mark {} means a value's last.`) : "",
      drawing(scene(), `Attention and score for ${answer.rows.length} values, largest attention ${number(best.attention)} at ${best.value}.`),
      table("Values", ["value", "tokens", "query", "key", "score", "attention"],
        answer.rows.map((r) => [r.value, r.tokens.map(quoted).join(" "), place(r.query), place(r.key), r.score ?? "not seen", r.attention])));
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Swap>} */
  swap(app, question, answer) {
    const rows = answer.row.map(swapRow);
    const sides = ["before", "after", "difference"];
    const columns = ["offset", "token_before", "token_after", ...sides.map((side) => `score_${side}`), ...sides.map((side) => `attention_${side}`)];
    /** @type {(row: typeof rows[number]) => Leaf[]} */
    const cells = ({ offset, tokens, score, attention }) => [
      offset, ...tokens.map((t) => (t ? place(t) : "")), ...score.map((v) => v ?? ""), ...attention.map((v) => v ?? ""),
    ];
    const panel = createPanel(app, {
      name: "lab-swap", title: "Before and after",
      describe: "The whole row of the query, as attention is a competition: what one key loses others get.",
      give: { table: () => ({ columns, rows: rows.map(cells) }) },
    });
    /** @type {(row: typeof rows[number]) => number} */
    const change = ({ attention }) => Math.abs(attention[2] ?? 0);
    const most = [...rows].sort((a, b) => change(b) - change(a)).slice(0, 24).sort((a, b) => b.offset - a.offset);
    const edge = rows.find(({ offset }) => offset === answer.query.position - answer.key.position);
    const cross = answer.crossed;
    panel.body.append(
      el("p", {}, `query ${place(answer.query)}, key ${place(answer.key)}`),
      answer.turned ? "" : el("p", { class: "note" }, "This model has no rotary embedding: keys keep the positions they had."),
      cross ? table("Scores at the same offset", ["", "own key", "other key"], [
        ["own query", cross.own_query_own_key, cross.own_query_other_key], ["other query", cross.other_query_own_key, cross.other_query_other_key],
      ]) : "",
      edge ? table("The edge", ["", ...sides], [["score", ...edge.score.map((v) => v ?? "")], ["attention", ...edge.attention.map((v) => v ?? "")]]) : "",
      table("Keys whose attention changes most", columns.map((name) => name.replace("_", " ")), most.map((row) => [String(row.offset), ...cells(row).slice(1)])));
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Test>} */
  test(app, question, answer) {
    const { attention, score: scores } = answer;
    const differences = answer.rows.map((r) => r.a.attention - r.b.attention);
    const scene = () => barPlot({
      bins: binned(differences), width: 560, height: 220, colours: app.theme.colours, xLabel: "A[q, A] - A[q, B]", yLabel: "prompts",
    }).scene;
    const panel = createPanel(app, {
      name: "lab-test", title: "Does it hold?",
      describe: "Difference of attention to A and to B over the prompts; 95 % interval by bootstrap over prompts, p from random signs of the differences.",
      give: { scene, table: () => ({
        columns: ["text", "label", "query", "a", "b", "attention_a", "attention_b", "score_a", "score_b"],
        rows: answer.rows.map((r) => [r.text, r.label ?? "", r.query.position, r.a.token.position, r.b.token.position, r.a.attention, r.b.attention, r.a.score ?? "", r.b.score ?? ""]),
      }) },
    });
    /** @type {(name: string, s: typeof attention) => Leaf[]} */
    const line = (name, s) => [name, `${s.positive} of ${s.count}`, s.mean, `${number(s.low)} to ${number(s.high)}`, s.p < 1e-3 ? s.p.toExponential(1) : s.p.toFixed(3)];
    panel.body.append(
      table("A against B", ["what", "A more than B", "mean difference", "95 % interval", "p"], [
        line("attention", attention), ...(scores ? [line("score", scores)] : []), ...answer.labels.map((l) => line(l.label, l.attention)),
      ]),
      drawing(scene(), `Histogram of ${differences.length} differences, mean ${number(attention.mean)}.`),
      table("Prompts, worst first", ["prompt", "query", "A", "attention", "B", "attention"],
        answer.rows.slice(0, 50).map((r) => [r.text, place(r.query), place(r.a.token), r.a.attention, place(r.b.token), r.b.attention])));
    return [panel.root];
  },

  /** @type {Show<import("../pure/answers.js").Geometry>} */
  geometry(app, question, answer) {
    const names = { rows: answer.queries.map((t) => t.text), columns: answer.keys.map((t) => t.text) };
    return /** @type {["scores" | "cosines", string][]} */ ([
      ["scores", "Scores of every query with every key"], ["cosines", "Cosines of the residual streams"],
    ]).map(([key, title]) => {
      const values = answer[key];
      const scene = () => matrixScene({ table: values, ...names, title, colours: app.theme.colours });
      const panel = createPanel(app, {
        name: `lab-${key}`, title,
        describe: "Queries in rows, keys in columns; means of rows and columns at the edges. Green is above zero, purple below.",
        give: { scene, table: () => ({
          columns: ["query", "query_token", "key", "key_token", "value"],
          rows: values.values.flatMap((line, i) => line.map((v, j) => [i, names.rows[i], j, names.columns[j], v])),
        }) },
      });
      const diagonal = Number.isFinite(values.diagonal_mean) ? `diagonal ${number(values.diagonal_mean)}, elsewhere ${number(values.other_mean)}` : "";
      panel.body.append(drawing(scene(), `${title}, ${names.rows.length} by ${names.columns.length}. ${diagonal}`), el("p", {}, diagonal));
      return panel.root;
    });
  },

  /** @type {Show<import("../pure/answers.js").Virtual>} */
  virtual(app, question, answer) {
    const rows = /** @type {[string, typeof answer.highest][]} */ ([["highest", answer.highest], ["lowest", answer.lowest]]);
    const panel = createPanel(app, {
      name: "lab-virtual", title: `Feature ${answer.feature.feature} through the head`,
      describe: "In standard deviations of what random directions would give.",
      give: { table: () => ({ columns: ["end", "feature", "value", "deviations"], rows: rows.flatMap(([end, list]) => list.map((f) => [end, f.feature, f.value, f.deviations])) }) },
    });
    panel.body.append(
      el("p", {}, `Of as many random directions the largest would be about ${answer.chance.toFixed(1)} σ; the feature with itself has ${answer.feature.deviations.toFixed(1)} σ.`),
      el("div", { class: "lab-columns" }, rows.map(([end, list]) => table(`The ${end}`, ["feature", "deviations", "value"],
        list.map((f) => [String(f.feature), `${f.deviations.toFixed(1)} σ`, f.value])))),
      answer.promotes && answer.suppresses ? el("p", {}, `Tokens raised: ${answer.promotes.map((t) => quoted(t.text)).join(" ")}; lowered: ${answer.suppresses.map((t) => quoted(t.text)).join(" ")}`) : "");
    return [panel.root];
  },
};
