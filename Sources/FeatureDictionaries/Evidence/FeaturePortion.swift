// SPDX-License-Identifier: Apache-2.0
// What a piece of the corpus tells of one feature, for whoever puts the pieces together.

/// Counts of a feature, and every firing that any whole of which this is a piece may keep: the best of the whole are
/// among the best of its pieces.
public struct FeaturePortion: Sendable, Equatable {
    /// Firings after position 0, and at it.
    public let count: Int
    public let beginnings: Int
    /// The sum of the `count` activations.
    public let sum: ActivationSum
    /// Where the kept firings are, ascending.
    public let places: [TokenPlace]
    /// For each of them `EvidencePlan.window` activations, its own at `before`; 0 where the feature does not fire.
    public let activations: [Float]
    /// The ids there; -1 where the sequence has none.
    public let tokens: [Int32]

    /// These counts and firings.
    public init(
        count: Int, beginnings: Int, sum: ActivationSum, places: [TokenPlace], activations: [Float],
        tokens: [Int32]
    ) {
        self.count = count
        self.beginnings = beginnings
        self.sum = sum
        self.places = places
        self.activations = activations
        self.tokens = tokens
    }

    /// - Parameter sequence: the ids of a sequence.
    init(_ firings: FeatureFirings, _ plan: EvidencePlan, sequence: (Int) -> ArraySlice<Int32>) {
        var windows: [TokenPlace: ArraySlice<Float>] = [:]
        for list in firings.lists {
            for firing in list.bestFirst { windows[firing.place] = list.window(of: firing, plan) }
        }
        let kept = windows.sorted { $0.key < $1.key }
        var tokens: [Int32] = []
        tokens.reserveCapacity(kept.count * plan.window)
        for (place, _) in kept {
            let text = plan.text(around: place, in: sequence(place.sequence))
            let before = text.start - (place.position - plan.before)
            tokens += repeatElement(-1, count: before)
            tokens += text.ids
            tokens += repeatElement(-1, count: plan.window - before - text.ids.count)
        }
        self.init(
            count: firings.count, beginnings: firings.beginnings, sum: firings.sum,
            places: kept.map(\.key), activations: kept.flatMap(\.value), tokens: tokens)
    }

    /// What may be shown of a kept firing.
    func text(of index: Int, _ plan: EvidencePlan) -> EvidenceText {
        let window = tokens[index * plan.window..<(index + 1) * plan.window]
        let start = max(0, places[index].position - plan.before)
        let ids = window.dropFirst(start - (places[index].position - plan.before))
        // Of its own, so that it does not hold the whole portion.
        return EvidenceText(start: start, ids: Array(ids.prefix { $0 >= 0 })[...])
    }
}
