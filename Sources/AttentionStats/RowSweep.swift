// SPDX-License-Identifier: Apache-2.0
// One row of scores becomes a row of attention, and all that is wanted of it falls out on the way.

import Foundation
import Tensors

/// What one row gave, besides the attention that is left in its place.
struct RowResult {
    /// Shannon entropy, in nats.
    var entropy: Float
    /// Standard deviation of the scores.
    var scoreStd: Float
    /// Largest minus second largest score.
    var margin: Float
    /// (largest - mean) / standard deviation of the scores.
    var zScore: Float
    /// The largest attention to a key after position 0.
    var maxAttention: Float
    /// What goes to the head's learned sink instead of a key.
    var learnedSink: Float = 0
}

/// Sweeps a row of `count` visible scores three times while it lies in the first-level cache: for the
/// two largest, for exponentials and moments, for normalisation and distances.
///
/// - Parameters:
///   - x: the first visible score; replaced by attention. The sixteen entries after the last may be
///     overwritten.
///   - skipsFirst: whether x[0] is position 0, which is left out of `maxAttention`.
///   - mass: where the attention is added up by offset: mass[i] belongs to x[i].
///   - sink: a learned logit that takes part in the softmax without a key; attention then adds up to less
///     than 1, and that is what all results are of.
@inline(__always)
func sweepRow(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, skipsFirst: Bool,
    mass: UnsafeMutablePointer<Float>, sink: Float? = nil
) -> RowResult {
    let full = count / laneCount * laneCount
    let tail = laneMask(first: count - full)
    let (largest, second) = topTwo(x, count, full, tail)
    let m = moments(x, count, full, tail, around: largest)
    let sinkWeight = sink.map { Foundation.exp($0 - largest) } ?? 0
    let total = m.z + sinkWeight
    let maxAttention = normalize(
        x, count, full, tail, 1 / total, skipsFirst: skipsFirst, mass: mass)

    let n = Float(count)
    let mean = m.d / n
    let std = max(0, m.dd / n - mean * mean).squareRoot()
    // H = -Σ a log a with a = e^d / Z, so log a = d - log Z; with a sink Σ a is below 1. A sink beyond the range
    // of Float32 leaves nothing.
    let entropy =
        sink == nil
        ? log(m.z) - m.ed / m.z
        : total.isFinite ? (m.z * log(total) - m.ed) / total : 0
    return RowResult(
        entropy: max(0, entropy),
        scoreStd: std, margin: largest - second, zScore: std > 0 ? -mean / std : 0,
        maxAttention: maxAttention,
        learnedSink: sink == nil ? 0 : total.isFinite ? sinkWeight / total : 1)
}

/// The two largest of the row; both are the same number for a tie.
@inline(__always)
private func topTwo(
    _ x: UnsafePointer<Float>, _ count: Int, _ full: Int, _ tail: SIMDMask<SIMD16<Int32>>
) -> (Float, Float) {
    let lowest = Lanes(repeating: -.greatestFiniteMagnitude)
    var (first, second) = (lowest, lowest)
    var i = 0
    while i < full {
        let value = x.lanes(at: i)
        second = lanewiseMax(second, lanewiseMin(first, value))
        first = lanewiseMax(first, value)
        i += laneCount
    }
    if full < count {
        let value = lowest.replacing(with: x.lanes(at: full), where: tail)
        second = lanewiseMax(second, lanewiseMin(first, value))
        first = lanewiseMax(first, value)
    }
    // Fold halves on each other, keeping the two largest of four.
    let a8 = lanewiseMax(first.lowHalf, first.highHalf)
    let b8 = lanewiseMax(
        lanewiseMin(first.lowHalf, first.highHalf),
        lanewiseMax(second.lowHalf, second.highHalf))
    let a4 = lanewiseMax(a8.lowHalf, a8.highHalf)
    let b4 = lanewiseMax(
        lanewiseMin(a8.lowHalf, a8.highHalf), lanewiseMax(b8.lowHalf, b8.highHalf))
    let a2 = SIMD2(max(a4.x, a4.z), max(a4.y, a4.w))
    let b2 = SIMD2(
        max(min(a4.x, a4.z), max(b4.x, b4.z)), max(min(a4.y, a4.w), max(b4.y, b4.w)))
    return (max(a2.x, a2.y), max(min(a2.x, a2.y), max(b2.x, b2.y)))
}

/// With d = score - largest: Z = Σ e^d, Σ d, Σ d^2, Σ d e^d. Leaves e^d in place.
@inline(__always)
private func moments(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ full: Int, _ tail: SIMDMask<SIMD16<Int32>>,
    around largest: Float
) -> (z: Float, d: Float, dd: Float, ed: Float) {
    var (z, sum, squares, weighted) = (Lanes(), Lanes(), Lanes(), Lanes())
    var i = 0
    while i < full {
        let d = x.lanes(at: i) - largest
        let e = exp(d)
        z += e
        sum += d
        squares.addProduct(d, d)
        weighted.addProduct(e, d)
        x.store(e, at: i)
        i += laneCount
    }
    if full < count {
        let d = Lanes().replacing(with: x.lanes(at: full) - largest, where: tail)
        let e = Lanes().replacing(with: exp(d), where: tail)
        z += e
        sum += d
        squares.addProduct(d, d)
        weighted.addProduct(e, d)
        x.store(e, at: full)
    }
    return (z.laneSum, sum.laneSum, squares.laneSum, weighted.laneSum)
}

/// Multiplies by 1/Z, adds the attention to `mass`, and returns the largest (without x[0] if asked).
@inline(__always)
private func normalize(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ full: Int, _ tail: SIMDMask<SIMD16<Int32>>,
    _ scale: Float, skipsFirst: Bool, mass: UnsafeMutablePointer<Float>
) -> Float {
    var largest = Lanes()
    var i = 0
    while i < full {
        let a = x.lanes(at: i) * scale
        x.store(a, at: i)
        mass.store(mass.lanes(at: i) + a, at: i)
        // Only the first lane of the first step can be position 0.
        largest = lanewiseMax(largest, i == 0 && skipsFirst ? withoutFirst(a) : a)
        i += laneCount
    }
    if full < count {
        // Lanes past the end hold 0: adding them to `mass` changes nothing.
        let a = x.lanes(at: full) * scale
        x.store(a, at: full)
        mass.store(mass.lanes(at: full) + a, at: full)
        largest = lanewiseMax(largest, full == 0 && skipsFirst ? withoutFirst(a) : a)
    }
    return largest.laneMax
}

@inline(__always)
private func withoutFirst(_ a: Lanes) -> Lanes {
    a.replacing(with: Lanes(), where: laneMask(first: 1))
}
