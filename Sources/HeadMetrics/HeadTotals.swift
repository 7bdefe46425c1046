// SPDX-License-Identifier: Apache-2.0
// A head's sums over sequences, from which every metric is computed.

import Foundation

/// Sums over the sequences of a corpus (or over one of them: totals can be added and subtracted).
public struct HeadTotals: Sendable, Equatable {
    /// Number of queries: every position of every sequence.
    public var queries = 0.0
    /// Number of queries after position 0.
    public var laterQueries = 0.0
    /// Number of queries whose token stood earlier in the sequence.
    public var repeatedQueries = 0.0
    /// Number of rows that see at least two keys.
    public var logitRows = 0.0
    /// Σ row entropy, in nats.
    public var entropy = 0.0
    /// Σ A[q,q].
    public var selfAttention = 0.0
    /// Σ A[q,q-1].
    public var previousToken = 0.0
    /// Σ A[q,0].
    public var sink = 0.0
    /// Σ of what goes to the learned sink.
    public var learnedSink = 0.0
    /// Σ A[q,k] |q-k|.
    public var distance = 0.0
    /// Σ A[q,k] (q-k)^2.
    public var distanceSquared = 0.0
    /// Σ A[q,j+1] over earlier j with the same token.
    public var induction = 0.0
    /// Σ A[q,j] over earlier j with the same token.
    public var duplicateToken = 0.0
    /// Σ standard deviation of the row's scores.
    public var logitStd = 0.0
    /// Σ largest minus second largest score.
    public var topLogitMargin = 0.0
    /// Σ (largest - mean) / standard deviation of the scores.
    public var logitZScore = 0.0
    /// Query tokens of high-attention pairs.
    public var queryTokens = TokenCountSums()
    /// Key tokens of high-attention pairs.
    public var keyTokens = TokenCountSums()

    /// Totals of nothing.
    public init() {}

    /// Every number of the totals, for arithmetic over all of them.
    private static var fields: [WritableKeyPath<HeadTotals, Double>] {
        [
            \.queries, \.laterQueries, \.repeatedQueries, \.logitRows, \.entropy, \.selfAttention,
            \.previousToken, \.sink, \.learnedSink, \.distance, \.distanceSquared, \.induction,
            \.duplicateToken,
            \.logitStd, \.topLogitMargin, \.logitZScore, \.queryTokens.count,
            \.queryTokens.countLogCount, \.keyTokens.count, \.keyTokens.countLogCount,
        ]
    }

    public static func += (a: inout HeadTotals, b: HeadTotals) {
        for field in fields { a[keyPath: field] += b[keyPath: field] }
    }

    public static func - (a: HeadTotals, b: HeadTotals) -> HeadTotals {
        var difference = a
        for field in fields { difference[keyPath: field] -= b[keyPath: field] }
        return difference
    }
}

/// What the entropy of a distribution over tokens needs: with counts c and n = Σ c,
/// H = -Σ c/n log(c/n) = log n - (Σ c log c) / n.
public struct TokenCountSums: Sendable, Equatable {
    /// n.
    public var count = 0.0
    /// Σ c log c.
    public var countLogCount = 0.0

    /// Sums of nothing.
    public init() {}

    /// Sums of these counts, in an order that does not depend on theirs: to the bit the same in every run.
    public init(_ counts: some Collection<Int>) {
        count = Double(counts.reduce(0, +))
        countLogCount = counts.sorted().reduce(0) { $0 + Self.countLogCount($1) }
    }

    /// What goes away when `part` is taken out of `whole`, both by token.
    public init<Token: Comparable>(removing part: [Token: Int], from whole: [Token: Int]) {
        for (token, removed) in part.sorted(by: { $0.key < $1.key }) {
            let before = whole[token, default: 0]
            count += Double(removed)
            countLogCount += Self.countLogCount(before) - Self.countLogCount(before - removed)
        }
    }

    private static func countLogCount(_ count: Int) -> Double {
        count > 0 ? Double(count) * log(Double(count)) : 0
    }

    /// The entropy, in nats; 0 without tokens.
    var entropy: Double { count > 0.5 ? max(0, log(count) - countLogCount / count) : 0 }
}
