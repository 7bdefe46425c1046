// SPDX-License-Identifier: Apache-2.0
// How often each token stands at one side of a head's pairs, in all sequences and in each.

import Foundation

/// Counts of tokens by sequence and over all, for entropies and for what these are without one of the sequences.
///
/// Sums go by the tokens' first occurrence, so that they are the same to the bit in every run.
public struct TokenCounts: Sendable {
    /// Over all sequences, by token id.
    private var whole: [Int]
    /// The tokens of `whole`, by first occurrence.
    private var seen: [Int32] = []
    /// Tokens with their counts, of one sequence after the other.
    private var entries: [(token: Int32, count: Int)] = []
    /// Of each sequence, the end of its entries.
    private var ends: [Int] = []
    /// Of the sequence that is counted: 0 but while `append` runs.
    private var current: [Int]
    private var currentTokens: [Int32] = []
    /// c log c of the usual counts.
    private let countLogCounts: [Double] = (0..<1 << 14).map { TokenCountSums.countLogCount($0) }

    /// No sequences.
    ///
    /// - Parameter vocabulary: more than any token id.
    public init(vocabulary: Int) {
        whole = [Int](repeating: 0, count: vocabulary)
        current = whole
    }

    /// Forgets all sequences. Memory stays for the next.
    public mutating func removeAll() {
        for token in seen { whole[Int(token)] = 0 }
        seen.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Adds a sequence, by the tokens of its pairs.
    public mutating func append(_ tokens: [Int32]) {
        for token in tokens {
            if current[Int(token)] == 0 { currentTokens.append(token) }
            current[Int(token)] += 1
        }
        for token in currentTokens {
            let count = current[Int(token)]
            current[Int(token)] = 0
            if whole[Int(token)] == 0 { seen.append(token) }
            whole[Int(token)] += count
            entries.append((token, count))
        }
        currentTokens.removeAll(keepingCapacity: true)
        ends.append(entries.count)
    }

    /// The sums of all sequences.
    public var sums: TokenCountSums {
        var sums = TokenCountSums()
        for token in seen {
            let count = whole[Int(token)]
            sums.count += Double(count)
            sums.countLogCount += countLogCount(count)
        }
        return sums
    }

    /// What goes away from `sums` when a sequence is left out.
    public func removed(_ sequence: Int) -> TokenCountSums {
        var removed = TokenCountSums()
        let first = sequence == 0 ? 0 : ends[sequence - 1]
        for (token, count) in entries[first..<ends[sequence]] {
            let before = whole[Int(token)]
            removed.count += Double(count)
            removed.countLogCount += countLogCount(before) - countLogCount(before - count)
        }
        return removed
    }

    private func countLogCount(_ count: Int) -> Double {
        count < countLogCounts.count ? countLogCounts[count] : TokenCountSums.countLogCount(count)
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

    static func += (a: inout TokenCountSums, b: TokenCountSums) {
        a.count += b.count
        a.countLogCount += b.countLogCount
    }

    static func -= (a: inout TokenCountSums, b: TokenCountSums) {
        a.count -= b.count
        a.countLogCount -= b.countLogCount
    }

    static func countLogCount(_ count: Int) -> Double {
        count > 0 ? Double(count) * log(Double(count)) : 0
    }

    /// The entropy, in nats; 0 without tokens.
    var entropy: Double { count > 0.5 ? max(0, log(count) - countLogCount / count) : 0 }
}
