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
    /// Of the last head that was read.
    private var queryTokens: TokenCounts
    private var keyTokens: TokenCounts

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
        let largest = (0..<scan.nSequences).lazy.compactMap { scan.tokens(of: $0).max() }.max() ?? 0
        queryTokens = TokenCounts(vocabulary: Int(largest) + 1)
        keyTokens = queryTokens
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
        var whole = HeadTotals()
        for part in parts { whole += part }
        try countTokens(head, group)
        whole.queryTokens = queryTokens.sums
        whole.keyTokens = keyTokens.sums
        for s in parts.indices {
            parts[s].queryTokens = queryTokens.removed(s)
            parts[s].keyTokens = keyTokens.removed(s)
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

    /// Counts the tokens at both sides of a head's pairs of high attention.
    private mutating func countTokens(_ head: Int, _ group: Group) throws {
        queryTokens.removeAll()
        keyTokens.removeAll()
        var (queries, keys): ([Int32], [Int32]) = ([], [])
        // A list for each sequence, in their order.
        let rows = group.rowsOfHead[head - group.heads.lowerBound]
        for (row, pairs) in zip(rows, try group.highAttention.pairs(rows)) {
            let tokens = scan.tokens(of: group.highAttention.rows[row].sequence)
            queries.removeAll(keepingCapacity: true)
            keys.removeAll(keepingCapacity: true)
            for pair in pairs where pair.attention >= attentionThreshold {
                queries.append(tokens[tokens.startIndex + Int(pair.query)])
                keys.append(tokens[tokens.startIndex + Int(pair.key)])
            }
            queryTokens.append(queries)
            keyTokens.append(keys)
        }
    }
}
