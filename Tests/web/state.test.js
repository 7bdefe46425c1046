// SPDX-License-Identifier: Apache-2.0
// The state table and the URL: what a link restores, and where the tree is looked for.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { STATE, forgetHead, readSelection, readState, writeSelection, writeState } from "../../web/js/core/state.js";
import { createPlace } from "../../web/js/core/place.js";
import { createStore } from "../../web/js/core/store.js";
import { dataCandidates } from "../../web/js/core/opentree.js";
import { readPlace } from "../../web/js/core/sight.js";
import { createBackend } from "../../web/js/core/backend.js";

test("every state survives the way through the URL", () => {
  const state = readState("");
  const values = {
    layer: 5, head: 1, tab: "umap", interval: -1, reduction: "pairwise_max", transpose: true, seq: "c12", qpos: 4,
    kpos: 0, text: "a&b=c", sel: "7:1,2", map: "7", zoom: "0,0,8", pattern: "difference", stripe: true, open: "7,8", at: "7:40", rank: "7:5,3", prompt: "c1", by: "edge", flow: true, edge: "3,2", vs: "5.1", preset: "sink", x: "a", y: "b", color: "none",
    xlog: true, ylog: true, bars: true, box: "0,1,2,3", grid: "b", top: 0, ranks: true, atlas: "likeness", sort: "-b", find: "5.1 b<2", cloud: "pca",
    spaces: "QK", paint: "token", rule: "/^ t/", side: "k", eye: "1,1,0.85", flat: true, regions: true, lens: "Q2,0.1,0", point: "p3", view: "writes",
    pick: 2, partner: 1, ask: '{"question":"rank"}', width: 420, full: "grid", pane: "list", theme: "dark", embed: true, data: "other/",
  };
  assert.deepEqual(Object.keys(values).sort(), Object.keys(STATE).sort());
  assert.deepEqual(readState(writeState({ ...state, ...values })), values);
  assert.equal(writeState(state), "");
});

test("attr opens the attribution of an edge; without an edge the tab stays, for the strongest one", () => {
  assert.equal(readState("attr=ov&seq=3&qpos=9&kpos=2").tab, "ov");
  assert.equal(readState("attr=qk").tab, "qk");
  assert.equal(readState("tab=ov").tab, "ov");
  const query = writeState({ ...readState(""), tab: "qk", seq: "3", qpos: 9, kpos: 0 });
  assert.equal(query, "attr=qk&seq=3&qpos=9&kpos=0");
});

test("nonsense in a URL falls back", () => {
  const state = readState("layer=x&tab=admin&interval=1e9&reduction=&top=abc&layer=2&constructor=1");
  assert.deepEqual(
    [state.layer, state.tab, state.interval, state.reduction, state.top], [null, "sequences", null, "max", null],
  );
  assert.ok(!Object.hasOwn(state, "constructor"));
});

test("a change of head forgets what belonged to the former", () => {
  for (const key of Object.keys(forgetHead())) assert.equal(forgetHead()[key], STATE[key].fallback, key);
});

test("selections are written and read, malformed ones are none", () => {
  assert.deepEqual(readSelection(writeSelection("a:b", [1, 20])), { id: "a:b", positions: [1, 20] });
  assert.equal(writeSelection("7", []), "");
  for (const bad of ["", "7", "7:", "7:x", ":1"]) assert.equal(readSelection(bad), null);
});

function fakeView(search) {
  const listeners = {};
  const log = [];
  const view = {
    location: { search, pathname: "/", hash: "", href: `http://h/${search}` },
    history: {
      pushState: (a, b, href) => log.push(["push", href]),
      replaceState: (a, b, href) => log.push(["replace", href]),
    },
    addEventListener: (type, run) => (listeners[type] = run),
  };
  return { view, log, listeners };
}

test("steps are pushed, looks are replaced, and Back tells the parts", async () => {
  const { view, log, listeners } = fakeView("?layer=1&head=2");
  const store = createStore(view);
  const heard = [];
  store.on(["head"], (state) => heard.push(state.head));
  store.set({ head: 3 });
  assert.deepEqual(log.at(-1), ["push", "/?layer=1&head=3"]);
  store.set({ x: "a" });
  store.set({ hovered: "not for the URL" });
  await new Promise((wait) => setTimeout(wait, 200));
  assert.deepEqual(log.at(-1), ["replace", "/?layer=1&head=3&x=a"]);
  assert.equal(log.length, 2);
  view.location.search = "?layer=1&head=2";
  listeners.popstate();
  assert.deepEqual(heard, [3, 2]);
  assert.equal(store.link(), "http://h/?layer=1&head=2");
});

test("the tree is beside the page, beside its folder, or where data= says on this origin", () => {
  assert.deepEqual(dataCandidates("http://h/", ""), ["http://h/data/"]);
  assert.deepEqual(dataCandidates("http://h/web/index.html", ""), ["http://h/data/", "http://h/web/data/"]);
  assert.deepEqual(dataCandidates("http://h/site/", ""), ["http://h/site/data/", "http://h/data/"]);
  assert.deepEqual(dataCandidates("http://h/site/", "../other"), ["http://h/other/"]);
  assert.throws(() => dataCandidates("http://h/", "http://elsewhere/data/"), /another origin/);
  assert.throws(() => dataCandidates("http://h/", "//elsewhere/data/"), /another origin/);
});

