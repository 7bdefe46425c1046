// SPDX-License-Identifier: Apache-2.0
// Writes what a scan found on one shard of the corpus, for stage-scan merge.

import AttentionStats
import HDF5

/// Writes a part: blocks as in a scan, how much of each block is there, and the patterns of the top
/// sequences of the shard, in which those of the whole are contained.
public final class ScanPartWriter: ScanSink {
    private let output: WorkFileWriter
    private let tables: ScanTables
    private let topPatterns: PairTableWriter
    private let ends: [(dataset: H5Dataset, rows: (ScanBlock) -> Int)]
    private var totals: [Int64]

    /// Starts the file.
    ///
    /// - Parameters:
    ///   - shard: which piece it is of.
    ///   - sequences: the ids of its sequences.
    ///   - fingerprint: equal in the parts of one run, and in no others.
    ///   - corpus: of the whole; the first shard alone carries it.
    public init(
        _ path: String, _ header: ScanHeader, shard: Shard, sequences: Range<Int>,
        fingerprint: String, corpus: ScanCorpus
    ) throws {
        output = try WorkFileWriter(path, schema: .scanPart, provenance: header.provenance)
        let file = output.file
        try header.write(to: file)
        try file.createGroup("shard")
        try file.setAttribute("index", of: "shard", to: shard.index)
        try file.setAttribute("count", of: "shard", to: shard.count)
        try file.setAttribute("first_sequence", of: "shard", to: sequences.lowerBound)
        try file.setAttribute("end_sequence", of: "shard", to: sequences.upperBound)
        try file.setAttribute("fingerprint", of: "shard", to: fingerprint)
        if shard.isFirst { try corpus.write(header, to: file) }
        tables = try ScanTables(file, header)
        topPatterns = try PairTableWriter(file, group: "top_patterns", what: "head and sequence")
        func end(_ name: String, _ about: String) throws(H5Error) -> H5Dataset {
            try file.createAppendable(
                Int64.self, at: "blocks/\(name)", axes: ["block"], about: about)
        }
        ends = [
            (try end("end", "One past the last sequence of each block."), \.sequences.count),
            (try end("pattern_end", "One past its last row of the patterns."), \.patterns.count),
            (try end("edge_end", "One past its last edge."), \.edgeCount),
        ]
        totals = [Int64(sequences.lowerBound), 0, 0]
    }

    public func append(_ block: ScanBlock) throws {
        try tables.append(block)
        for (i, end) in ends.enumerated() {
            totals[i] += Int64(end.rows(block))
            try end.dataset.append([totals[i]])
        }
    }

    public func append(topPatterns lists: [ScanBlock.PairList]) throws {
        try topPatterns.append(lists)
    }

    public func append(_ likeness: Likeness) throws { try tables.append(likeness) }

    public func finish() throws { try output.finish() }
}

extension ScanBlock {
    /// Edges of all heads and sequences.
    fileprivate var edgeCount: Int { edges.reduce(0) { $0 + $1.edges.pairs.count } }
}
