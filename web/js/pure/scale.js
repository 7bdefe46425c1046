// SPDX-License-Identifier: Apache-2.0
// Axes: linear and logarithmic scales and their ticks.

/**
 * Round numbers covering [low, high] in about `count` steps.
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high, count = 5) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((m) => m * power >= rough) ?? 10);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) out.push(+(i * step).toPrecision(12));
  return out;
}

/**
 * Powers of ten in [low, high], with 2 and 5 between when they are few.
 * @param {number} low
 * @param {number} high
 */
export function logTicks(low, high) {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const mantissas = to - from <= 2 ? [1, 2, 5] : [1];
  const every = Math.ceil((to - from) / 8) || 1;
  const out = [];
  for (let power = from; power <= to; power += every) {
    for (const m of mantissas) {
      const value = +(m * 10 ** power).toPrecision(12);
      if (value >= low && value <= high) out.push(value);
    }
  }
  return out.length ? out : [low, high];
}

/**
 * A scale from [low, high] to pixels [from, to]: {at(value), invert(pixel), ticks, log}. On a
 * logarithmic scale `at` of a value at or below zero is NaN.
 * @typedef {{log: boolean, at: (value: number) => number, invert: (pixel: number) => number, ticks: number[]}} Scale
 * @param {number[]} values
 * @param {number[]} pixels
 * @returns {Scale}
 */
export function axis([low, high], [from, to], { log = false, count = 5 } = {}) {
  if (log) {
    const [a, b] = [Math.log(low), Math.log(high > low ? high : low * 10)];
    return {
      log,
      at: (value) => (value > 0 ? from + ((Math.log(value) - a) / (b - a)) * (to - from) : NaN),
      invert: (pixel) => Math.exp(a + ((pixel - from) / (to - from)) * (b - a)),
      ticks: logTicks(low, high > low ? high : low * 10),
    };
  }
  const span = high > low ? high - low : 1;
  return {
    log,
    at: (value) => from + ((value - low) / span) * (to - from),
    invert: (pixel) => low + ((pixel - from) / (to - from)) * span,
    ticks: ticks(low, low + span, count),
  };
}

/**
 * [low, high] widened by a share of its length, so that no mark sits on the frame.
 * @param {[number, number]} extent
 * @returns {[number, number]}
 */
export function padded([low, high], log = false, share = 0.04) {
  if (log) {
    const factor = Math.max(high / low, 1.5) ** share;
    return [low / factor, high * factor];
  }
  const pad = (high - low || Math.abs(high) || 1) * share;
  return [low - pad, high + pad];
}
