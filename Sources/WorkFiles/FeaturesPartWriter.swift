// SPDX-License-Identifier: Apache-2.0
// Writes what the features of dictionaries fire on in one shard of the corpus, for stage-dictionary merge.

import HDF5

/// What a part holds of one feature: its counts, and every firing that evidence of the whole may show.
public struct FeaturePortionRecord: Sendable, Equatable {
    /// Firings after position 0 in the shard, and sequences that it fires at position 0 of.
    public var count: Int
    public var beginnings: Int
    /// The sum of the `count` activations, in units of 2^-56.
    public var sum: Int128
    /// Where the kept firings are, ascending.
    public var sequences: [Int32]
    public var positions: [Int32]
    /// Of each of them, the activations and ids around it, [firing, window]; 0 and -1 where there is nothing.
    public var activations: [Float]
    public var tokens: [Int32]

    /// What a part holds of one feature.
    public init(
        count: Int, beginnings: Int, sum: Int128, sequences: [Int32], positions: [Int32],
        activations: [Float], tokens: [Int32]
    ) {
        self.count = count
        self.beginnings = beginnings
        self.sum = sum
        self.sequences = sequences
        self.positions = positions
        self.activations = activations
        self.tokens = tokens
    }
}

/// Writes a part, dictionary by dictionary and feature by feature.
public final class FeaturesPartWriter {
    private let output: WorkFileWriter
    private var vocabulary: Set<Int32> = []

    /// Starts the file.
    ///
    /// - Parameters:
    ///   - provenance: of the run, without what is told of single dictionaries.
    ///   - shard: which piece it is of.
    ///   - tokens: number of tokens looked at by all shards, position 0 of each sequence left out.
    ///   - window: tokens around a firing, and how many of them are before it.
    public init(
        _ path: String, provenance: Provenance, shard: Shard, tokens: Int,
        window: (tokens: Int, before: Int)
    ) throws {
        output = try WorkFileWriter(path, schema: .featuresPart, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            try file.createGroup("shard")
            try file.setAttribute("index", of: "shard", to: shard.index)
            try file.setAttribute("count", of: "shard", to: shard.count)
            try file.setAttribute("n_tokens", of: "shard", to: tokens)
            try file.setAttribute("window", of: "shard", to: window.tokens)
            try file.setAttribute("before", of: "shard", to: window.before)
        }
    }

    /// Adds a dictionary.
    ///
    /// - Parameters:
    ///   - name: of its group, such as L5; each once.
    ///   - layer: whose input or outputs it describes.
    ///   - facts: what is told of this dictionary beyond the run.
    ///   - record: what is held of each feature.
    public func append(
        _ name: String, layer: Int, facts: Provenance, features: Int,
        _ record: (_ feature: Int) -> FeaturePortionRecord
    ) throws {
        let file = output.file
        try reading { () throws(H5Error) in
            let group = "dictionaries/\(name)"
            try file.createGroup(group)
            try file.setAttribute("layer", of: group, to: layer)
            try file.setAttribute("n_features", of: group, to: features)
            for fact in facts.facts { try file.setAttribute(fact.name, of: group, to: fact.value) }
            var columns = try PortionColumns(file, group)
            // A few megabytes at a time.
            let block = 1024
            for start in stride(from: 0, to: features, by: block) {
                for feature in start..<min(start + block, features) {
                    let record = record(feature)
                    columns.add(record)
                    vocabulary.formUnion(record.tokens)
                }
                try columns.writeFirings()
            }
            try columns.writeCounts()
        }
    }

    /// Completes the file.
    ///
    /// - Parameter display: the display string of a token id.
    public func finish(display: (Int32) -> String) throws {
        let file = output.file
        try reading { () throws(H5Error) in
            try file.writeVocabulary(vocabulary.subtracting([-1]), display)
        }
        try output.finish()
    }
}

/// The datasets of one dictionary: firings are written as they come, counts at the end.
private struct PortionColumns {
    private var count: [Int64] = []
    private var beginnings: [Int64] = []
    private var sumHigh: [Int64] = []
    private var sumLow: [UInt64] = []
    private var end: [Int64] = []
    private var sequences: [Int32] = []
    private var positions: [Int32] = []
    private var activations: [Float] = []
    private var tokens: [Int32] = []
    private let file: H5File
    private let group: String
    private let sequence, position, activation, token: H5Dataset

    /// A shard may have few firings, and there may be thousands of shards.
    private static let chunkBytes = 32_768

    init(_ file: H5File, _ group: String) throws(H5Error) {
        (self.file, self.group) = (file, group)
        let window: Int = try file.attribute("window", of: "shard")
        func column<T: H5Scalar>(
            _ type: T.Type, _ name: String, _ about: String, window: [Int] = []
        ) throws(H5Error) -> H5Dataset {
            try file.createAppendable(
                type, rowShape: window, at: "\(group)/\(name)",
                axes: ["firing"] + window.map { _ in "token" }, about: about,
                chunkBytes: Self.chunkBytes)
        }
        sequence = try column(Int32.self, "sequence", "Sequence of the corpus, from 0.")
        position = try column(
            Int32.self, "position", "Position where the feature fires, from 0.")
        activation = try column(
            Float.self, "activation",
            "The feature's activation at each token around the firing, 0 where it does not fire.",
            window: [window])
        token = try column(
            Int32.self, "token", "Token ids around the firing; -1 where the sequence has none.",
            window: [window])
    }

    mutating func add(_ record: FeaturePortionRecord) {
        count.append(Int64(record.count))
        beginnings.append(Int64(record.beginnings))
        sumHigh.append(Int64(truncatingIfNeeded: record.sum >> 64))
        sumLow.append(UInt64(truncatingIfNeeded: record.sum))
        end.append((end.last ?? 0) + Int64(record.sequences.count))
        sequences += record.sequences
        positions += record.positions
        activations += record.activations
        tokens += record.tokens
    }

    mutating func writeFirings() throws(H5Error) {
        try sequence.append(sequences)
        try position.append(positions)
        try activation.append(activations)
        try token.append(tokens)
        (sequences, positions, activations, tokens) = ([], [], [], [])
    }

    func writeCounts() throws(H5Error) {
        func write<T: H5Scalar>(
            _ values: [T], _ name: String, _ about: String
        ) throws(H5Error) {
            try file.write(
                values, shape: [values.count], to: "\(group)/\(name)", axes: ["feature"],
                about: about)
        }
        try write(count, "count", "Positions where the feature fires, position 0 left out.")
        try write(beginnings, "beginnings", "Sequences at whose position 0 the feature fires.")
        try write(
            sumHigh, "sum_high",
            "Sum of the count activations in units of 2^-56: its upper 64 bits.")
        try write(sumLow, "sum_low", "The lower 64 bits of that sum.")
        try write(end, "firing_end", "One past the last kept firing of each feature.")
    }
}