test("a place is a sequence and pixels, or pixels alone", () => {
  assert.deepEqual(readPlace("c1:2:40"), { id: "c1:2", past: 40 });
  assert.deepEqual(readPlace(":-3"), { id: "", past: -3 });
  for (const bad of ["", "7", "7:x", "7:1.5"]) assert.equal(readPlace(bad), null);
});

test("no server_url is static mode", () => {
  for (const config of [{}, undefined, { server_url: null }]) assert.equal(createBackend(config, "http://h/"), null);
  assert.notEqual(createBackend({ server_url: "" }, "http://h/"), null);
});

test("index.html preloads exactly the modules main.js reaches", () => {
  const web = new URL("../../web/", import.meta.url);
  const seen = new Set();
  const visit = (url) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    for (const [, path] of readFileSync(url, "utf8").matchAll(/from "(\.[^"]+)"/g)) visit(new URL(path, url));
  };
  visit(new URL("js/main.js", web));
  const listed = [...readFileSync(
    new URL("index.html", web), "utf8",
  ).matchAll(/modulepreload" href="([^"]+)"/g)].map(([, path]) => new URL(path, web).href);
  assert.deepEqual(listed.sort(), [...seen].sort());
});

test("imports go down, from parts to plots to core to pure, and never in a circle", () => {
  const floors = ["pure", "core", "plots", "parts"];
  const js = new URL("../../web/js/", import.meta.url);
  const imports = new Map();
  for (const [i, floor] of floors.entries()) {
    for (const name of readdirSync(new URL(`${floor}/`, js))) {
      const file = new URL(`${floor}/${name}`, js);
      const found = [...readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)"(?!\)\.)/g)]
        .map(([, path]) => new URL(path, file).href.slice(js.href.length));
      imports.set(`${floor}/${name}`, found);
      for (const path of found) {
        assert.ok(floors.indexOf(path.split("/")[0]) <= i, `${floor}/${name} imports ${path}, which lies above it`);
      }
    }
  }
  const finished = new Set();
  const walk = (name, way) => {
    assert.ok(!way.includes(name), `a circle of imports: ${[...way, name].join(" -> ")}`);
    if (finished.has(name)) return;
    for (const path of imports.get(name)) walk(path, [...way, name]);
    finished.add(name);
  };
  for (const name of imports.keys()) walk(name, []);
});

test("parts subscribe through the place they are in, which ends it", () => {
  const parts = new URL("../../web/js/parts/", import.meta.url);
  for (const name of readdirSync(parts)) {
    assert.doesNotMatch(readFileSync(new URL(name, parts), "utf8"), /\bstore\.on\(/, `parts/${name}`);
  }
});

test("a place ends what its parts held when it is filled anew, emptied, or ended by the place around it", () => {
  const element = () => ({ children: [], replaceChildren() { this.children = []; }, append(...nodes) { this.children.push(...nodes); } });
  const listeners = new Set();
  const ended = [];
  const root = {
    store: { on(keys, run) { listeners.add(run); return () => listeners.delete(run); } }, own() {},
  };
  const outer = createPlace(root, element());
  let inner;
  let late;
  outer.fill((app) => {
    app.on(["layer"], () => {});
    inner = createPlace(app, element());
    inner.fill((deep) => {
      late = deep;
      deep.on(["head"], () => {});
      deep.own(() => ended.push("canvas"));
      return "text";
    });
    return null;
  });
  assert.deepEqual([inner.element.children, listeners.size], [["text"], 2]);
  inner.fill(() => "other");
  assert.deepEqual([ended, listeners.size], [["canvas"], 1]);
  late.on(["head"], () => {});
  late.own(() => ended.push("late"));
  assert.deepEqual([ended, listeners.size], [["canvas", "late"], 1]);
  inner.fill((deep) => deep.own(() => ended.push("third")));
  outer.empty();
  assert.deepEqual([ended, listeners.size], [["canvas", "late", "third"], 0]);
});

test("the policy's style hash was taken from the plotly.js that is served", (t) => {
  const web = new URL("../../web/", import.meta.url);
  const vendor = new URL("vendor/plotly.min.js", web);
  if (!existsSync(vendor)) return t.skip("web/vendor/plotly.min.js is not fetched");
  const [, known] = /sha256 is ([0-9a-f]{64})/.exec(readFileSync(new URL("index.html", web), "utf8")) ?? [];
  const found = createHash("sha256").update(readFileSync(vendor)).digest("hex");
  assert.equal(found, known, "web/vendor/plotly.min.js is another one than the policy of web/index.html was made for: open "
    + "a 3-D projection in Chromium, put the sha256 its console asks for into style-src, and this file's sha256 "
    + `(${found}) into the comment above it.`);
});

test("docs/page.md lists every key of the state with its meaning", () => {
  const docs = readFileSync(new URL("../../docs/page.md", import.meta.url), "utf8");
  for (const [key, { says }] of Object.entries(STATE)) assert.ok(docs.includes(`| \`${key}\` | ${says} |`), key);
});
