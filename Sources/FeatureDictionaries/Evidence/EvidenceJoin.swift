// SPDX-License-Identifier: Apache-2.0
// Puts together what the pieces of a corpus tell of one feature.

/// The firings of one feature over all portions so far, with the text of those that are kept.
public struct EvidenceJoin: Sendable {
    private let feature: Int
    private let plan: EvidencePlan
    private var firings = FeatureFirings()
    private var texts: [TokenPlace: EvidenceText] = [:]

    /// Nothing yet.
    ///
    /// - Parameter plan: of all the portions.
    public init(feature: Int, _ plan: EvidencePlan) {
        self.feature = feature
        self.plan = plan
    }

    /// Adds what another piece of the corpus tells.
    public mutating func add(_ portion: FeaturePortion) {
        firings.add(portion, feature: feature, plan)
        for (i, place) in portion.places.enumerated() { texts[place] = portion.text(of: i, plan) }
        // Memory is not to grow with the portions.
        guard texts.count > 3 * (plan.top + plan.samples + 1) else { return }
        let kept = firings.places
        texts = texts.filter { kept.contains($0.key) }
    }

    /// What is known of the feature, as if its pieces had been one.
    public var evidence: FeatureEvidence {
        FeatureEvidence(firings, plan) { texts[$0] ?? EvidenceText(start: $0.position, ids: []) }
    }
}
