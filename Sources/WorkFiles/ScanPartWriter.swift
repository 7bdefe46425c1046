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
    private let ends: (sequence: H5Dataset, pattern: H5Dataset, edge: H5Dataset)
    private var totals: (patterns: Int64, edges: Int64) = (0, 0)

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
        ends = (
            try end("end", "One past the last sequence of each block."),
            try end("pattern_end", "One past its last row of the patterns."),
            try end("edge_end", "One past its last edge.")
        )
    }

    public func append(_ lists: ScanLists) throws {
        try tables.append(lists)
        totals.patterns += Int64(lists.patterns.count)
        totals.edges += lists.edges.reduce(0) { $0 + Int64($1.edges.pairs.count) }
    }

    public func append(_ rows: ScanRows) throws {
        try tables.append(rows)
        try ends.sequence.append([Int64(rows.sequences.upperBound)])
        try ends.pattern.append([totals.patterns])
        try ends.edge.append([totals.edges])
    }

    public func append(topPatterns lists: [ScanLists.PairList]) throws {
        try topPatterns.append(lists)
    }

    public func append(_ likeness: Likeness) throws { try tables.append(likeness) }

    public func finish() throws { try output.finish() }
}
