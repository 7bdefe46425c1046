// SPDX-License-Identifier: Apache-2.0
// Keeps the state's `at` and the scroll of the open tab in step: a link opens where it was copied.

const QUIET_MS = 150; // after the last scroll event
const GIVE_UP_MS = 10_000; // how long a place is waited for while its data loads
const STILL_FRAMES = 4; // a place counts as reached when it held this long: cards get their height as they are made

/**
 * `id:pixels` as {id, past}; null for anything else.
 * @param {string} at
 */
export function readPlace(at) {
  const match = /^(.*):(-?\d{1,7})$/.exec(at);
  return match ? { id: match[1], past: Number(match[2]) } : null;
}

/**
 * `viewOf(tab)` is the scrolling element of a tab; items in it that can be named have a data-id.
 * @param {import("./app.js").Store} store
 * @param {(tab: string) => HTMLElement} viewOf
 */
export function followScroll(store, viewOf) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let seeking = 0;
  let own = false;

  const view = () => viewOf(store.state.tab);
  const items = (/** @type {HTMLElement} */ root) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(":is(.cards, .guests) > [data-id]")]);
  // What is pinned above the items hides what is under it; on narrow screens it is not pinned and scrolls away.
  const edge = (/** @type {HTMLElement} */ root) => {
    const bar = root.querySelector(".toolbar");
    const isPinned = bar !== null && getComputedStyle(bar).position === "sticky";
    return isPinned ? bar.getBoundingClientRect().bottom : root.getBoundingClientRect().top;
  };

  /** The place in sight, as `at` writes it. */
  function place() {
    const root = view();
    if (root.scrollTop < 1) return "";
    const from = edge(root);
    const top = items(root).find((item) => item.getBoundingClientRect().bottom > from);
    return top
      ? `${top.dataset.id}:${Math.round(from - top.getBoundingClientRect().top)}`
      : `:${Math.round(root.scrollTop)}`;
  }

  /**
   * How far the view must still scroll to `wanted`; null while what it names is not there.
   * @param {HTMLElement} root
   * @param {{id: string, past: number}} wanted
   */
  function distance(root, { id, past }) {
    if (id === "") return past - root.scrollTop;
    const item = items(root).find((node) => node.dataset.id === id);
    return item ? item.getBoundingClientRect().top + past - edge(root) : null;
  }

  /** @param {string} at */
  function seek(at) {
    cancelAnimationFrame(seeking);
    seeking = 0;
    const wanted = readPlace(at) ?? { id: "", past: 0 };
    const end = performance.now() + GIVE_UP_MS;
    let still = 0;
    const step = () => {
      const root = view();
      const left = distance(root, wanted);
      const before = root.scrollTop;
      if (left !== null) root.scrollTop += left;
      still = left !== null && (Math.abs(left) < 1 || root.scrollTop === before) ? still + 1 : 0;
      // The top of a view needs no waiting; any other place may still grow into reach.
      const reached = still >= STILL_FRAMES && (Math.abs(left ?? 0) < 1 || !root.querySelector(".spinner"));
      seeking = reached || performance.now() > end || (wanted.id === "" && wanted.past === 0)
        ? 0
        : requestAnimationFrame(step);
    };
    step();
  }
  const stop = () => {
    cancelAnimationFrame(seeking);
    seeking = 0;
  };
  for (const type of ["wheel", "pointerdown", "keydown", "touchstart"]) {
    addEventListener(type, stop, { capture: true, passive: true });
  }

  function note() {
    if (seeking) return;
    own = true;
    store.set({ at: place() });
    own = false;
  }
  addEventListener("scroll", (event) => {
    if (event.target !== view()) return;
    clearTimeout(timer);
    timer = setTimeout(note, QUIET_MS);
  }, { capture: true, passive: true });

  store.on(["at", "tab", "layer", "head", "interval", "text"], (state, changed, restored) => {
    if (own) return;
    clearTimeout(timer);
    if (restored || changed.has("at")) seek(state.at);
    else if (changed.size === 1 && changed.has("tab")) note(); // a tab keeps its own scroll
    else {
      seek("");
      note();
    }
  });
  seek(store.state.at);
}
