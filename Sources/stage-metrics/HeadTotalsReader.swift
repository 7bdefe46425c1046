// SPDX-License-Identifier: Apache-2.0
// From the scan's columns to a head's totals and each sequence's share of them.

import AttentionStats
import HeadMetrics
import WorkFiles

/// Reads the sums of one head after another. Memory holds those of a few heads, as many as it is let.
struct HeadTotalsReader {
    private let scan: ScanFile
    private let attentionThreshold: Float
    /// For each sequence, how many queries have an earlier occurrence of their token.
    private let repeatedQueries: [Int]
    private let headsByLayer: [Range<Int>]
    /// Heads that are read at a time.
    private let headsPerGroup: Int
    private var group: Group?

    /// Some neighbouring heads.
    private struct Group {
        let heads: Range<Int>
        /// [sequence, head].
        let sums: [HeadSums]
        let highAttention: PairTable
        /// For each head, its rows of `highAttention`.
        let rowsOfHead: [[Int]]
        /// Of each sequence, the mean of the output norms over the studied heads of a layer; of the layers of the heads.
        let layerNorms: [(heads: Range<Int>, means: [Double])]
    }

    /// - Parameter memory: bytes that sums and lists may take.
    init(_ scan: ScanFile, attentionThreshold: Float, memory: Int) {
        self.scan = scan
        self.attentionThreshold = attentionThreshold
        repeatedQueries = (0..<scan.nSequences).map {
            TokenRepeats(scan.tokens(of: $0)).repeatedQueries
        }
        headsByLayer = scan.header.headsByLayer
        let bytes = MemoryLayout<HeadSums>.stride + 2 * MemoryLayout<PairTable.Row>.stride
        headsPerGroup = max(1, memory / (bytes * scan.nSequences))
    }

    /// Whether one of the sums is more than 0 somewhere.
    func has(_ field: KeyPath<HeadSums, Double>) throws -> Bool {
        guard let sum = HeadSums.Sum.all.first(where: { $0.field == field }) else { return false }
        return try groups.contains { try scan.sum(sum, ofHeads: $0).contains { $0 > 0 } }
    }

    private var groups: [Range<Int>] {
        let heads = scan.header.heads.count
        return stride(from: 0, to: heads, by: headsPerGroup).map {
            $0..<min($0 + headsPerGroup, heads)
        }
    }

    private func read(_ heads: Range<Int>) throws -> Group {
        let table = try scan.highAttention(ofHeads: heads)
        var rows = [[Int]](repeating: [], count: heads.count)
        for (i, row) in table.rows.enumerated() { rows[row.head - heads.lowerBound].append(i) }
        return Group(
            heads: heads, sums: try scan.sums(ofHeads: heads), highAttention: table,
            rowsOfHead: rows,
            layerNorms: try headsByLayer.filter { $0.overlaps(heads) }.map { layer in
                (layer, try layerNorms(layer))
            })
    }

    /// Of each sequence, the mean of the output norms over the studied heads of a layer.
    private func layerNorms(_ heads: Range<Int>) throws -> [Double] {
        guard let sum = HeadSums.Sum.all.first(where: { $0.field == \HeadSums.outputNorm }) else {
            return []
        }
        let norms = try scan.sum(sum, ofHeads: heads)
        return (0..<scan.nSequences).map { s in
            norms[s * heads.count..<(s + 1) * heads.count].reduce(0, +) / Double(heads.count)
        }
    }

    /// The totals of a head, and what each sequence takes away when it is left out.
    mutating func read(_ head: Int) throws -> (whole: HeadTotals, parts: [HeadTotals]) {
        if let group, !group.heads.contains(head) { self.group = nil }
        let group = try self.group ?? read(groups[head / headsPerGroup])
        self.group = group
        var parts = (0..<scan.nSequences).map { totals($0, head, group) }
        let counts = try tokenCounts(head, group)
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

    private func totals(_ sequence: Int, _ head: Int, _ group: Group) -> HeadTotals {
        let length = scan.tokens(of: sequence).count
        var totals = HeadTotals()
        totals.queries = Double(length)
        totals.laterQueries = Double(length - 1)
        totals.repeatedQueries = Double(repeatedQueries[sequence])
        totals.sums = group.sums[sequence * group.heads.count + head - group.heads.lowerBound]
        totals.layerOutputNorm =
            group.layerNorms.first { $0.heads.contains(head) }?.means[sequence] ?? 0
        return totals
    }

    /// Token ids at both sides of high-attention pairs, by sequence and over all.
    private struct TokenCounts {
        var queries: [[Int32: Int]]
        var keys: [[Int32: Int]]
        var wholeQueries: [Int32: Int] = [:]
        var wholeKeys: [Int32: Int] = [:]
    }

    private func tokenCounts(_ head: Int, _ group: Group) throws -> TokenCounts {
        let none = [[Int32: Int]](repeating: [:], count: scan.nSequences)
        var counts = TokenCounts(queries: none, keys: none)
        let rows = group.rowsOfHead[head - group.heads.lowerBound]
        for (row, pairs) in zip(rows, try group.highAttention.pairs(rows)) {
            let s = group.highAttention.rows[row].sequence
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
