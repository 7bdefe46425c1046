// SPDX-License-Identifier: Apache-2.0
// The filter of the overview, above all its forms; filters that were saved stay in this browser.

import { button, el, fill } from "../core/dom.js";

const KEY = "headvis filters";

/** @returns {string[]} */
function saved() {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((f) => typeof f === "string") : [];
  } catch {
    return [];
  }
}

/**
 * @param {import("../core/app.js").App} app
 */
export function createFilter(app) {
  const { store, heads } = app;
  const find = el("input", {
    type: "search", class: "find", placeholder: "Filter: 5.1   L5   induction_score>0.3   #name", value: store.state.find,
    "aria-label": "Filter heads", spellcheck: false, on: { input: () => store.set({ find: find.value }) },
  });
  find.setAttribute("list", "saved-filters");
  const names = el("datalist", { id: "saved-filters" });
  const keep = button("☆", () => {
    const all = saved();
    const next = all.includes(find.value) ? all.filter((f) => f !== find.value) : [find.value, ...all];
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      return; // a browser that keeps nothing
    }
    show();
  }, { class: "icon" });
  const note = el("p", { class: "note", role: "status" });

  function show() {
    if (document.activeElement !== find) find.value = store.state.find;
    const isKept = saved().includes(store.state.find);
    keep.hidden = !store.state.find.trim();
    keep.textContent = isKept ? "★" : "☆";
    keep.setAttribute("aria-label", isKept ? "Forget this filter" : "Save this filter");
    keep.title = isKept ? "Forget this filter" : "Save this filter in this browser";
    fill(names, saved().map((value) => el("option", { value })));
    const { error, set } = heads.shown();
    note.classList.toggle("error", error !== undefined);
    note.textContent = error ?? (set ? `${set.size} of ${heads.rows.length} heads in every form below; h and l walk them.` : "");
  }
  app.on(["find", "box", "noteVersion"], show);
  show();
  return el("div", { class: "filter" }, el("div", { class: "promptline" }, find, names, keep), note);
}
