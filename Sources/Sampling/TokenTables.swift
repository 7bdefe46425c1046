// SPDX-License-Identifier: Apache-2.0
// Which tokens a head attends from and to.

import AttentionStats

/// A token string and how much attention it has.
public struct TokenWeight: Sendable, Equatable {
    /// The display string.
    public let token: String
    /// Attention mass, or mean attention per occurrence.
    public let weight: Double

    /// A token and its weight.
    public init(token: String, weight: Double) {
        self.token = token
        self.weight = weight
    }
}

/// Attention by token string over a head's stored pairs, row 0 and column 0 left out (else the
/// attention sink wins every table).
public struct TokenTables: Sendable {
    /// By attention mass given, heaviest first.
    public let queries: [TokenWeight]
    /// By attention mass received, heaviest first.
    public let keys: [TokenWeight]
    /// By mean attention given per occurrence, heaviest first: sums favour frequent tokens, means
    /// show what the head looks for.
    public let queryMeans: [TokenWeight]
    /// By mean attention received per occurrence, heaviest first.
    public let keyMeans: [TokenWeight]

    /// Rows of a table that are kept.
    public static let rows = 50

    /// - Parameters:
    ///   - sequences: each with its token ids and stored pairs.
    ///   - minimumCount: tokens that occur less often have no mean.
    ///   - display: the string of a token id; ids with the same string are one token.
    public init(
        _ sequences: [(tokens: ArraySlice<Int32>, pairs: [AttentionPair])], minimumCount: Int = 5,
        display: (Int32) -> String
    ) {
        var sums: [Int32: Sums] = [:]
        for sequence in sequences {
            // First by position, so that a sequence costs one look-up a token, not one a pair.
            var byPosition = [Sums](repeating: Sums(), count: sequence.tokens.count)
            for pair in sequence.pairs where pair.query > 0 && pair.key > 0 {
                byPosition[Int(pair.query)].given += Double(pair.attention)
                byPosition[Int(pair.key)].received += Double(pair.attention)
            }
            for (token, position) in zip(sequence.tokens, byPosition).dropFirst() {
                sums[token, default: Sums()].add(position, occurrences: 1)
            }
        }
        // By the bytes of the string: Swift holds strings equal that only look the same.
        var byString: [[UInt8]: Sums] = [:]
        // In a fixed order: sums of Float64 depend on it.
        for (token, sum) in sums.sorted(by: { $0.key < $1.key }) {
            byString[Array(display(token).utf8), default: Sums()].add(
                sum, occurrences: sum.occurrences)
        }
        func table(_ weight: (Sums) -> Double) -> [TokenWeight] {
            Self.table(byString.mapValues(weight))
        }
        func mean(_ mass: Double, _ sums: Sums) -> Double {
            sums.occurrences >= minimumCount ? mass / Double(sums.occurrences) : 0
        }
        queries = table(\.given)
        keys = table(\.received)
        queryMeans = table { mean($0.given, $0) }
        keyMeans = table { mean($0.received, $0) }
    }

    /// What a token gave and received, and how often it occurred.
    private struct Sums {
        var given = 0.0
        var received = 0.0
        var occurrences = 0

        mutating func add(_ other: Sums, occurrences count: Int) {
            given += other.given
            received += other.received
            occurrences += count
        }
    }

    /// Heaviest first; of equals by the token's bytes, so that equal runs give equal tables.
    private static func table(_ weights: [[UInt8]: Double]) -> [TokenWeight] {
        let sorted = weights.filter { $0.value > 0 }.sorted {
            $0.value == $1.value
                ? $0.key.lexicographicallyPrecedes($1.key) : $0.value > $1.value
        }
        return sorted.prefix(rows).map {
            TokenWeight(token: String(decoding: $0.key, as: UTF8.self), weight: $0.value)
        }
    }
}
