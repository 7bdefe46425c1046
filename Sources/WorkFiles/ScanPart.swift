// SPDX-License-Identifier: Apache-2.0
// Reads what a scan found on one shard, block by block.

import AttentionStats
import HDF5
import Transformer
import UserErrors

/// An open part of a scan.
public final class ScanPart {
    /// What the whole scan says about itself.
    public let header: ScanHeader
    /// Which piece it is of.
    public let shard: Shard
    /// The ids of its sequences.
    public let sequences: Range<Int>
    /// Equal in the parts of one run, and in no others.
    public let fingerprint: String
    private let file: H5File
    private let columns: [H5Dataset]
    private let massByDistance: H5Dataset
    private let highAttention: PairStream
    private let patterns: PairStream
    private let edges: EdgeStream
    /// For each block, one past its last sequence, row of the patterns and edge.
    private let ends: [[Int64]]
    private var nextBlock = 0
    /// The sequences of the block that was turned to.
    private var block = 0..<0

    /// Opens a part.
    ///
    /// - Parameter isChecked: whether its contents were held against their digest before in this run.
    /// - Throws: when it is no part, or does not fit together.
    public init(_ path: String, isChecked: Bool = false) throws {
        file = try openWorkFile(path, schema: .scanPart, isChecked: isChecked)
        let file = file
        let facts = try reading { () throws(H5Error) in try Facts(file) }
        (header, shard, sequences) = (facts.header, facts.shard, facts.sequences)
        fingerprint = facts.fingerprint
        let (header, sequences) = (facts.header, facts.sequences)
        let h = header.heads.count
        (columns, massByDistance, ends) = try reading { () throws(H5Error) in
            var columns: [H5Dataset] = []
            for column in StatisticsColumn.all {
                columns.append(
                    try file.dataset("statistics/\(column.name)", shape: [sequences.count, h]))
            }
            let mass = try file.dataset(
                "statistics/mass_by_distance", shape: [sequences.count, h, header.distanceBins])
            return (columns, mass, try Self.ends(file, sequences))
        }
        (highAttention, patterns, edges) = try reading { () throws(H5Error) in
            (
                try PairStream(file, group: "high_attention"),
                try PairStream(file, group: "patterns"),
                try EdgeStream(
                    file, keyGroups: header.keyGroups, dHead: header.model.dHead)
            )
        }
    }

    /// What a part says of itself.
    private struct Facts {
        let header: ScanHeader
        let shard: Shard
        let sequences: Range<Int>
        let fingerprint: String

        init(_ file: H5File) throws(H5Error) {
            header = try ScanHeader(from: file)
            fingerprint = try file.stringAttribute("fingerprint", of: "shard")
            let index = try file.attribute("index", of: "shard", as: Int.self)
            let count = try file.attribute("count", of: "shard", as: Int.self)
            let first = try file.attribute("first_sequence", of: "shard", as: Int.self)
            let end = try file.attribute("end_sequence", of: "shard", as: Int.self)
            guard let shard = Shard(index, of: count), 0 <= first, first <= end else {
                throw file.damaged("shard", "its numbers are absurd")
            }
            self.shard = shard
            sequences = first..<end
        }
    }

    private static func ends(_ file: H5File, _ sequences: Range<Int>) throws(H5Error) -> [[Int64]] {
        let ends: [[Int64]] = [
            try file.read("blocks/end", shape: [-1]),
            try file.read("blocks/pattern_end", shape: [-1]),
            try file.read("blocks/edge_end", shape: [-1]),
        ]
        let starts = [Int64(sequences.lowerBound), 0, 0]
        let isAscending = zip(starts, ends).allSatisfy { start, ends in
            zip([start] + ends, ends).allSatisfy { $0 <= $1 }
        }
        guard isAscending, ends.allSatisfy({ $0.count == ends[0].count }),
            (ends[0].last ?? starts[0]) == Int64(sequences.upperBound)
        else {
            throw file.damaged("blocks", "do not fit the shard")
        }
        return ends
    }

    /// The corpus of the whole, which the first shard carries.
    public func corpus() throws -> ScanCorpus {
        let (file, header) = (file, header)
        return try reading { () throws(H5Error) in try ScanCorpus(header, from: file) }
    }

    /// Turns to the next block, or to what there is of it in this shard, and gives its rows; nil at the end.
    public func next() throws -> ScanRows? {
        guard nextBlock < ends[0].count else { return nil }
        defer { nextBlock += 1 }
        let start = nextBlock == 0 ? sequences.lowerBound : Int(ends[0][nextBlock - 1])
        let ids = start..<Int(ends[0][nextBlock])
        block = ids
        let local = ids.lowerBound - sequences.lowerBound..<ids.upperBound - sequences.lowerBound
        return try reading { () throws(H5Error) in
            var statistics: [[Double]] = []
            for (column, rule) in zip(columns, StatisticsColumn.all) {
                let values: [Double] = try column.read(rows: local)
                guard values.allSatisfy(rule.canHold) else {
                    throw file.damaged(column.object, "holds a number that cannot be")
                }
                statistics.append(values)
            }
            return ScanRows(
                sequences: ids, statistics: statistics,
                massByDistance: try massByDistance.read(rows: local))
        }
    }

    /// The lists of a layer in the block that was turned to.
    ///
    /// - Parameter heads: of the layer after that of the call before, or of the first one.
    public func lists(of heads: Range<Int>) throws -> ScanLists {
        let (ids, end) = (block, nextBlock - 1)
        return try reading { () throws(H5Error) in
            var lists = ScanLists()
            lists.highAttention = try highAttention.next(
                ids.count * heads.count, of: heads, sequences: ids)
            lists.patterns = try patterns.next(
                try patterns.count(before: heads.upperBound, end: Int(ends[1][end])), of: heads,
                sequences: ids)
            (lists.edges, lists.keys) = try edges.next(
                try edges.count(before: heads.upperBound, end: Int(ends[2][end])), of: heads,
                sequences: ids)
            if heads.upperBound == header.heads.count {
                guard patterns.row == ends[1][end], edges.nextEdge == ends[2][end] else {
                    throw file.damaged("blocks", "end behind the lists of their heads")
                }
            }
            return lists
        }
    }

    /// How alike the patterns of the studied heads are on its sequences.
    public func likeness() throws -> Likeness {
        try reading { () throws(H5Error) in try file.readLikeness(heads: header.heads.count) }
    }

    /// The held-back patterns that are wanted, by head, then sequence.
    ///
    /// - Parameter isWanted: of a head (by index) and a sequence of this shard.
    public func topPatterns(where isWanted: (_ head: Int, _ sequence: Int) -> Bool) throws
        -> [ScanLists.PairList]
    {
        let (file, header, sequences) = (file, header, sequences)
        let table = try reading { () throws(H5Error) in
            // The lengths of its sequences are in the first part alone.
            try PairTable(
                file, group: "top_patterns", heads: header.heads,
                length: { sequences.contains($0) ? header.maxLength : nil })
        }
        let wanted = table.rows.indices.filter {
            isWanted(table.rows[$0].head, table.rows[$0].sequence)
        }
        return zip(wanted, try table.pairs(wanted)).map { row, pairs in
            (table.rows[row].head, table.rows[row].sequence, pairs)
        }
    }
}
