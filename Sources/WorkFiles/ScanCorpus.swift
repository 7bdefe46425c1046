// SPDX-License-Identifier: Apache-2.0
// What scan.h5 holds of the corpus and the weights before any forward pass.

import AttentionStats
import HDF5
import Transformer

/// The walked sequences, and the weights that readers of a scan need.
public struct ScanCorpus {
    /// Of all sequences, one after the other.
    public let tokens: [Int32]
    /// Where each sequence starts in `tokens`, and the end: one more than sequences.
    public let starts: [Int]
    /// For each sequence, file (an index into `files`) and line of its document.
    let sources: [(file: Int, line: Int)]
    let files: [String]
    /// The display string of every token id that occurs.
    let vocabulary: [(id: Int32, display: String)]
    /// W_O of each studied head, `dHead` rows of `dModel`.
    let outputWeights: (HeadAddress) throws -> HalfVectors

    /// Number of sequences.
    public var count: Int { sources.count }

    /// The sequences that are walked.
    ///
    /// - Parameters:
    ///   - tokens: of all sequences, one after the other.
    ///   - starts: where each sequence starts in `tokens`, and the end: one more than sequences.
    ///   - sources: for each sequence, file and line of its document.
    ///   - vocabulary: the display string of every token id that occurs.
    ///   - outputWeights: W_O of each studied head, `dHead` rows of `dModel`.
    public init(
        tokens: [Int32], starts: [Int], sources: [(file: Int, line: Int)], files: [String],
        vocabulary: [(id: Int32, display: String)],
        outputWeights: @escaping (HeadAddress) throws -> HalfVectors
    ) {
        self.tokens = tokens
        self.starts = starts
        self.sources = sources
        self.files = files
        self.vocabulary = vocabulary
        self.outputWeights = outputWeights
    }

    func write(_ header: ScanHeader, to file: H5File) throws {
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
        try OutputWeightsTable.write(header, to: file, weights: outputWeights)
    }

    /// Reads what `write` wrote.
    init(_ header: ScanHeader, from file: H5File) throws(H5Error) {
        tokens = try file.read("sequences/token", shape: [-1])
        let starts: [Int64] = try file.read("sequences/start", shape: [-1])
        let isAscending = zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 }
        guard starts.first == 0, starts.last == Int64(tokens.count), isAscending else {
            throw file.damaged("sequences/start", "does not fit sequences/token")
        }
        self.starts = starts.map(Int.init)
        let sources: [Int64] = try file.read("sequences/source", shape: [starts.count - 1, 2])
        self.sources = stride(from: 0, to: sources.count, by: 2).map {
            (Int(sources[$0]), Int(sources[$0 + 1]))
        }
        files = try file.readStrings("sequences/files")
        vocabulary = try file.readVocabulary().sorted { $0.key < $1.key }
            .map { (id: $0, display: $1) }
        let weights = try OutputWeightsTable(header, from: file)
        let heads = header.heads
        outputWeights = { head in
            guard let row = heads.firstIndex(of: head) else { return HalfVectors() }
            return try weights.rows(ofHead: row)
        }
    }
}
