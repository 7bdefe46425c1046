// SPDX-License-Identifier: Apache-2.0
// The one table of everything a link can restore, and its mapping to and from the URL.

const TABS = ["sequences", "metrics", "circuit", "umap", "qk", "ov", "prompts", "lab", "help"];

/** Interval number that stands for the custom sequences. */
export const CUSTOM = -1;

/**
 * A value of the state: how a URL writes and reads it.
 * @template T
 * @typedef {{fallback: T, read: (text: string) => T, write: (value: T) => string}} Value
 */

/** @type {(fallback?: string) => Value<string>} */
const text = (fallback = "") => ({ fallback, read: (s) => s, write: (v) => v });
/** @type {() => Value<boolean>} */
const flag = () => ({ fallback: false, read: (s) => s === "true" || s === "1", write: (v) => (v ? "true" : "") });
/** @type {(values: string[], fallback: string) => Value<string>} */
const oneOf = (values, fallback) => ({
  fallback,
  read: (s) => (values.includes(s) ? s : fallback),
  write: (v) => v,
});
/** @type {(fallback?: number | null) => Value<number | null>} */
const whole = (fallback = null) => ({
  fallback,
  read: (s) => (/^-?\d{1,15}$/.test(s) ? Number(s) : fallback),
  write: (v) => (v === null ? "" : String(v)),
});

/**
 * Every key of the page's state. `fallback` is the value a URL without the key means, `push` says
 * that a change is a step the Back button undoes, `says` is the line docs/page.md and Help print.
 */
export const STATE = {
  layer: { ...whole(), push: true, says: "layer of the open head" },
  head: { ...whole(), push: true, says: "number of the open head in its layer" },
  tab: { ...oneOf(TABS, "sequences"), push: true, says: "open tab: sequences, metrics, circuit, umap, qk, ov, prompts, lab, help" },
  interval: { ...whole(), says: "activation interval, n_intervals (strongest) to 1, or -1 for custom" },
  reduction: { ...oneOf(["max", "pairwise_max"], "max"), says: "max or pairwise_max" },
  transpose: { ...flag(), says: "true: colour by attention received instead of given" },
  seq: { ...text(), push: true, says: "sequence id of the chosen edge" },
  qpos: { ...whole(), push: true, says: "query position of the chosen edge" },
  kpos: { ...whole(), push: true, says: "key position of the chosen edge" },
  text: { ...text(), says: "sequence filter: words, or /pattern/" },
  sel: { ...text(), says: "selected tokens, sequence id:position,position" },
  map: { ...text(), says: "ids of the sequences whose heat maps are open, comma-separated" },
  zoom: { ...text(), says: "part of the heat map in sight: first query, first key, size in tokens" },
  pattern: { ...oneOf(["", "other", "difference"], ""), says: "maps while two heads are compared: the open head's, other, or difference" },
  stripe: { ...flag(), says: "true: the induction stripe is framed on the maps" },
  open: { ...text(), says: "ids of the unfolded sequences, comma-separated" },
  at: { ...text(), says: "where the view is scrolled to: the sequence at its top (or none), and pixels past it, as id:pixels" },
  rank: { ...text(), says: "edge on which the heads are ranked, sequence id:query,key" },
  prompt: { ...text(), push: true, says: "id of the prompt whose heads are shown in the Prompts tab" },
  by: { ...text(), says: "Prompts tab: metric of the prompt that colours and sorts the heads, or edge" },
  flow: { ...flag(), says: "true: heads of the prompt in order of that metric instead of layers x heads" },
  edge: { ...text(), says: "Prompts tab: the edge that by=edge measures, query,key" },
  vs: { ...text(), push: true, says: "second head, shown beside the open one, as 5.1" },
  preset: { ...text(), says: "chosen preset of the overview: previous, induction, duplicate, copying, suppression, sink, local, positional, inactive" },
  x: { ...text(), says: "scatter, horizontal axis" },
  y: { ...text(), says: "scatter, vertical axis" },
  color: { ...text(), says: "scatter colour: a metric, layer, head or none" },
  xlog: { ...flag(), says: "true: logarithmic horizontal axis" },
  ylog: { ...flag(), says: "true: logarithmic vertical axis" },
  bars: { ...flag(), says: "true: standard errors of all heads in the scatter" },
  box: { ...text(), says: "box selection in the scatter: x0,x1,y0,y1 in axis units" },
  grid: { ...text(), says: "metric that colours the layers x heads grid" },
  top: { ...whole(), says: "how many heads the grid rings and ranks; without it 5 % of them, at most 10" },
  ranks: { ...flag(), says: "true: colours of the grid, the scatter and the map by rank instead of value" },
  atlas: { ...text(), says: "map of heads: likeness (who attends alike) or composition (who reads whom)" },
  sort: { ...text(), says: "table order: a column name, with a leading - for descending" },
  find: { ...text(), says: "filter of the heads: addresses (5.1, L5), conditions (entropy<1), words of notes (#induction)" },
  cloud: { ...text(), says: "projection: pca, or the number of a UMAP view from 0" },
  spaces: { ...text(), says: "shown projection panels, letters out of OQKV" },
  paint: { ...text(), says: "colour of the cloud: norm, attention, distance, token, cluster" },
  rule: { ...text(), says: "token rule of paint=token: a token, or /pattern/" },
  side: { ...oneOf(["q", "k"], "q"), says: "side the token rule reads: q or k" },
  eye: { ...text(), says: "where the 3-D camera stands: x,y,z" },
  flat: { ...flag(), says: "true: the cloud in two dimensions" },
  regions: { ...flag(), says: "true: contours of the 2-D cloud, and the tokens its dense regions are of" },
  lens: { ...text(), says: "2-D cloud: a panel's letter, magnification and middle, as Q2.5,0.1,-0.2;K3,0,0" },
  point: { ...text(), says: "selected point of the cloud (p0, p1 ... for projected ones)" },
  view: { ...oneOf(["", "pairs", "key", "query", "writes", "written"], ""), says: "attribution list: pairs, key, query, writes or written; without it, the one that says most" },
  pick: { ...whole(0), says: "row chosen in the attribution list" },
  partner: { ...whole(), says: "partner chosen for the marginal feature of that row" },
  ask: { ...text(), push: true, says: "lab: id of the open answer, or a question as JSON" },
  full: { ...text(), says: "name of the maximised panel" },
  width: { ...whole(), says: "width of the list of heads in pixels" },
  pane: { ...oneOf(["head", "list"], "head"), says: "narrow screens: head, or list of heads" },
  theme: { ...oneOf(["", "light", "dark"], ""), says: "light or dark; without it, as the system" },
  embed: { ...flag(), says: "1: without chrome, for an iframe" },
  data: { ...text(), says: "another data folder on the same origin" },
};

