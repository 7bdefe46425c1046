// SPDX-License-Identifier: Apache-2.0
// Writes scan.h5 while the corpus streams by.

import AttentionStats
import HDF5
import Transformer

/// Writes a scan batch by batch; memory does not grow with the corpus.
public final class ScanWriter {
    private let output: WorkFileWriter
    private let heads: [HeadAddress]
    private let distanceBins: Int
    private let columns: [H5Dataset]
    private let massByDistance: H5Dataset
    private let highAttention: PairTableWriter
    private let patterns: PairTableWriter
    private let edges: EdgeTableWriter

    /// Starts the file, with the sequences that will be walked.
    ///
    /// - Parameters:
    ///   - tokens: of all sequences, one after the other.
    ///   - starts: where each sequence starts in `tokens`, and the end: one more than sequences.
    ///   - sources: for each sequence, file and line of its document.
    ///   - vocabulary: the display string of every token id that occurs.
    ///   - outputWeights: W_O of each studied head, [dHead, dModel].
    public init(
        _ path: String, _ header: ScanHeader, tokens: [Int32], starts: [Int],
        sources: [(file: Int, line: Int)], files: [String],
        vocabulary: [(id: Int32, display: String)],
        outputWeights: (HeadAddress) throws -> [Float]
    ) throws {
        output = try WorkFileWriter(path, schema: .scan, provenance: header.provenance)
        heads = header.heads
        distanceBins = DistanceBins.count(forLength: header.maxLength)
        let file = output.file
        let h = header.heads.count
        try header.write(to: file)
        try file.write(
            starts.map(Int64.init), shape: [starts.count], to: "sequences/start",
            axes: ["sequence"],
            about: "First token of each sequence in sequences/token, and the end.")
        try file.write(
            tokens, shape: [tokens.count], to: "sequences/token", axes: ["token"],
            about: "Token ids of all walked sequences, one after the other.")
        try file.write(files, to: "sequences/files", axes: ["file"], about: "The corpus's files.")
        try file.write(
            sources.flatMap { [Int64($0.file), Int64($0.line)] }, shape: [sources.count, 2],
            to: "sequences/source", axes: ["sequence", "file or line"],
            about: "Where a sequence's document stands: row of sequences/files, line from 1.")
        try file.write(
            vocabulary.map(\.id), shape: [vocabulary.count], to: "vocabulary/id", axes: ["token"],
            about: "Token ids that occur in the corpus, ascending.")
        try file.write(
            vocabulary.map(\.display), to: "vocabulary/display", axes: ["token"],
            about: "Display string of each token id.")
        let weights = try file.createAppendable(
            Float.self, rowShape: [header.model.dHead, header.model.dModel], at: "output_weights",
            axes: ["head index", "head dimension", "residual dimension"],
            about: "W_O of each studied head: z W_O is what it adds to the residual stream.")
        for head in header.heads { try weights.append(try outputWeights(head)) }
        var columns: [H5Dataset] = []
        for column in StatisticsColumn.all {
            columns.append(
                try file.createAppendable(
                    Double.self, rowShape: [h], at: "statistics/\(column.name)",
                    axes: ["sequence", "head index"], about: column.about))
        }
        self.columns = columns
        massByDistance = try file.createAppendable(
            Float.self, rowShape: [h, distanceBins], at: "statistics/mass_by_distance",
            axes: ["sequence", "head index", "distance bin"],
            about: "Attention mass by |q-k|, in bins 0, 1, 2-3, 4-7, 8-15, ...")
        highAttention = try PairTableWriter(
            file, group: "high_attention", what: "head and sequence")
        patterns = try PairTableWriter(file, group: "patterns", what: "head and sequence")
        edges = try EdgeTableWriter(file, dHead: header.model.dHead)
    }

    /// Appends a batch. Batches come in the order of the sequences.
    ///
    /// - Parameter keepsPattern: of a head (by index) and sequence (of the batch) whose pattern was
    ///   taken, whether it is written now.
    public func append(
        _ batch: [ScanSequence], _ results: BatchResults,
        keepsPattern: (_ head: Int, _ sequence: Int) -> Bool
    ) throws(H5Error) {
        for (column, dataset) in zip(StatisticsColumn.all, columns) {
            var values: [Double] = []
            values.reserveCapacity(batch.count * heads.count)
            for s in batch.indices {
                for h in heads.indices { values.append(column.get(results[s, h].sums)) }
            }
            try dataset.append(values)
        }
        var mass: [Float] = []
        var high: [(head: Int, sequence: Int, pairs: [AttentionPair])] = []
        for s in batch.indices {
            for h in heads.indices {
                let bins = results[s, h].massByDistance
                mass += bins
                mass += repeatElement(0, count: distanceBins - bins.count)
            }
        }
        try massByDistance.append(mass)
        var kept: [(head: Int, sequence: Int, pairs: [AttentionPair])] = []
        var edgeLists: [(head: Int, sequence: Int, edges: StrongEdges)] = []
        // Head by head, so that a reader of one head finds its lists of a batch side by side.
        for h in heads.indices {
            for s in batch.indices {
                let result = results[s, h]
                high.append((h, batch[s].id, result.highPairs))
                if let pattern = result.pattern, keepsPattern(h, s) {
                    kept.append((h, batch[s].id, pattern))
                }
                if let edges = result.edges { edgeLists.append((h, batch[s].id, edges)) }
            }
        }
        try highAttention.append(high)
        try patterns.append(kept)
        try edges.append(edgeLists)
    }

    /// Appends patterns that were held back: those of the exact top sequences.
    public func append(
        patterns lists: [(head: Int, sequence: Int, pairs: [AttentionPair])]
    ) throws(H5Error) {
        try patterns.append(lists)
    }

    /// Completes the file.
    public func finish() throws { try output.finish() }
}
