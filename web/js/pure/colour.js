// SPDX-License-Identifier: Apache-2.0
// Colour scales: attention (oranges), attention received (blues), metrics (viridis), signed scores.

/** @param {string} hex */
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
/** @param {number[]} rgb */
const css = (rgb) => `rgb(${rgb.map((c) => Math.round(c)).join(",")})`;

/**
 * Straight interpolation through `stops` at t in 0..1.
 * @param {number[][]} stops
 * @param {number} t
 */
function through(stops, t) {
  const x = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(x), stops.length - 2);
  return stops[i].map((c, j) => c + (stops[i + 1][j] - c) * (x - i));
}

const ORANGES = [
  "#fff5eb", "#fee6ce", "#fdd0a2", "#fdae6b", "#fd8d3c", "#f16913", "#d94801", "#a63603", "#7f2704",
].map(channels);
const BLUES = [
  "#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b",
].map(channels);
const EMBER = ["#1b1d20", "#3b2616", "#66390f", "#97520f", "#c96f18", "#ee9334", "#ffb968", "#ffdcae"].map(channels);
const DUSK = ["#1b1d20", "#17293c", "#1a3f61", "#20598a", "#3179b4", "#559cd6", "#86bcec", "#bcdcfa"].map(channels);
const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
].map(channels);

const STEPS = 256;
const DARK_GROUND = "#1b1d20"; // of the dark theme's panels

/**
 * 256 colours from the page's ground through the scale, with the ink that is readable on
 * each: of black and white the one with more contrast, 4.5 and better everywhere.
 * @param {number[][]} stops
 * @param {string} ground
 */
function ramp(stops, ground) {
  const start = channels(ground);
  return Array.from({ length: STEPS }, (_, i) => {
    const t = i / (STEPS - 1);
    const rgb = t < 0.15
      ? through(stops, 0.15).map((c, j) => start[j] + (c - start[j]) * (t / 0.15))
      : through(stops, t);
    return { fill: css(rgb), ink: luminance(rgb) > 0.179 ? "#000000" : "#ffffff" };
  });
}

/**
 * Relative luminance (WCAG 2) of an [r, g, b] of 0..255.
 * @param {number[]} rgb
 */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @type {Record<string, {given: ReturnType<typeof ramp>, received: ReturnType<typeof ramp>}>} */
const RAMPS = {
  light: { given: ramp(ORANGES, "#ffffff"), received: ramp(BLUES, "#ffffff") },
  dark: { given: ramp(EMBER, DARK_GROUND), received: ramp(DUSK, DARK_GROUND) },
};

/**
 * Attention ramp of a theme ("light" or "dark"); `received` for the blue one.
 * @param {string} theme
 */
export const attentionRamp = (theme, received = false) => RAMPS[theme][received ? "received" : "given"];

/**
 * Step 0..255 of an attention value; 0 (no colour) for nothing. The scale ends at 1.4 times `largest`.
 * @param {number} value
 * @param {number} largest
 */
export function attentionStep(value, largest) {
  if (!(value > 0)) return 0;
  const t = value / (1.4 * Math.max(largest, 0.001));
  return Math.max(1, Math.min(STEPS - 1, Math.round(t * (STEPS - 1))));
}

/**
 * Viridis at t in 0..1.
 * @param {number} t
 */
export const viridis = (t) => css(through(VIRIDIS, t));

const VIRIDIS_STEPS = Array.from({ length: STEPS }, (_, i) => viridis(i / (STEPS - 1)));

/**
 * Viridis from a table of 256, for thousands of marks.
 * @param {number} t
 */
export const viridisStep = (t) => VIRIDIS_STEPS[Math.min(STEPS - 1, Math.max(0, Math.round(t * (STEPS - 1))))];

/** Colour for a value that is missing. */
export const MISSING = "#9a978f";

/**
 * Signed score: green above zero, purple below, stronger with |value| / largest, and the ink that
 * is readable on it ("" for the page's own). Neither is a colour of queries, keys or attention.
 * @param {number} value
 * @param {number} largest
 * @param {string} theme of the page it lies on
 */
export function signed(value, largest, theme = "light") {
  const alpha = largest > 0 ? Math.min(1, Math.abs(value) / largest) : 0;
  const fill = value < 0 ? `rgba(175,141,195,${alpha.toFixed(3)})` : `rgba(90,174,97,${alpha.toFixed(3)})`;
  if (theme !== "dark") return { fill, ink: alpha > 0.45 ? "#1d1d1b" : "" };
  const ground = channels(DARK_GROUND);
  const mixed = (value < 0 ? PURPLE : GREEN).map((c, i) => alpha * c + (1 - alpha) * ground[i]);
  return { fill, ink: luminance(mixed) > 0.179 ? "#000000" : "#ffffff" };
}

const [GREEN, PURPLE] = [[90, 174, 97], [175, 141, 195]];

/** Fifteen colours for clusters, distinct for colour-blind eyes as far as fifteen can be. */
export const PALETTE = [
  "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988",
  "#cc3311", "#33bbee", "#ee3377", "#8c6bb1", "#bb9955", "#557722", "#775544",
];
