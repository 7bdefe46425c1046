// SPDX-License-Identifier: Apache-2.0
// A head's sums over sequences, from which every metric is computed.

import AttentionStats

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
