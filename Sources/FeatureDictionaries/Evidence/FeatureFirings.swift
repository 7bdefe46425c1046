// SPDX-License-Identifier: Apache-2.0
// What is counted and kept of one feature while a corpus streams by.

import Sampling

/// The firings of one feature. Neither their order nor how they are spread over batches and portions changes it.
struct FeatureFirings: Sendable {
    /// Firings after position 0, and the sum of their activations.
    private(set) var count = 0
    private(set) var sum = ActivationSum()
    /// Firings at position 0, and the strongest of them.
    private(set) var beginnings = 0
    private(set) var beginning = KeptFirings()
    /// The strongest after position 0.
    private(set) var top = KeptFirings()
    /// A uniform sample of those after position 0: the ones of lowest priority.
    private(set) var sample = KeptFirings()

    /// The lists of what is kept.
    var lists: [KeptFirings] { [beginning, top, sample] }

    /// Where the kept firings are.
    var places: Set<TokenPlace> { Set(lists.flatMap(\.places)) }

    /// Counts the firings of a batch, and keeps what is to be kept.
    mutating func add(_ columns: FeatureColumns, feature: Int, _ plan: EvidencePlan) {
        let column = columns.starts[feature]..<columns.starts[feature + 1]
        guard !column.isEmpty else { return }
        let priority = Priority(seed: plan.seed, feature: feature)
        for i in column {
            let (place, activation) = (columns.places[i], columns.activations[i])
            if place.position > 0 {
                count += 1
                sum.add(activation)
            } else {
                beginnings += 1
            }
            offer(place, activation, priority, plan) {
                columns.copyWindow(around: i, in: column, plan, into: $0)
            }
        }
    }

    /// Adds what was collected on another piece of the corpus.
    mutating func add(_ portion: FeaturePortion, feature: Int, _ plan: EvidencePlan) {
        count += portion.count
        sum += portion.sum
        beginnings += portion.beginnings
        let priority = Priority(seed: plan.seed, feature: feature)
        for (i, place) in portion.places.enumerated() {
            let window = portion.activations[i * plan.window..<(i + 1) * plan.window]
            offer(place, window[window.startIndex + plan.before], priority, plan) { kept in
                for (k, activation) in window.enumerated() { kept[k] = activation }
            }
        }
    }

    /// Keeps a firing where it is among the best.
    @inline(__always)
    private mutating func offer(
        _ place: TokenPlace, _ activation: Float, _ priority: Priority, _ plan: EvidencePlan,
        _ copyWindow: (UnsafeMutablePointer<Float>) -> Void
    ) {
        // The bits of positive floats are in the order of the floats.
        let strength = UInt64(activation.bitPattern)
        guard place.position > 0 else {
            beginning.offer(
                place, activation, rank: strength, capacity: 1, window: plan.window, copyWindow)
            return
        }
        top.offer(
            place, activation, rank: strength, capacity: plan.top, window: plan.window, copyWindow)
        sample.offer(
            place, activation, rank: ~priority(place.sequence, place.position),
            capacity: plan.samples, window: plan.window, copyWindow)
    }
}
