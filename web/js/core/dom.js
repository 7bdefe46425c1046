// SPDX-License-Identifier: Apache-2.0
// Builds elements; strings become text nodes and never markup.

/**
 * @typedef {Node | string | number | boolean | null | undefined} Leaf
 * @typedef {Leaf | (Leaf | (Leaf | Leaf[])[])[]} Child what `el` puts into an element; arrays are opened
 * @typedef {Record<string, unknown>} Props
 * @typedef {readonly (readonly unknown[])[]} Options of a select: [value, label]
 */

/**
 * Element `tag` with properties and children. `class`, `aria-*`, `data-*`, `role` and `for` are
 * attributes, `on` holds listeners, anything else is a property. Children: nodes, strings, numbers,
 * arrays; null, undefined and false are left out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} props
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (key === "on") for (const [type, run] of Object.entries(value)) node.addEventListener(type, run);
    else if (key === "class") node.className = String(value);
    else if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, String(value));
    else Object.assign(node, { [key]: value });
  }
  append(node, children);
  return node;
}

/**
 * @param {Element} node
 * @param {Child[]} children
 */
function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(/** @type {Node | string} */ (child));
  }
}

/**
 * Replaces the children of `node`.
 * @template {Element} T
 * @param {T} node
 * @param {Child[]} children
 */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/**
 * A button with a label, a press handler and further properties.
 * @param {Child} label
 * @param {(event: MouseEvent) => unknown} press
 * @param {Props} props
 * @param {Child[]} children
 */
export function button(label, press, props = {}, ...children) {
  return el("button", { type: "button", ...props, on: { click: press, .../** @type {Props | undefined} */ (props.on) } }, label, ...children);
}

/**
 * A select over [value, label] options; `choose(value)` on change.
 * @param {string} name
 * @param {Options} options
 * @param {unknown} value
 * @param {(value: string) => unknown} choose
 * @param {Props} props
 */
export function select(name, options, value, choose, props = {}) {
  const node = el("select", { "aria-label": name, on: { change: () => choose(node.value) }, ...props });
  setOptions(node, options, value);
  return node;
}

/**
 * Replaces a select's options, keeping its size in the layout.
 * @param {HTMLSelectElement} node
 * @param {Options} options
 * @param {unknown} value
 */
export function setOptions(node, options, value) {
  fill(node, options.map(([key, label]) => el("option", { value: String(key) }, String(label))));
  node.value = String(value);
}

/**
 * A labelled checkbox.
 * @param {Child} label
 * @param {boolean} checked
 * @param {(on: boolean) => unknown} change
 * @param {Props} props
 */
export function checkbox(label, checked, change, props = {}) {
  const input = el("input", { type: "checkbox", checked, on: { change: () => change(input.checked) } });
  const node = el("label", { class: "check", ...props }, input, label);
  return Object.assign(node, { input });
}

/**
 * Runs `work` at most once a frame, with the latest arguments.
 * @template {unknown[]} A
 * @param {(...args: A) => void} work
 * @returns {(...args: A) => void}
 */
export function oncePerFrame(work) {
  let pending = 0;
  /** @type {A} */
  let latest;
  return (...args) => {
    latest = args;
    pending ||= requestAnimationFrame(() => {
      pending = 0;
      work(...latest);
    });
  };
}

/**
 * Whether a key press belongs to a field the user is typing in.
 * @param {EventTarget | null} target
 */
export function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
