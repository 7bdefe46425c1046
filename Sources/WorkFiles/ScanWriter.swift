// SPDX-License-Identifier: Apache-2.0
// Writes scan.h5 while the corpus streams by.

import AttentionStats
import HDF5
import Transformer

/// What takes the results of a scan: the whole's file, or a shard's.
public protocol ScanSink {
    /// Appends the lists of a layer's heads on a block. Blocks come in the order of their sequences, the layers of each
    /// in order.
    func append(_ lists: ScanLists) throws
    /// Ends a block with its rows.
    func append(_ rows: ScanRows) throws
    /// Appends the patterns that were held back: those of the exact top sequences, by head, then
    /// sequence.
    func append(topPatterns lists: [ScanLists.PairList]) throws
    /// Writes the likeness of the heads; after all blocks.
    func append(_ likeness: Likeness) throws
    /// Completes the file.
    func finish() throws
}

/// Writes a scan block by block, and of a block layer by layer; memory does not grow with the corpus.
public final class ScanWriter: ScanSink {
    private let output: WorkFileWriter
    private let tables: ScanTables

    /// Starts the file, with the sequences that will be walked.
    public init(_ path: String, _ header: ScanHeader, _ corpus: ScanCorpus) throws {
        output = try WorkFileWriter(path, schema: .scan, provenance: header.provenance)
        try header.write(to: output.file)
        try corpus.write(header, to: output.file)
        tables = try ScanTables(output.file, header)
    }

    public func append(_ lists: ScanLists) throws { try tables.append(lists) }

    public func append(_ rows: ScanRows) throws { try tables.append(rows) }

    public func append(topPatterns lists: [ScanLists.PairList]) throws {
        try tables.append(patterns: lists)
    }

    public func append(_ likeness: Likeness) throws { try tables.append(likeness) }

    public func finish() throws { try output.finish() }
}
