// SPDX-License-Identifier: Apache-2.0
// A head's sums over sequences, from which every metric is computed.

import AttentionStats
import Foundation

/// Sums over the sequences of a corpus (or over one of them: totals can be added and subtracted). The sums
/// of `HeadSums` are there under their own names.
@dynamicMemberLookup
public struct HeadTotals: Sendable, Equatable {
    /// Number of queries: every position of every sequence.
    public var queries = 0.0
    /// Number of queries after position 0.
    public var laterQueries = 0.0
    /// Number of queries whose token stood earlier in the sequence.
    public var repeatedQueries = 0.0
    /// What the scan added up over queries.
    public var sums = HeadSums()
    /// The mean of `outputNorm` over the studied heads of the head's layer.
    public var layerOutputNorm = 0.0
    /// Query tokens of high-attention pairs.
    public var queryTokens = TokenCountSums()
    /// Key tokens of high-attention pairs.
    public var keyTokens = TokenCountSums()

    /// Totals of nothing.
    public init() {}

    /// A sum of the scan.
    public subscript(dynamicMember field: WritableKeyPath<HeadSums, Double>) -> Double {
        get { sums[keyPath: field] }
        set { sums[keyPath: field] = newValue }
    }

    public static func += (a: inout HeadTotals, b: HeadTotals) {
        a.queries += b.queries
        a.laterQueries += b.laterQueries
        a.repeatedQueries += b.repeatedQueries
        a.sums += b.sums
        a.layerOutputNorm += b.layerOutputNorm
        a.queryTokens += b.queryTokens
        a.keyTokens += b.keyTokens
    }

    public static func - (a: HeadTotals, b: HeadTotals) -> HeadTotals {
        var difference = a
        difference.queries -= b.queries
        difference.laterQueries -= b.laterQueries
        difference.repeatedQueries -= b.repeatedQueries
        difference.sums -= b.sums
        difference.layerOutputNorm -= b.layerOutputNorm
        difference.queryTokens -= b.queryTokens
        difference.keyTokens -= b.keyTokens
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

    static func += (a: inout TokenCountSums, b: TokenCountSums) {
        a.count += b.count
        a.countLogCount += b.countLogCount
    }

    static func -= (a: inout TokenCountSums, b: TokenCountSums) {
        a.count -= b.count
        a.countLogCount -= b.countLogCount
    }

    private static func countLogCount(_ count: Int) -> Double {
        count > 0 ? Double(count) * log(Double(count)) : 0
    }

    /// The entropy, in nats; 0 without tokens.
    var entropy: Double { count > 0.5 ? max(0, log(count) - countLogCount / count) : 0 }
}
