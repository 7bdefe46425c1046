// SPDX-License-Identifier: Apache-2.0
// The k largest positive values of a row of pre-activations.

import Tensors

/// Finds the k largest of many values in two sweeps.
///
/// The first keeps the largest value of each of at least 2k disjoint groups. The k-th largest of these
/// is no larger than the k-th largest of all values, and hardly smaller: the second sweep, which
/// gathers what is not below it, finds little more than k values to choose from.
///
/// Not for two threads at a time: it owns scratch memory.
final class TopKSelector {
    private let k: Int
    /// Values in a row, a multiple of `laneCount`.
    private let count: Int
    /// Vector j of the row belongs to group vector j % groups.
    private let groups: Int
    /// Scratch for the groups' maxima, and for the candidates' values.
    private let maxima: UnsafeMutablePointer<Float>
    private let values: UnsafeMutablePointer<Float>
    private let candidates: UnsafeMutablePointer<Int32>

    /// A selector for rows of `count` values, a multiple of `laneCount`.
    init(k: Int, count: Int) {
        precondition(k > 0 && count.isMultiple(of: laneCount))
        self.k = k
        self.count = count
        groups = min(count, PaddedRows.padded(2 * k)) / laneCount
        maxima = .allocate(capacity: count)
        values = .allocate(capacity: count)
        candidates = .allocate(capacity: count)
    }

    deinit {
        maxima.deallocate()
        values.deallocate()
        candidates.deallocate()
    }

    /// Writes the k largest of row + bias that are above 0, ascending by index; of equal values those
    /// with the smaller index come first. Returns how many there are.
    func select(
        _ row: UnsafePointer<Float>, plus bias: UnsafePointer<Float>,
        into indices: UnsafeMutablePointer<Int32>, _ selected: UnsafeMutablePointer<Float>
    ) -> Int {
        let bound = max(lowerBound(row, bias), Float.leastNonzeroMagnitude)
        let found = gather(row, bias, from: bound)
        let kept = keepTop(k, of: values, candidates, found)
        indices.update(from: candidates, count: kept)
        selected.update(from: values, count: kept)
        return kept
    }

    /// The k-th largest of the groups' maxima; 0 or less if fewer than that are above 0.
    private func lowerBound(_ row: UnsafePointer<Float>, _ bias: UnsafePointer<Float>) -> Float {
        let span = groups * laneCount
        guard span > k else { return -.infinity }
        var j = 0
        while j < span {
            maxima.store(row.lanes(at: j) + bias.lanes(at: j), at: j)
            j += laneCount
        }
        while j < count {
            let end = min(span, count - j)
            var group = 0
            while group < end {
                let lanes = row.lanes(at: j + group) + bias.lanes(at: j + group)
                maxima.store(lanewiseMax(lanes, maxima.lanes(at: group)), at: group)
                group += laneCount
            }
            j += span
        }
        return kthLargest(k, of: maxima, span)
    }

    /// Gathers the values from `bound` up, with their indices.
    private func gather(
        _ row: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, from bound: Float
    ) -> Int {
        var found = 0
        let bounds = Lanes(repeating: bound)
        var j = 0
        while j < count {
            let lanes = row.lanes(at: j) + bias.lanes(at: j)
            let taken = lanes .>= bounds
            // Of most vectors none is taken.
            if any(taken) {
                for lane in 0..<laneCount where taken[lane] {
                    values[found] = lanes[lane]
                    candidates[found] = Int32(truncatingIfNeeded: j + lane)
                    found += 1
                }
            }
            j += laneCount
        }
        return found
    }
}
