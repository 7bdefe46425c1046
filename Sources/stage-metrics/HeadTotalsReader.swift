// SPDX-License-Identifier: Apache-2.0
// From the scan's columns to a head's totals and each sequence's share of them.

import AttentionStats
import HeadMetrics
import WorkFiles

/// Reads the sums of one head after another.
struct HeadTotalsReader {
    private let scan: ScanFile
    private let attentionThreshold: Float
    /// [sequence, head].
    private let sums: [HeadSums]
    /// For each sequence, how many queries have an earlier occurrence of their token.
    private let repeatedQueries: [Int]
    private let highAttention: PairTable
    /// For each head, the studied heads of its layer.
    private let peersOfHead: [[Int]]
    /// For each head, its rows of `highAttention`.
    private let rowsOfHead: [[Int]]

    init(_ scan: ScanFile, attentionThreshold: Float) throws {
        self.scan = scan
        self.attentionThreshold = attentionThreshold
        sums = try scan.allSums()
        repeatedQueries = (0..<scan.nSequences).map {
            TokenRepeats(scan.tokens(of: $0)).repeatedQueries
        }
        let heads = scan.header.heads
        let byLayer = Dictionary(grouping: heads.indices) { heads[$0].layer }
        peersOfHead = heads.map { byLayer[$0.layer] ?? [] }
        highAttention = try scan.highAttention()
        var rows = [[Int]](repeating: [], count: scan.header.heads.count)
        for (i, row) in highAttention.rows.enumerated() { rows[row.head].append(i) }
        rowsOfHead = rows
    }

    /// Whether the model's heads have learned sinks: something always goes to one.
    var hasLearnedSinks: Bool { sums.contains { $0.learnedSink > 0 } }

    /// Whether the scan attributed logits.
    var hasDirectLogits: Bool { sums.contains { $0.logitQueries > 0 } }

    /// The totals of a head, and what each sequence takes away when it is left out.
    func read(_ head: Int) throws -> (whole: HeadTotals, parts: [HeadTotals]) {
        var parts = (0..<scan.nSequences).map { totals($0, head) }
        let counts = try tokenCounts(head)
        var whole = HeadTotals()
        for part in parts { whole += part }
        whole.queryTokens = TokenCountSums(counts.wholeQueries.values)
        whole.keyTokens = TokenCountSums(counts.wholeKeys.values)
        for s in parts.indices {
            parts[s].queryTokens = TokenCountSums(
                removing: counts.queries[s], from: counts.wholeQueries)
            parts[s].keyTokens = TokenCountSums(removing: counts.keys[s], from: counts.wholeKeys)
        }
        return (whole, parts)
    }

    private func totals(_ sequence: Int, _ head: Int) -> HeadTotals {
        let length = scan.tokens(of: sequence).count
        var totals = HeadTotals()
        totals.queries = Double(length)
        totals.laterQueries = Double(length - 1)
        totals.repeatedQueries = Double(repeatedQueries[sequence])
        totals.sums = sums[sequence * scan.header.heads.count + head]
        totals.layerOutputNorm = layerOutputNorm(sequence, ofHead: head)
        return totals
    }

    /// The mean of the output norms over the studied heads of the head's layer.
    private func layerOutputNorm(_ sequence: Int, ofHead head: Int) -> Double {
        let peers = peersOfHead[head]
        let row = sequence * scan.header.heads.count
        return peers.reduce(0) { $0 + sums[row + $1].outputNorm } / Double(peers.count)
    }

    /// Token ids at both sides of high-attention pairs, by sequence and over all.
    private struct TokenCounts {
        var queries: [[Int32: Int]]
        var keys: [[Int32: Int]]
        var wholeQueries: [Int32: Int] = [:]
        var wholeKeys: [Int32: Int] = [:]
    }

    private func tokenCounts(_ head: Int) throws -> TokenCounts {
        let none = [[Int32: Int]](repeating: [:], count: scan.nSequences)
        var counts = TokenCounts(queries: none, keys: none)
        let rows = rowsOfHead[head]
        for (row, pairs) in zip(rows, try highAttention.pairs(rows)) {
            let s = highAttention.rows[row].sequence
            let tokens = scan.tokens(of: s)
            for pair in pairs where pair.attention >= attentionThreshold {
                let query = tokens[tokens.startIndex + Int(pair.query)]
                let key = tokens[tokens.startIndex + Int(pair.key)]
                counts.queries[s][query, default: 0] += 1
                counts.keys[s][key, default: 0] += 1
                counts.wholeQueries[query, default: 0] += 1
                counts.wholeKeys[key, default: 0] += 1
            }
        }
        return counts
    }
}
