// SPDX-License-Identifier: Apache-2.0
// sample.h5: the sequences that are shown for each head, its histograms and its token tables.

import AttentionStats
import HDF5
import Sampling
import Transformer
import UserErrors

/// One sampled sequence of a head.
public struct SampledSequence: Sendable, Equatable {
    /// The sequence's id.
    public var sequence: Int
    /// Its interval.
    public var interval: Int
    /// Whether it is one of the head's exact top sequences.
    public var isTop: Bool
    /// Its largest activation.
    public var maxActivation: Float
    /// The stored attention.
    public var pairs: [AttentionPair]

    /// One sampled sequence of a head.
    public init(
        sequence: Int, interval: Int, isTop: Bool, maxActivation: Float, pairs: [AttentionPair]
    ) {
        self.sequence = sequence
        self.interval = interval
        self.isTop = isTop
        self.maxActivation = maxActivation
        self.pairs = pairs
    }
}

/// Everything sample.h5 holds of one head.
public struct HeadSample: Sendable, Equatable {
    /// Highest interval first, within it by descending activation.
    public var sequences: [SampledSequence]
    /// Of the activations of all walked sequences.
    public var activations: Histogram
    /// Of |q-k| over the stored pairs.
    public var distances: Histogram
    /// By the names of `SampleFile.tableNames`.
    public var tables: [String: [TokenWeight]]

    /// Everything sample.h5 holds of one head.
    public init(
        sequences: [SampledSequence], activations: Histogram, distances: Histogram,
        tables: [String: [TokenWeight]]
    ) {
        self.sequences = sequences
        self.activations = activations
        self.distances = distances
        self.tables = tables
    }
}

/// The names that writer and reader of sample.h5 share.
public enum SampleFile {
    /// The token tables, each a group under `tables`.
    public static let tableNames = [
        "top_query_tokens", "top_key_tokens", "top_query_tokens_mean", "top_key_tokens_mean",
    ]
    static let histogramNames = ["histogram", "qk_distance_histogram"]
}

/// Writes sample.h5 head by head.
public final class SampleWriter {
    private let output: WorkFileWriter
    private let pairs: PairTableWriter
    private let interval: H5Dataset
    private let isTop: H5Dataset
    private let maxActivation: H5Dataset
    private let heads: [HeadAddress]
    private var next = 0

    /// Starts the file.
    public init(
        _ path: String, provenance: Provenance, heads: [HeadAddress]
    ) throws {
        output = try WorkFileWriter(path, schema: .sample, provenance: provenance)
        self.heads = heads
        let file = output.file
        do {
            try file.write(heads: heads)
            pairs = try PairTableWriter(file, group: "sequences", what: "sample")
            interval = try file.createAppendable(
                Int32.self, at: "sequences/interval", axes: ["sample"],
                about: "Activation interval, 1 (lowest) to the number of intervals.")
            isTop = try file.createAppendable(
                UInt8.self, at: "sequences/is_top", axes: ["sample"],
                about: "1 for the head's exact top sequences.")
            maxActivation = try file.createAppendable(
                Float.self, at: "sequences/max_activation", axes: ["sample"],
                about: "Largest A[q,k] with q > 0 and k > 0.")
        } catch {
            throw UserError(error)
        }
    }

