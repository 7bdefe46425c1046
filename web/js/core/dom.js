// SPDX-License-Identifier: Apache-2.0
// Builds elements; strings become text nodes and never markup.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child what `el` puts into an element; arrays are opened */

/**
 * Element `tag` with properties and children. `class`, `aria-*`, `data-*`, `role` and `for` are
 * attributes, `on` holds listeners, anything else is a property. Children: nodes, strings, numbers,
 * arrays; null, undefined and false are left out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} props
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (key === "on") for (const [type, run] of Object.entries(value)) node.addEventListener(type, run);
    else if (key === "class") node.className = value;
    else if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
}

/** Replaces the children of `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** A button with a label, a press handler and further properties. */
export function button(label, press, props = {}, ...children) {
  return el("button", { type: "button", ...props, on: { click: press, ...props.on } }, label, ...children);
}

/** A select over [value, label] options; `choose(value)` on change. */
export function select(name, options, value, choose, props = {}) {
  const node = el("select", { "aria-label": name, on: { change: () => choose(node.value) }, ...props });
  setOptions(node, options, value);
  return node;
}

/** Replaces a select's options, keeping its size in the layout. */
export function setOptions(node, options, value) {
  fill(node, options.map(([key, label]) => el("option", { value: String(key) }, label)));
  node.value = String(value);
}

/** A labelled checkbox. */
export function checkbox(label, checked, change, props = {}) {
  const input = el("input", { type: "checkbox", checked, on: { change: () => change(input.checked) } });
  const node = el("label", { class: "check", ...props }, input, label);
  return Object.assign(node, { input });
}

/** Runs `work` at most once a frame, with the latest arguments. */
export function oncePerFrame(work) {
  let pending = 0;
  let latest = [];
  return (...args) => {
    latest = args;
    pending ||= requestAnimationFrame(() => {
      pending = 0;
      work(...latest);
    });
  };
}

/** Whether a key press belongs to a field the user is typing in. */
export function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
