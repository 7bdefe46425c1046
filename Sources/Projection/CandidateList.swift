// SPDX-License-Identifier: Apache-2.0
// What may be among the nearest neighbours of one query, as its distances to a cloud come in.

import Tensors

/// Where a query's bracket is at most the k-th smallest plus the slack, as far as has been seen.
struct CandidateList {
    private let k: Int
    private var slack: Float = 0
    private var threshold: Float = .infinity
    private var limit = 0
    private var values: [Float] = []
    private var places: [Int32] = []
    private var scratch: [Float] = []

    init(k: Int) { self.k = k }

    mutating func reset(slack: Float) {
        self.slack = slack
        threshold = .infinity
        limit = 2 * k + 32
        values.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    /// Takes `count` brackets: products[i] + norms[offset + i] belongs to point offset + i. Both are
    /// readable to the next multiple of sixteen.
    mutating func scan(
        products: UnsafePointer<Float>, norms: UnsafePointer<Float>, count: Int, offset: Int
    ) {
        var start = 0
        while start < count {
            let brackets = products.lanes(at: start) + norms.lanes(at: offset + start)
            if any(brackets .<= Lanes(repeating: threshold)) {
                for lane in 0..<min(laneCount, count - start) where brackets[lane] <= threshold {
                    values.append(brackets[lane])
                    places.append(Int32(truncatingIfNeeded: offset + start + lane))
                }
                if values.count >= limit { tighten() }
            }
            start += laneCount
        }
    }

    /// Lowers the threshold to what has been seen, and drops what lies above it.
    private mutating func tighten() {
        guard values.count > k else { return }
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: values)
        threshold = selectSmallest(k, of: &scratch) + slack
        var kept = 0
        for place in values.indices where values[place] <= threshold {
            values[kept] = values[place]
            places[kept] = places[place]
            kept += 1
        }
        values.removeLast(values.count - kept)
        places.removeLast(places.count - kept)
        limit = 2 * kept + 32
    }

    /// Writes the k best candidates by squared distance, then index. Infinite brackets (the query itself)
    /// are no candidates.
    mutating func rank(
        by squaredDistance: (Int) -> Float, indices: UnsafeMutablePointer<Int32>,
        distances: UnsafeMutablePointer<Float>
    ) {
        tighten()
        var ranked: [(squared: Float, place: Int32)] = []
        ranked.reserveCapacity(values.count)
        for (value, place) in zip(values, places) where value < .infinity {
            ranked.append((squaredDistance(Int(place)), place))
        }
        ranked.sort { ($0.squared, $0.place) < ($1.squared, $1.place) }
        for rank in 0..<k {
            indices[rank] = ranked[rank].place
            distances[rank] = ranked[rank].squared.squareRoot()
        }
    }
}

/// The `k`-th smallest value (from 1), by quickselect; `values` is left in another order.
private func selectSmallest(_ k: Int, of values: inout [Float]) -> Float {
    values.withUnsafeMutableBufferPointer { values in
        var low = 0
        var high = values.count - 1
        while low < high {
            let pivot = values[(low + high) / 2]
            var left = low
            var right = high
            while left <= right {
                while values[left] < pivot { left += 1 }
                while values[right] > pivot { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if k - 1 <= right {
                high = right
            } else if k - 1 >= left {
                low = left
            } else {
                break
            }
        }
        return values[k - 1]
    }
}
