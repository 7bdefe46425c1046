// SPDX-License-Identifier: Apache-2.0
// What every part of the page is given, as types.

/**
 * @typedef {ReturnType<typeof import("./store.js").createStore>} Store
 * @typedef {import("./tree.js").Tree} Tree
 * @typedef {ReturnType<typeof import("./backend.js").createBackend>} Backend null in static mode
 * @typedef {import("../pure/scene.js").Scene} Scene
 * @typedef {{columns: string[], rows: unknown[][]}} Table
 * @typedef {{scene?: () => Scene | null | undefined, figure?: () => Promise<() => Scene | null | undefined>, table?: () => Table,
 *   json?: () => unknown}} Give what a part can export, each made on demand; `figure` reads what a figure needs beside what is on
 *   screen and answers what draws it
 * @typedef {Record<"paper" | "panel" | "ink" | "soft" | "faint" | "line" | "accent" | "given" | "received" | "key_mark" |
 *   "query_mark" | "both_mark" | "ring", string>} Colours what drawings are drawn with
 * @typedef {Record<string, {says: string, run: (event: KeyboardEvent) => unknown}>} Keys
 * @typedef {import("./store.js").Listener} Listener
 */

/**
 * @typedef {object} App
 * @property {Store} store
 * @property {ReturnType<typeof import("./theme.js").createTheme>} theme
 * @property {ReturnType<typeof import("./tip.js").createTip>} tip
 * @property {(text: string) => void} say tells a screen reader what a drawing has under the keyboard
 * @property {Tree} tree
 * @property {ReturnType<typeof import("./heads.js").createHeads>} heads
 * @property {ReturnType<typeof import("./session.js").createSession>} session
 * @property {ReturnType<typeof import("./ranking.js").createRanking>} ranking
 * @property {Backend} backend
 * @property {ReturnType<typeof import("./dictionaries.js").createDictionaries>} dictionaries
 * @property {ReturnType<typeof import("./prompts.js").createPrompts>} prompts texts that were run through all heads
 * @property {ReturnType<typeof import("./compare.js").createCompare>} compare the second head
 * @property {ReturnType<typeof import("./notes.js").createNotes>} notes what people say of heads
 * @property {WeakMap<Element, {title: () => string, give: Give}>} gives what the parts on screen can export
 * @property {Keys} keys
 * @property {number} intervals how many intervals the sequences of a head are in
 * @property {() => string} headName the open head, as L5H1
 * @property {(name: string) => void} setHot marks a head in every view of the overview; "" none
 * @property {(layer: number, head: number, more?: object) => void} goTo opens a head, with more of the state
 * @property {(kind: string, seq: string, q: number, k: number) => void} chooseEdge opens an edge in a tab
 * @property {(keys: readonly string[], run: Listener["run"]) => void} on
 *   subscribes to the store for as long as the place the part is in lasts
 * @property {(end: () => void) => void} own hands over what is to be ended with that place
 */

export {};
