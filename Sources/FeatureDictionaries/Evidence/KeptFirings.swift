// SPDX-License-Identifier: Apache-2.0
// The best-ranked firings of a feature so far, each with its activations around it.

import HeapModule

/// One firing of a feature that was kept.
struct KeptFiring: Comparable, Sendable {
    /// What it was kept for: the higher the better.
    let rank: UInt64
    let place: TokenPlace
    let activation: Float
    /// Where its window is.
    let slot: Int

    /// Of equal ranks the earlier place is the better, so that no order of arrival matters.
    static func < (a: KeptFiring, b: KeptFiring) -> Bool {
        a.rank == b.rank ? a.place > b.place : a.rank < b.rank
    }
}

/// Keeps a number of firings with the highest ranks, in memory that grows with what is kept.
struct KeptFirings: Sendable {
    private var heap = Heap<KeptFiring>()
    /// Of each slot, activations before, at and after the firing.
    private var windows: [Float] = []
    /// The lowest rank that can be kept.
    private var floor: UInt64 = 0

    /// Offers firing `index` of a column.
    ///
    /// - Parameter capacity: how many are kept; the same at every call.
    mutating func offer(
        _ index: Int, of column: Range<Int>, in columns: FeatureColumns, rank: UInt64,
        capacity: Int, _ plan: EvidencePlan
    ) {
        guard rank >= floor, capacity > 0 else { return }
        var slot = heap.count
        if heap.count == capacity {
            let place = columns.places[index]
            guard let worst = heap.min, rank > worst.rank || place < worst.place else { return }
            slot = worst.slot
            heap.removeMin()
        } else {
            windows += repeatElement(0, count: plan.window)
        }
        heap.insert(
            KeptFiring(
                rank: rank, place: columns.places[index], activation: columns.activations[index],
                slot: slot))
        if heap.count == capacity { floor = heap.min?.rank ?? 0 }
        windows.withUnsafeMutableBufferPointer { windows in
            guard let base = windows.baseAddress else { return }
            columns.copyWindow(
                around: index, in: column, plan, into: base + slot * plan.window)
        }
    }

    /// What was kept, the best first.
    var bestFirst: [KeptFiring] { heap.unordered.sorted(by: >) }

    /// The activations around a kept firing, 0 where the feature does not fire or no token is.
    func window(of firing: KeptFiring, _ plan: EvidencePlan) -> ArraySlice<Float> {
        windows[firing.slot * plan.window..<(firing.slot + 1) * plan.window]
    }
}
