// SPDX-License-Identifier: Apache-2.0
// Evidence as the work files hold it, and back.

import FeatureDictionaries
import UserErrors
import WorkFiles

extension FeatureRecord {
    /// What the file holds of a feature.
    init(_ evidence: FeatureEvidence) {
        self.init(
            count: evidence.count, beginnings: evidence.beginnings,
            maxActivation: evidence.maxActivation, meanActivation: Float(evidence.meanActivation),
            topTokens: evidence.topTokens,
            snippets: evidence.snippets.map { snippet in
                Snippet(
                    sequence: snippet.place.sequence, position: snippet.place.position,
                    interval: snippet.interval, start: snippet.start, tokens: snippet.tokens,
                    activations: snippet.activations)
            })
    }
}

extension FeaturePortionRecord {
    /// What a part holds of a feature.
    init(_ portion: FeaturePortion) {
        self.init(
            count: portion.count, beginnings: portion.beginnings, sum: portion.sum.units,
            sequences: portion.places.map { Int32($0.sequence) },
            positions: portion.places.map { Int32($0.position) },
            activations: portion.activations, tokens: portion.tokens)
    }
}

extension FeaturePortion {
    /// What a part holds of a feature.
    init(_ record: FeaturePortionRecord) {
        self.init(
            count: record.count, beginnings: record.beginnings,
            sum: ActivationSum(units: record.sum),
            places: zip(record.sequences, record.positions).map {
                TokenPlace(sequence: Int($0), position: Int($1))
            }, activations: record.activations, tokens: record.tokens)
    }
}

extension Provenance {
    /// Tells what is kept of each feature.
    mutating func tell(_ plan: EvidencePlan) {
        self["top_firings"] = .int(plan.top)
        self["sampled_firings"] = .int(plan.samples)
        self["tokens_before"] = .int(plan.before)
        self["tokens_after"] = .int(plan.after)
        self["n_intervals"] = .int(plan.nIntervals)
        self["seed"] = .text(String(plan.seed))
    }

    /// The plan that `tell` told; nil if it is told of none that there can be.
    var plan: EvidencePlan? {
        var plan = EvidencePlan()
        guard let top = int("top_firings"), let samples = int("sampled_firings"),
            let before = int("tokens_before"), let after = int("tokens_after"),
            let intervals = int("n_intervals"), let seed = text("seed").flatMap({ UInt64($0) }),
            [top, samples].allSatisfy({ (1...1000).contains($0) }), (1...255).contains(intervals),
            [before, after].allSatisfy({ (0...1000).contains($0) })
        else { return nil }
        (plan.top, plan.samples, plan.nIntervals, plan.seed) = (top, samples, intervals, seed)
        (plan.before, plan.after) = (before, after)
        return plan
    }
}
