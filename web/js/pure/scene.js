// SPDX-License-Identifier: Apache-2.0
// A drawing as a list of marks: drawn on a canvas for the screen, written as SVG for a paper.

/**
 * @typedef {{width: number, height: number, ground?: string, marks: Mark[]}} Scene
 * @typedef {{fill?: string, stroke?: string, width?: number, alpha?: number}} Paint
 * @typedef {Paint & {kind: "rect", x: number, y: number, w: number, h: number, r?: number}} Rect
 * @typedef {Paint & {kind: "circle", x: number, y: number, r: number}} Circle
 * @typedef {Paint & {kind: "line", points: number[], dash?: number[]}} Line x, y, x, y ...
 * @typedef {Paint & {kind: "curve", from: [number, number], over: [number, number], to: [number, number]}} Curve
 * @typedef {Paint & {kind: "text", x: number, y: number, text: string, size?: number, weight?: number,
 *   anchor?: "start" | "middle" | "end", turn?: number, halo?: string}} Text turned by degrees
 * @typedef {{kind: "image", x: number, y: number, w: number, h: number, image: HTMLCanvasElement,
 *   from: [number, number, number, number], alpha?: number}} Picture a part (x, y, w, h) of another canvas, cells kept sharp
 * @typedef {Rect | Circle | Line | Curve | Text | Picture} Mark
 * @typedef {CanvasRenderingContext2D & {roundRect: (x: number, y: number, w: number, h: number, r: number) => void}} Rounding as
 *   every browser of today has it
 */

export const FONT = 'Inter, "Source Sans 3", "Segoe UI", system-ui, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';

/**
 * A mark moved by (dx, dy).
 * @param {Mark} m
 * @param {number} dx
 * @param {number} dy
 * @returns {Mark}
 */
export function shifted(m, dx, dy) {
  if (m.kind === "line") return { ...m, points: m.points.map((p, i) => p + (i % 2 ? dy : dx)) };
  /** @type {(place: [number, number]) => [number, number]} */
  const move = ([x, y]) => [x + dx, y + dy];
  return m.kind === "curve" ? { ...m, from: move(m.from), over: move(m.over), to: move(m.to) } : { ...m, x: m.x + dx, y: m.y + dy };
}

/**
 * Scenes next to each other as one.
 * @param {Scene[]} scenes
 * @returns {Scene}
 */
export function sideBySide(scenes, gap = 24) {
  let x = 0;
  const marks = scenes.flatMap((scene) => {
    const moved = scene.marks.map((mark) => shifted(mark, x, 0));
    x += scene.width + gap;
    return moved;
  });
  return { width: x - gap, height: Math.max(...scenes.map((s) => s.height)), ground: scenes[0].ground, marks };
}

/**
 * Draws a scene; `scale` is device pixels per scene unit.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
export function drawScene(context, scene, scale = 1) {
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, scene.width, scene.height);
  if (scene.ground) {
    context.fillStyle = scene.ground;
    context.fillRect(0, 0, scene.width, scene.height);
  }
  for (const mark of scene.marks) {
    context.globalAlpha = mark.alpha ?? 1;
    paintMark(context, mark);
  }
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Mark} mark
 */
