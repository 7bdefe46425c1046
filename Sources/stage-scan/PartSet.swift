// SPDX-License-Identifier: Apache-2.0
// The parts of one run: that they belong together and are complete, and the scan they make.

import AttentionStats
import Sampling
import Stages
import UserErrors
import WorkFiles

/// All parts of a scan, in order. One of them is open at a time.
struct PartSet {
    private let paths: [String]
    private let header: ScanHeader
    private let fingerprint: String

    /// Looks at the parts.
    ///
    /// - Throws: when one is of another run, there twice, or missing; it is named.
    init(_ paths: [String]) throws {
        var shards = ShardSet()
        for path in paths {
            let part = try ScanPart(path)
            try shards.add(
                path, part.shard, part.header.provenance, fingerprint: part.fingerprint)
        }
        self.paths = try shards.inOrder()
        let first = try ScanPart(self.paths[0], isChecked: true)
        header = first.header
        fingerprint = first.fingerprint
    }

    /// Makes the scan of the whole. Memory holds the lists of a block and layer, and grows with the tokens of the corpus,
    /// four bytes each, as that of a scan does, and not with the parts.
    func merge(into output: String) throws {
        let corpus = try ScanPart(paths[0], isChecked: true).corpus()
        let writer = try ScanWriter(output, header, corpus)
        var top = Array(
            repeating: TopSequences(count: header.topSequences), count: header.heads.count)
        var portions = PortionReader(paths, fingerprint)
        var progress = Progress("merging", unit: "sequences", total: corpus.count)
        for range in ScanBlock.ranges(of: corpus.starts, in: 0..<corpus.count) {
            let block = try portions.next(covering: range)
            for heads in header.headsByLayer {
                let runs = try block.map { try $0.part.lists(of: heads) }
                try writer.append(ScanLists(joining: runs))
            }
            var rows = block[0].rows
            for portion in block.dropFirst() { rows.join(portion.rows) }
            for sequence in range {
                for (head, activation) in rows.maxActivations(of: sequence).enumerated() {
                    _ = top[head].offer(activation, sequence: sequence)
                }
            }
            try writer.append(rows)
            progress.update(range.upperBound)
        }
        try writer.append(topPatterns: try heldBack(top))
        try writer.append(try likeness())
        try writer.finish()
        progress.finish(corpus.count)
    }

    /// The likeness of the heads over all parts: exact sums, in any order.
    private func likeness() throws -> Likeness {
        var whole = Likeness(heads: header.heads.count)
        for path in paths { whole += try ScanPart(path, isChecked: true).likeness() }
        return whole
    }

    /// The patterns of the whole's top sequences that are not kept as samples, by head, then sequence.
    private func heldBack(_ top: [TopSequences]) throws -> [ScanLists.PairList] {
        let samples = SampleRule(header)
        let wanted = top.enumerated().map { head, top in
            Set(top.sequences.filter { !samples.keeps(head: head, sequence: $0) })
        }
        var lists: [ScanLists.PairList] = []
        for path in paths {
            lists += try ScanPart(path, isChecked: true).topPatterns { wanted[$0].contains($1) }
        }
        guard lists.count == wanted.reduce(0, { $0 + $1.count }) else {
            throw UserError(
                "\(paths[0]) and the other parts: patterns of top sequences are missing; scan the shards again."
            )
        }
        return lists.sorted { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
    }
}

/// Reads the blocks of all parts in the order of their sequences.
private struct PortionReader {
    private let paths: [String]
    private let fingerprint: String
    private var nextPath = 0
    private var part: ScanPart?

    init(_ paths: [String], _ fingerprint: String) {
        self.paths = paths
        self.fingerprint = fingerprint
    }

    /// The portions of a block, which follow each other and make all of it: their rows, and the parts that have their
    /// lists.
    mutating func next(covering block: Range<Int>) throws -> [(part: ScanPart, rows: ScanRows)] {
        var portions: [(part: ScanPart, rows: ScanRows)] = []
        var end = block.lowerBound
        while end < block.upperBound {
            guard let part, let rows = try part.next() else {
                try openNext(expecting: end)
                continue
            }
            let sequences = rows.sequences
            guard sequences.lowerBound == end, sequences.upperBound > end,
                sequences.upperBound <= block.upperBound
            else { throw damaged(paths[nextPath - 1]) }
            end = sequences.upperBound
            portions.append((part, rows))
        }
        return portions
    }

    private mutating func openNext(expecting sequence: Int) throws {
        guard nextPath < paths.count else { throw damaged(paths[paths.count - 1]) }
        let opened = try ScanPart(paths[nextPath], isChecked: true)
        nextPath += 1
        guard opened.fingerprint == fingerprint, opened.sequences.lowerBound == sequence else {
            throw damaged(paths[nextPath - 1])
        }
        part = opened
    }

    private func damaged(_ path: String) -> UserError {
        UserError("\(path): its sequences do not follow those of the part before; scan it again.")
    }
}
