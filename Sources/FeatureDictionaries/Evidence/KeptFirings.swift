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

    /// Offers a firing.
    ///
    /// - Parameters:
    ///   - capacity: how many are kept; the same at every call.
    ///   - window: activations around a firing; the same number at every call.
    ///   - copyWindow: writes them, if the firing is kept.
    @inline(__always)
    mutating func offer(
        _ place: TokenPlace, _ activation: Float, rank: UInt64, capacity: Int, window: Int,
        _ copyWindow: (UnsafeMutablePointer<Float>) -> Void
    ) {
        guard rank >= floor, capacity > 0 else { return }
        var slot = heap.count
        if heap.count == capacity {
            guard let worst = heap.min, rank > worst.rank || place < worst.place else { return }
            slot = worst.slot
            heap.removeMin()
        } else {
            windows += repeatElement(0, count: window)
        }
        heap.insert(KeptFiring(rank: rank, place: place, activation: activation, slot: slot))
        if heap.count == capacity { floor = heap.min?.rank ?? 0 }
        windows.withUnsafeMutableBufferPointer { windows in
            guard let base = windows.baseAddress else { return }
            copyWindow(base + slot * window)
        }
    }

    /// What was kept, the best first.
    var bestFirst: [KeptFiring] { heap.unordered.sorted(by: >) }

    /// Where the kept firings are, in no particular order.
    var places: [TokenPlace] { heap.unordered.map(\.place) }

    /// The activations around a kept firing, 0 where the feature does not fire or no token is.
    func window(of firing: KeptFiring, _ plan: EvidencePlan) -> ArraySlice<Float> {
        windows[firing.slot * plan.window..<(firing.slot + 1) * plan.window]
    }
}