function paintMark(context, mark) {
  switch (mark.kind) {
    case "rect": return PAINT.rect(context, mark);
    case "circle": return PAINT.circle(context, mark);
    case "line": return PAINT.line(context, mark);
    case "curve": return PAINT.curve(context, mark);
    case "image": return PAINT.image(context, mark);
    default: return PAINT.text(context, mark);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Paint} mark
 */
function paintShape(context, mark) {
  if (mark.fill) {
    context.fillStyle = mark.fill;
    context.fill();
  }
  if (mark.stroke) {
    context.strokeStyle = mark.stroke;
    context.lineWidth = mark.width ?? 1;
    context.stroke();
  }
}

const PAINT = {
  /** @type {(context: CanvasRenderingContext2D, mark: Rect) => void} */
  rect(context, mark) {
    if (mark.fill && !mark.stroke && !mark.r) {
      context.fillStyle = mark.fill;
      context.fillRect(mark.x, mark.y, mark.w, mark.h);
      return;
    }
    context.beginPath();
    /** @type {Rounding} */ (context).roundRect(mark.x, mark.y, mark.w, mark.h, mark.r ?? 0);
    paintShape(context, mark);
  },
  /** @type {(context: CanvasRenderingContext2D, mark: Circle) => void} */
  circle(context, mark) {
    context.beginPath();
    context.arc(mark.x, mark.y, mark.r, 0, 2 * Math.PI);
    paintShape(context, mark);
  },
  /** @type {(context: CanvasRenderingContext2D, mark: Line) => void} */
  line(context, mark) {
    context.beginPath();
    for (let i = 0; i < mark.points.length; i += 2) context.lineTo(mark.points[i], mark.points[i + 1]);
    context.setLineDash(mark.dash ?? []);
    paintShape(context, mark);
    context.setLineDash([]);
  },
  /** @type {(context: CanvasRenderingContext2D, mark: Curve) => void} */
  curve(context, mark) {
    context.beginPath();
    context.moveTo(...mark.from);
    context.quadraticCurveTo(...mark.over, ...mark.to);
    paintShape(context, mark);
  },
  /** @type {(context: CanvasRenderingContext2D, mark: Picture) => void} */
  image(context, mark) {
    context.imageSmoothingEnabled = false;
    const [x, y, w, h] = mark.from;
    context.drawImage(mark.image, x, y, w, h, mark.x, mark.y, mark.w, mark.h);
  },
  /** @type {(context: CanvasRenderingContext2D, mark: Text) => void} */
  text(context, mark) {
    context.save();
    context.translate(mark.x, mark.y);
    if (mark.turn) context.rotate((mark.turn * Math.PI) / 180);
    context.font = `${mark.weight ?? 400} ${mark.size ?? 11}px ${FONT}`;
    context.textAlign = mark.anchor === "middle" ? "center" : mark.anchor ?? "start";
    context.textBaseline = "alphabetic";
    if (mark.halo) {
      context.lineJoin = "round";
      context.lineWidth = 3.5;
      context.strokeStyle = mark.halo;
      context.strokeText(mark.text, 0, 0);
    }
    context.fillStyle = mark.fill ?? "#000";
    context.fillText(mark.text, 0, 0);
    context.restore();
  },
};

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * A text as it stands in XML and HTML.
 * @param {unknown} text
 */
export const escape = (text) =>
  String(text)
    // XML 1.0 has no place for the other control characters, not even escaped.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"']/g, (c) => ENTITIES[c]);

/**
 * The part of a canvas that a picture shows, as a data: address.
 * @param {Picture} picture
 */
function pngOf({ image, from }) {
  const part = document.createElement("canvas");
  [part.width, part.height] = [from[2], from[3]];
  const [x, y, w, h] = from;
  part.getContext("2d")?.drawImage(image, x, y, w, h, 0, 0, w, h);
  return part.toDataURL("image/png");
}

/** @param {number} value */
const f = (value) => String(+value.toFixed(2));

/** @param {Paint} mark */
function attributes(mark) {
  const out = [`fill="${escape(mark.fill ?? "none")}"`];
  if (mark.stroke) out.push(`stroke="${escape(mark.stroke)}"`, `stroke-width="${f(mark.width ?? 1)}"`);
  if (mark.alpha !== undefined && mark.alpha < 1) out.push(`opacity="${f(mark.alpha)}"`);
  return out.join(" ");
}

const WRITE = {
  rect: (/** @type {Rect} */ m) =>
    `<rect x="${f(m.x)}" y="${f(m.y)}" width="${f(m.w)}" height="${f(m.h)}"${m.r ? ` rx="${f(m.r)}"` : ""} ${attributes(m)}/>`,
  circle: (/** @type {Circle} */ m) => `<circle cx="${f(m.x)}" cy="${f(m.y)}" r="${f(m.r)}" ${attributes(m)}/>`,
  line: (/** @type {Line} */ m) => {
    const path = m.points.map((p, i) => (i % 2 ? f(p) : `${i ? "L" : "M"}${f(p)},`)).join("");
    return `<path d="${path}" ${attributes(m)}${m.dash ? ` stroke-dasharray="${m.dash.map(f).join(" ")}"` : ""}/>`;
  },
  curve: (/** @type {Curve} */ m) => `<path d="M${m.from.map(f)}Q${m.over.map(f)} ${m.to.map(f)}" ${attributes(m)}/>`,
  image: (/** @type {Picture} */ m) => `<image x="${f(m.x)}" y="${f(m.y)}" width="${f(m.w)}" height="${f(m.h)}" style="image-rendering:pixelated" href="${pngOf(m)}"/>`,
  text: (/** @type {Text} */ m) => {
    const place = m.turn
      ? `transform="translate(${f(m.x)} ${f(m.y)}) rotate(${f(m.turn)})"`
      : `x="${f(m.x)}" y="${f(m.y)}"`;
    const anchor = m.anchor && m.anchor !== "start" ? ` text-anchor="${m.anchor}"` : "";
    const halo = m.halo
      ? ` stroke="${escape(m.halo)}" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"`
      : "";
    const weight = m.weight ? ` font-weight="${m.weight}"` : "";
    const look = `font-size="${f(m.size ?? 11)}"${weight}${anchor}${halo} fill="${escape(m.fill)}"`;
    return `<text ${place} ${look} xml:space="preserve">${escape(m.text)}</text>`;
  },
};

/** @param {Mark} mark */
function written(mark) {
  switch (mark.kind) {
    case "rect": return WRITE.rect(mark);
    case "circle": return WRITE.circle(mark);
    case "line": return WRITE.line(mark);
    case "curve": return WRITE.curve(mark);
    case "image": return WRITE.image(mark);
    default: return WRITE.text(mark);
  }
}

/**
 * The scene as a standalone SVG document, `millimetres` wide where that is said.
 * @param {Scene} scene
 */
export function toSvg(scene, title = "", millimetres = 0) {
  const body = scene.marks.map(written).join("\n");
  const ground = scene.ground ? `<rect width="100%" height="100%" fill="${escape(scene.ground)}"/>\n` : "";
  const [width, height] = [f(scene.width), f(scene.height)];
  const [wide, high] = millimetres ? [`${f(millimetres)}mm`, `${f((millimetres * scene.height) / scene.width)}mm`] : [width, height];
  const size = `width="${wide}" height="${high}" viewBox="0 0 ${width} ${height}"`;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${escape(FONT)}">`;
  return `${open}\n<title>${escape(title)}</title>\n${ground}${body}\n</svg>\n`;
}
