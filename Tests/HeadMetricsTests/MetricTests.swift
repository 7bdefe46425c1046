// SPDX-License-Identifier: Apache-2.0
// Metrics and their errors against their definitions, written out.

import Foundation
import HeadMetrics
import Testing

@Suite struct MetricTests {
    private func metric(_ name: String) throws -> Metric {
        try #require(Metric.all.first { $0.name == name })
    }

    @Test func `every metric of nothing is zero`() {
        for metric in Metric.all { #expect(metric.value(HeadTotals()) == 0, "\(metric.name)") }
    }

    @Test func `the contract's metrics come first and in its order`() {
        #expect(
            Metric.all.map(\.name).prefix(11) == [
                "self_attention_score", "previous_token_score", "pattern_entropy", "qk_distance",
                "qk_distance_variance", "induction_score", "logit_std", "top_logit_margin",
                "logit_z_score", "query_token_entropy", "key_token_entropy",
            ])
    }

    @Test func `each metric divides its own sum by its own count`() throws {
        var totals = HeadTotals()
        totals.queries = 10
        totals.laterQueries = 8
        totals.repeatedQueries = 5
        totals.logitRows = 4
        totals.selfAttention = 1
        totals.previousToken = 2
        totals.entropy = 3
        totals.distance = 40
        totals.distanceSquared = 500
        totals.induction = 2.5
        totals.duplicateToken = 1.25
        totals.logitStd = 6
        totals.topLogitMargin = 7
        totals.logitZScore = 9
        totals.sink = 4
        totals.restingQueries = 7
        totals.effectiveKeys = 2
        totals.local = 8
        totals.outputNorm = 3
        totals.layerOutputNorm = 12
        let expected: [(String, Double)] = [
            ("self_attention_score", 0.1), ("previous_token_score", 0.25),
            ("pattern_entropy", 0.3), ("qk_distance", 4), ("qk_distance_variance", 50 - 16),
            ("induction_score", 0.5), ("duplicate_token_score", 0.25), ("logit_std", 1.5),
            ("top_logit_margin", 1.75), ("logit_z_score", 2.25), ("sink_score", 0.4),
            ("sink_rate", 0.7), ("effective_keys", 0.2), ("local_share", 0.8),
            ("output_norm", 0.25),
        ]
        for (name, value) in expected {
            #expect(abs(try metric(name).value(totals) - value) < 1e-12, "\(name)")
        }
    }

    @Test func `token entropy is that of the counts`() throws {
        let counts = [7, 1, 1, 3]
        var totals = HeadTotals()
        var tokens = TokenCounts(vocabulary: counts.count)
        tokens.append(
            counts.enumerated().flatMap { repeatElement(Int32($0.offset), count: $0.element) })
        totals.queryTokens = tokens.sums
        let n = Double(counts.reduce(0, +))
        let entropy = -counts.map { Double($0) / n * log(Double($0) / n) }.reduce(0, +)
        #expect(abs(try metric("query_token_entropy").value(totals) - entropy) < 1e-12)
        #expect(try metric("key_token_entropy").value(totals) == 0)
    }

    @Test func `leaving a sequence's tokens out gives the entropy of the rest`() throws {
        // Some counts are beyond the table of c log c.
        let parts: [[Int32]] = [
            [1, 2, 1, 1], [2, 2, 2, 2, 2], [3, 1, 3], [], Array(repeating: 7, count: 20_000) + [2],
        ]
        let metric = try metric("key_token_entropy")
        func entropy(_ totals: HeadTotals) -> Double { metric.value(totals) }
        func plain(_ tokens: [Int32]) -> Double {
            let n = Double(tokens.count)
            return Dictionary(grouping: tokens) { $0 }.values.reduce(0) {
                $0 - Double($1.count) / n * log(Double($1.count) / n)
            }
        }
        var counts = TokenCounts(vocabulary: 8)
        for part in [[4, 5], [1]] as [[Int32]] { counts.append(part) }
        counts.removeAll()
        for part in parts { counts.append(part) }
        var totals = HeadTotals()
        totals.keyTokens = counts.sums
        #expect(abs(entropy(totals) - plain(parts.flatMap { $0 })) < 1e-9)
        for left in parts.indices {
            let rest = parts.indices.filter { $0 != left }.flatMap { parts[$0] }
            var share = HeadTotals()
            share.keyTokens = counts.removed(left)
            #expect(abs(entropy(totals - share) - plain(rest)) < 1e-9)
        }
    }

    @Test func `the standard error of a mean over equal sequences is the textbook's`() throws {
        // With equal counts, the delete-one jackknife of a mean is s / sqrt(n) exactly.
        let values = [0.3, 0.5, 0.1, 0.9, 0.4]
        let parts = values.map { value in
            var part = HeadTotals()
            part.queries = 10
            part.selfAttention = 10 * value
            return part
        }
        var totals = HeadTotals()
        for part in parts { totals += part }
        let estimate = Metric.estimates(
            of: [try metric("self_attention_score")], totals, leavingOut: parts)[0]
        let mean = values.reduce(0, +) / 5
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4
        #expect(abs(estimate.value - mean) < 1e-12)
        #expect(abs(try #require(estimate.standardError) - (variance / 5).squareRoot()) < 1e-12)
    }

    @Test func `names and descriptions are ASCII, as h5dump shows them`() {
        for metric in Metric.all + [.learnedSink] {
            #expect(
                (metric.name + metric.description).utf8.allSatisfy { $0 < 128 }, "\(metric.name)")
        }
    }

    @Test func `one sequence has no standard error`() throws {
        var part = HeadTotals()
        part.queries = 3
        part.entropy = 1
        let estimate = Metric.estimates(of: Metric.all, part, leavingOut: [part])
        #expect(estimate.allSatisfy { $0.standardError == nil && $0.value.isFinite })
    }
}
