// SPDX-License-Identifier: Apache-2.0
// The k-th largest of many numbers, and which numbers lie above a bound.

import Tensors

/// The largest value that at least `k` of the `count` values reach, or 0 if fewer than `k` are above 0.
///
/// Floats above 0 are ordered as their bit patterns, so that the value is found bit by bit from the top:
/// 31 sweeps over the values, whatever they are.
func kthLargest(_ k: Int, of values: UnsafePointer<Float>, _ count: Int) -> Float {
    var found: UInt32 = 0
    for bit in (0..<31).reversed() {
        let candidate = found | 1 << UInt32(bit)
        if howMany(values, count, reach: Float(bitPattern: candidate)) >= k { found = candidate }
    }
    return Float(bitPattern: found)
}

/// How many of the `count` values are at least `bound`; none if it is NaN.
private func howMany(_ values: UnsafePointer<Float>, _ count: Int, reach bound: Float) -> Int {
    // Counts as floats: exact below 2^24 a lane, and summed in a few instructions.
    var lanes = Lanes()
    var i = 0
    while i &+ laneCount <= count {
        lanes += Lanes().replacing(with: 1, where: values.lanes(at: i) .>= bound)
        i &+= laneCount
    }
    var total = Int(lanes.laneSum)
    while i < count {
        if values[i] >= bound { total &+= 1 }
        i &+= 1
    }
    return total
}

/// A value that at least `k` of the values reach, mostly little below the k-th largest, or 0: the k-th
/// largest of the maxima of at least 4k groups of values.
///
/// - Parameters:
///   - count: a multiple of `laneCount`.
///   - maxima: room for `count` values.
func lowerBound(
    ofTop k: Int, of values: UnsafePointer<Float>, _ count: Int,
    maxima: UnsafeMutablePointer<Float>
) -> Float {
    // Each block of vectors gives one maximum in every lane.
    let vectors = count / laneCount
    let blocks = min(vectors, (4 * k + laneCount - 1) / laneCount)
    let perBlock = (vectors + blocks - 1) / blocks
    var filled = 0
    var first = 0
    while first < vectors {
        let end = min(first &+ perBlock, vectors)
        var largest = values.lanes(at: first &* laneCount)
        for vector in first &+ 1..<max(end, first &+ 1) {
            largest = lanewiseMax(values.lanes(at: vector &* laneCount), largest)
        }
        maxima.store(largest, at: filled)
        filled &+= laneCount
        first = end
    }
    return kthLargest(k, of: maxima, filled)
}

/// Writes the positions and values of those `values` that are above `bound` one after another, in order.
///
/// - Parameters:
///   - count: a multiple of 4 `laneCount`.
///   - positions: room for `count`.
///   - found: room for `count`.
/// - Returns: how many there are.
func compact(
    _ values: UnsafePointer<Float>, _ count: Int, above bound: Float,
    positions: UnsafeMutablePointer<Int32>, found: UnsafeMutablePointer<Float>
) -> Int {
    var next = 0
    var i = 0
    // Few values are above: four vectors at a time are passed over by their maximum.
    while i < count {
        let left = lanewiseMax(values.lanes(at: i), values.lanes(at: i &+ laneCount))
        let right = lanewiseMax(
            values.lanes(at: i &+ 2 &* laneCount), values.lanes(at: i &+ 3 &* laneCount))
        if lanewiseMax(left, right).laneMax > bound {
            for position in i..<i &+ 4 &* laneCount where values[position] > bound {
                positions[next] = Int32(truncatingIfNeeded: position)
                found[next] = values[position]
                next &+= 1
            }
        }
        i &+= 4 &* laneCount
    }
    return next
}

/// Keeps the `k` largest of `count` pairs with values above 0, in their order; of equal values the first.
///
/// - Returns: how many are left.
func keepTop(
    _ k: Int, of found: UnsafeMutablePointer<Float>, _ positions: UnsafeMutablePointer<Int32>,
    _ count: Int
) -> Int {
    guard count > k else { return count }
    let kth = kthLargest(k, of: found, count)
    var above = 0
    for i in 0..<count where found[i] > kth { above &+= 1 }
    var ties = k - above
    var next = 0
    for i in 0..<count {
        guard found[i] > kth || (found[i] == kth && ties > 0) else { continue }
        if found[i] == kth { ties &-= 1 }
        positions[next] = positions[i]
        found[next] = found[i]
        next &+= 1
    }
    return next
}
