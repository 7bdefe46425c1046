// SPDX-License-Identifier: Apache-2.0
// The lines from a token to its strongest partners, over the text.

const SVG = "http://www.w3.org/2000/svg";

/** A layer of lines: `draw` replaces them; `top` is the attention that makes a line as thick as can be. */
export function createArcs() {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("class", "arcs");
  element.setAttribute("aria-hidden", "true");
  return {
    element,
    /**
     * @param {{source: number, at: number, value: number}[]} lines
     * @param {(HTMLElement | null)[]} nodes the element of each token
     * @param {number} top
     */
    draw(lines, nodes, top) {
      if (!lines.length) {
        if (element.childElementCount) element.replaceChildren();
        return;
      }
      const colour = getComputedStyle(element).getPropertyValue("--given");
      element.replaceChildren(...lines.map(({ source, at, value }) => arcOf(
        /** @type {HTMLElement} */ (nodes[source]), /** @type {HTMLElement} */ (nodes[at]), value / top, colour,
      )));
    },
  };
}

/**
 * The line from one token's element to another's, as strong as their attention: over a line of text, else between.
 * @param {HTMLElement} source
 * @param {HTMLElement} target
 * @param {number} share
 * @param {string} colour
 */
function arcOf(source, target, share, colour) {
  /** @param {HTMLElement} node */
  const place = (node) => [node.offsetLeft + node.offsetWidth / 2, node.offsetTop, node.offsetHeight];
  const [x1, y1, h1] = place(source);
  const [x2, y2, h2] = place(target);
  const same = Math.abs(y1 - y2) < 4;
  const lift = same ? Math.min(16, 6 + Math.abs(x1 - x2) / 20) : 0;
  const [from, to] = same ? [[x1, y1 + 3], [x2, y2 + 3]] : y1 > y2 ? [
    [x1, y1 + 2], [x2, y2 + h2 - 2],
  ] : [[x1, y1 + h1 - 2], [x2, y2 + 2]];
  const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - lift];
  const path = document.createElementNS(SVG, "path");
  path.setAttribute(
    "d",
    same
      ? `M${from}Q${middle} ${to}`
      : `M${from}C${from[0]},${(from[1] + to[1]) / 2} ${to[0]},${(from[1] + to[1]) / 2} ${to}`,
  );
  path.setAttribute("stroke", colour);
  path.setAttribute("stroke-width", String(0.75 + 2.25 * Math.min(1, share)));
  path.setAttribute("opacity", String(0.35 + 0.55 * Math.min(1, share)));
  return path;
}