/**
 * What is shown, as links have it.
 * @typedef {{[K in keyof typeof STATE]: (typeof STATE)[K]["fallback"]}} Linked
 */

/**
 * What holds for the moment only: what is hovered and picked, what is known of the backend, and how often something changed.
 * @typedef {object} Moment
 * @property {boolean} [alt] whether Alt is held
 * @property {string} [hot] the hovered head
 * @property {string} [onlyCluster] the cluster that is shown alone
 * @property {string} [missingHead] the head a link named that the tree does not have
 * @property {{kind: string, id: string, q: number | null} | null} [picking] the edge that is being picked
 * @property {import("../pure/shapes.js").Edge | null} [land] the edge to be found in the cloud
 * @property {boolean} [loading]
 * @property {number} [readBytes]
 * @property {string} [themeName]
 * @property {boolean} [backendGone]
 * @property {import("./backend.js").Status | null} [backendStatus]
 * @property {string} [treeChanges]
 * @property {number} [headVersion]
 * @property {number} [guestVersion]
 * @property {number} [vsVersion]
 * @property {number} [noteVersion]
 * @property {number} [promptVersion]
 */

/** @typedef {Omit<Linked, "layer" | "head" | "pick"> & Moment & {layer: number, head: number, pick: number}} State */

/**
 * STATE without what it says of the values' types.
 * @type {Record<string, {fallback: unknown, read(text: string): unknown, write(value: unknown): string, push?: boolean, says: string}>}
 */
export const RULES = STATE;

/**
 * State of a URL's query string; keys the page does not know are ignored.
 * @param {string} search
 * @returns {State}
 */
export function readState(search) {
  const params = new URLSearchParams(search);
  /** @type {Record<string, unknown>} */
  const read = {};
  for (const [key, rule] of Object.entries(RULES)) {
    const given = params.get(key);
    read[key] = given === null ? rule.fallback : rule.read(given);
  }
  const state = /** @type {State} */ (read);
  const attr = params.get("attr");
  if ((attr === "qk" || attr === "ov") && !params.has("tab")) state.tab = attr;
  return state;
}

/**
 * Query string of a state, without the keys at their fallback. On qk and ov `attr` stands for `tab`.
 * @param {State} state
 */
export function writeState(state) {
  const params = new URLSearchParams();
  const onEdge = isEdgeTab(state.tab);
  for (const [key, rule] of Object.entries(RULES)) {
    if (key === "tab" && onEdge) {
      params.set("attr", state.tab);
      continue;
    }
    const value = /** @type {Record<string, unknown>} */ (state)[key] ?? rule.fallback;
    if (value === rule.fallback || rule.write(value) === "") continue;
    params.set(key, key === "embed" ? "1" : rule.write(value));
  }
  return params.toString();
}

/**
 * The entries of a comma-separated value.
 * @param {string} value
 */
export const listed = (value) => value.split(",").filter(Boolean);

/**
 * A comma-separated value with an entry taken out, or put in where it was not.
 * @param {string} value
 * @param {string} entry
 */
export const toggled = (value, entry) => {
  const all = listed(value);
  return (all.includes(entry) ? all.filter((e) => e !== entry) : [...all, entry]).join(",");
};

/**
 * Whether a tab shows what is known of one edge.
 * @param {string} tab
 * @returns {tab is "qk" | "ov"}
 */
export const isEdgeTab = (tab) => tab === "qk" || tab === "ov";

/**
 * Whether the state names a complete edge.
 * @param {{seq: string, qpos: number | null, kpos: number | null}} state
 */
export function hasEdge(state) {
  return state.seq !== "" && state.qpos !== null && state.kpos !== null && state.qpos >= 0 && state.kpos >= 0;
}

/** Fields a change of head takes back: everything that belonged to the former head. */
export function forgetHead() {
  return {
    seq: "", qpos: null, kpos: null, sel: "", map: "", zoom: "", open: "", at: "", lens: "", point: "", pick: 0,
    partner: null, view: "", ask: "",
  };
}

/**
 * `sel` as a sequence id and positions; null when it is empty or malformed.
 * @param {string} sel
 */
export function readSelection(sel) {
  const match = /^(.+):(\d{1,9}(?:,\d{1,9})*)$/.exec(sel);
  return match ? { id: match[1], positions: match[2].split(",").map(Number) } : null;
}

/**
 * The `sel` value of some positions of a sequence; none: empty.
 * @param {string} id
 * @param {number[]} positions
 */
export function writeSelection(id, positions) {
  return positions.length ? `${id}:${positions.join(",")}` : "";
}
