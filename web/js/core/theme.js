// SPDX-License-Identifier: Apache-2.0
// Light and dark: the system's choice unless the state says otherwise, and the colours plots draw with.

const NAMES = [
  "paper", "panel", "ink", "soft", "faint", "line", "accent", "given", "received", "key-mark", "query-mark",
  "both-mark", "ring",
];

/**
 * The colours of a theme, which the page is in from then on.
 * @param {string} name
 * @returns {import("./app.js").Colours}
 */
function coloursOf(name) {
  document.documentElement.dataset.theme = name;
  const style = getComputedStyle(document.documentElement);
  return /** @type {import("./app.js").Colours} */ (Object.fromEntries(NAMES.map((colour) => [
    colour.replace("-", "_"), style.getPropertyValue(`--${colour}`).trim(),
  ])));
}

/**
 * Keeps the page in the chosen theme; `theme.name` and `theme.colours` follow.
 * @param {import("./app.js").Store} store
 */
export function createTheme(store) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = {
    name: "light", colours: coloursOf("light"),
    /**
     * What `run` answers when it draws in the light theme, as a paper wants it.
     * @template T
     * @param {() => T} run
     */
    inLight(run) {
      const { name, colours } = theme;
      Object.assign(theme, { name: "light", colours: light });
      try {
        return run();
      } finally {
        Object.assign(theme, { name, colours });
      }
    },
  };
  const light = theme.colours;
  function apply() {
    theme.name = store.state.theme || (system.matches ? "dark" : "light");
    theme.colours = coloursOf(theme.name);
    store.set({ themeName: theme.name });
  }
  system.addEventListener("change", apply);
  store.on(["theme"], apply);
  apply();
  return theme;
}