    /// Appends the next head.
    public func append(_ sample: HeadSample) throws {
        let head = next
        next += 1
        let address = heads[head]
        let file = output.file
        try reading { () throws(H5Error) in
            try pairs.append(sample.sequences.map { (head, $0.sequence, $0.pairs) })
            try interval.append(sample.sequences.map { Int32($0.interval) })
            try isTop.append(sample.sequences.map { $0.isTop ? 1 : 0 as UInt8 })
            try maxActivation.append(sample.sequences.map(\.maxActivation))
            for (name, histogram) in zip(
                SampleFile.histogramNames, [sample.activations, sample.distances])
            {
                let group = "heads_\(name)/\(address)"
                try file.write(
                    histogram.edges, shape: [histogram.edges.count], to: "\(group)/bin_edges",
                    axes: ["edge"], about: "Edges of the bins.")
                try file.write(
                    histogram.values, shape: [histogram.values.count], to: "\(group)/bin_values",
                    axes: ["bin"], about: "Counts in the bins.")
            }
            for name in SampleFile.tableNames {
                let rows = sample.tables[name] ?? []
                let group = "tables/\(name)/\(address)"
                try file.write(
                    rows.map(\.token), to: "\(group)/token", axes: ["row"], about: "Display string."
                )
                try file.write(
                    rows.map(\.weight), shape: [rows.count], to: "\(group)/weight", axes: ["row"],
                    about: "Attention mass, or mean attention per occurrence; heaviest first.")
            }
        }
    }

    /// Completes the file.
    public func finish() throws {
        precondition(next == heads.count, "a sample for every head")
        try output.finish()
    }
}

/// Reads sample.h5 head by head.
public final class SampleReader {
    /// The scan's facts and the sampling stage's own.
    public let provenance: Provenance
    /// The studied heads.
    public let heads: [HeadAddress]
    private let file: H5File
    private let pairs: PairTable
    private let rowsOfHead: [[Int]]
    private let interval: [Int32]
    private let isTop: [UInt8]
    private let maxActivation: [Float]

    /// Opens the file.
    ///
    /// - Parameter scan: the scan it belongs to.
    public init(_ path: String, of scan: ScanFile) throws {
        file = try openWorkFile(path, schema: .sample)
        let file = file
        (provenance, heads, pairs, interval, isTop, maxActivation) = try reading {
            () throws(H5Error) in
            let heads = try file.readHeads()
            let pairs = try PairTable(
                file, group: "sequences", heads: heads, length: { scan.length(of: $0) })
            let n = pairs.rows.count
            let intervals = Int32(scan.header.nIntervals)
            return (
                try Provenance(from: file), heads, pairs,
                try file.read(
                    "sequences/interval", shape: [n], "names an interval that there is not",
                    where: { (1...intervals).contains($0) }),
                try file.read(
                    "sequences/is_top", shape: [n], "is neither 0 nor 1", where: { $0 <= 1 }),
                try file.read(
                    "sequences/max_activation", shape: [n], "holds what is no attention",
                    where: isAttention)
            )
        }
        var rows = [[Int]](repeating: [], count: heads.count)
        for (i, row) in pairs.rows.enumerated() { rows[row.head].append(i) }
        rowsOfHead = rows
    }

    /// The sample of a head.
    public func sample(ofHead head: Int) throws -> HeadSample {
        let rows = rowsOfHead[head]
        let lists = try pairs.pairs(rows)
        let sequences = zip(rows, lists).map { row, pairs in
            SampledSequence(
                sequence: self.pairs.rows[row].sequence, interval: Int(interval[row]),
                isTop: isTop[row] != 0, maxActivation: maxActivation[row], pairs: pairs)
        }
        let address = heads[head]
        return try reading { () throws(H5Error) in
            func histogram(_ name: String) throws(H5Error) -> Histogram {
                let group = "heads_\(name)/\(address)"
                let values: [Double] = try file.finite("\(group)/bin_values", [-1])
                return Histogram(
                    edges: try file.finite("\(group)/bin_edges", [values.count + 1]),
                    values: values)
            }
            var tables: [String: [TokenWeight]] = [:]
            for name in SampleFile.tableNames {
                let group = "tables/\(name)/\(address)"
                let tokens = try file.readStrings("\(group)/token")
                let weights: [Double] = try file.finite("\(group)/weight", [tokens.count])
                tables[name] = zip(tokens, weights).map { TokenWeight(token: $0, weight: $1) }
            }
            return HeadSample(
                sequences: sequences, activations: try histogram("histogram"),
                distances: try histogram("qk_distance_histogram"), tables: tables)
        }
    }
}
