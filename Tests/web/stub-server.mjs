// SPDX-License-Identifier: Apache-2.0
// A stand-in for serve: the page, a tree, and the six endpoints with made-up answers and every
// kind of error. `node stub-server.mjs PORT WEB DATA [--static]`

import { createServer } from "node:http";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { attributionAnswer } from "./fixture-tree.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json",
  ".svg": "image/svg+xml",
};
const [port, web, data, mode] = process.argv.slice(2);
const live = mode !== "--static";
const fail = (status, detail, headers = {}) => ({ status, body: { detail }, headers });
const done = (body) => ({ status: 200, body });
const edge = ({ layer, head, seq_idx, query_pos, key_pos }) => `L${layer}H${head}S${seq_idx}Q${query_pos}K${key_pos}`;
const state = { changes: 0, modelLoads: 1, projected: new Map() };

const read = (path, fallback) =>
  (existsSync(join(data, path)) ? JSON.parse(readFileSync(join(data, path), "utf8")) : fallback);
function write(path, value) {
  state.changes++;
  mkdirSync(join(data, path, ".."), { recursive: true });
  writeFileSync(join(data, path), JSON.stringify(value));
}

function custom({ layer, head, text }) {
  if (text.includes("loading") && state.modelLoads-- > 0) return fail(
    503, "The model is still loading.", { "Retry-After": "1" },
  );
  if (text.length > 400) return fail(422, "The text has more than 256 tokens; shorten it.");
  const tokens = text.match(/\s?\S+|\s+/g);
  const n = tokens.length;
  const indices = [];
  const values = [];
  for (let q = 0; q < n; q++) {
    indices.push(q * n + Math.max(0, q - 1));
    values.push(0.5 + 0.4 * (q / n));
  }
  const record = {
    sequence_id: `c${[...text].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7).toString(16)}`, tokens,
    attention_indices: indices, attention_values: values, seq_len: n, max_activation: values.at(-1),
  };
  const path = `custom_sequences/L${layer}H${head}.json`;
  const all = read(path, { sequences: [] }).sequences.filter((s) => s.sequence_id !== record.sequence_id);
  write(path, { sequences: [...all, record] });
  return done(record);
}

/** The heads with custom sequences, as the page needs them to be named. */
function customHeads() {
  const folder = join(data, "custom_sequences");
  return (existsSync(folder) ? readdirSync(folder) : []).flatMap((name) => {
    const [, layer, head] = /^L(\d+)H(\d+)\.json$/.exec(name) ?? [];
    return layer === undefined ? [] : [[Number(layer), Number(head)]];
  });
}

const OPERATIONS = {
  add_custom_sequence: custom,
  delete_custom_sequence({ layer, head, sequence_id }) {
    const path = `custom_sequences/L${layer}H${head}.json`;
    const all = read(path, { sequences: [] }).sequences;
    if (!all.some((s) => s.sequence_id === sequence_id)) return fail(
      404, `There is no custom sequence ${sequence_id}.`,
    );
    write(path, { sequences: all.filter((s) => s.sequence_id !== sequence_id) });
    return done({ success: true });
  },
  save_umap_clusters({ layer, head, clusters, base }) {
    const path = `umap/L${layer}H${head}.json`;
    const there = read(path, {});
    const version = there.clusters_version ?? "0";
    if (base !== undefined && base !== version) return {
      status: 409, body: { detail: "These clusters were changed meanwhile.", version, clusters: there.clusters },
    };
    const next = String(Number(version) + 1);
    write(path, { ...there, clusters, clusters_version: next });
    return done({ success: true, version: next });
  },
  project_to_umap(body) {
    const path = `umap/L${body.layer}H${body.head}.json`;
    const file = read(path, null);
    if (!file) return fail(404, "This head has no cloud.");
    const found = file.projected_points.findIndex((p) => String(p.seq_idx) === body.seq_idx && p.top_q === body.query_pos && p.top_k === body.key_pos);
    if (found >= 0) return done({ found_in_cloud: false, found_in_projected: true, projected_index: found });
    const at = (v) => Object.fromEntries(["Q", "K", "V", "O"].map((s) => [s, { d0: v, d1: v, d2: v }]));
    const point = {
      seq_idx: body.seq_idx, top_q: body.query_pos, top_k: body.key_pos, norm: 9, pca: at(1),
      umap_views: (file.views ?? []).map(() => at(2)), tokens: ["A", " projected", " edge"],
    };
    write(path, { ...file, projected_points: [...file.projected_points, point] });
    return done({ found_in_cloud: false, found_in_projected: false, point });
  },
  qk_attributions: (body) => attribution("qk", body),
  ov_attributions: (body) => (body.head > 0 ? attribution("ov", body) : fail(
    501, "There is no dictionary of layer 0 in dictionaries/: make dictionary LAYERS=0 trains one, then start serve again.",
  )),
};

function attribution(kind, body) {
  if (body.context?.tag !== "verbatim") return fail(422, "context was not copied.");
  if (body.key_pos > body.query_pos) return fail(
    422, `Key ${body.key_pos} lies after query ${body.query_pos}; the model is causal.`,
  );
  const answer = attributionAnswer(body.query_pos, { kind, full: body.head > 0 });
  write(`attributions/${kind}/${edge(body)}.json`, answer);
  return done(answer);
}

function answer(response, { status, body, headers = {} }) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function file(response, path) {
  const found = [...(path.startsWith("/data/") ? [join(data, path.slice(6))] : [join(
    web, path === "/" ? "index.html" : path,
  )])].find((p) => existsSync(p) && statSync(p).isFile());
  if (!found) {
    response.writeHead(404);
    return response.end("not found");
  }
  response.writeHead(
    200, { "Content-Type": TYPES[extname(found)] ?? "application/octet-stream", "Cache-Control": "no-cache" },
  );
  return response.end(readFileSync(found));
}

createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
  const name = /^\/api\/head_vis\/public\/(\w+)\/v0$/.exec(path)?.[1];
  if (live && path === "/data/server_config.json") return answer(
    response, done({ server_url: `http://localhost:${port}`, context: { tag: "verbatim" }, custom_heads: customHeads() }),
  );
  if (!name) return file(response, path);
  if (name === "status") return answer(
    response,
    done({
      model: { name: "stub", state: "ready" }, changes: String(state.changes),
      operations: Object.fromEntries(Object.keys(OPERATIONS).map((k) => [k, true])),
    }),
  );
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on(
    "end", () => answer(response, OPERATIONS[name]?.(JSON.parse(body)) ?? fail(404, `No operation is named ${name}.`)),
  );
  return undefined;
}).listen(Number(port), "localhost");
