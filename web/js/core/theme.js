// SPDX-License-Identifier: Apache-2.0
// Light and dark: the system's choice unless the state says otherwise, and the colours plots draw with.

const NAMES = [
  "paper", "panel", "ink", "soft", "faint", "line", "accent", "given", "received", "key-mark", "query-mark",
  "both-mark", "ring",
];

/** Keeps the page in the chosen theme; `theme.name` and `theme.colours` follow. */
export function createTheme(store) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = { name: "light", colours: {} };
  function apply() {
    theme.name = store.state.theme || (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme.name;
    const style = getComputedStyle(document.documentElement);
    theme.colours = Object.fromEntries(NAMES.map((name) => [
      name.replace("-", "_"), style.getPropertyValue(`--${name}`).trim(),
    ]));
    store.set({ themeName: theme.name });
  }
  system.addEventListener("change", apply);
  store.on(["theme"], apply);
  apply();
  return theme;
}
