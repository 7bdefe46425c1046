// SPDX-License-Identifier: Apache-2.0
// Which tokens a head attends from and to.

import AttentionStats

/// A token string and how much attention it has.
public struct TokenWeight: Sendable, Equatable {
    /// The display string.
    public let token: String
    /// Attention mass, or mean attention per occurrence.
    public let weight: Double
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
    ///   - sequences: each with its display strings and stored pairs.
    ///   - minimumCount: tokens that occur less often have no mean.
    public init(
        _ sequences: [(tokens: [String], pairs: [AttentionPair])], minimumCount: Int = 5
    ) {
        var given: [String: Double] = [:]
        var received: [String: Double] = [:]
        var occurrences: [String: Int] = [:]
        for sequence in sequences {
            for token in sequence.tokens.dropFirst() { occurrences[token, default: 0] += 1 }
            for pair in sequence.pairs where pair.query > 0 && pair.key > 0 {
                given[sequence.tokens[Int(pair.query)], default: 0] += Double(pair.attention)
                received[sequence.tokens[Int(pair.key)], default: 0] += Double(pair.attention)
            }
        }
        func mean(_ mass: [String: Double]) -> [String: Double] {
            Dictionary(
                uniqueKeysWithValues: mass.compactMap { token, mass in
                    let count = occurrences[token, default: 0]
                    return count >= minimumCount ? (token, mass / Double(count)) : nil
                })
        }
        queries = Self.table(given)
        keys = Self.table(received)
        queryMeans = Self.table(mean(given))
        keyMeans = Self.table(mean(received))
    }

    /// Heaviest first; of equals by the token's bytes, so that equal runs give equal tables.
    private static func table(_ weights: [String: Double]) -> [TokenWeight] {
        let sorted = weights.sorted {
            $0.value == $1.value
                ? $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) : $0.value > $1.value
        }
        return sorted.prefix(rows).map { TokenWeight(token: $0.key, weight: $0.value) }
    }
}
