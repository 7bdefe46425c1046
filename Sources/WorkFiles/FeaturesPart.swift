// SPDX-License-Identifier: Apache-2.0
// Reads what the features of dictionaries fire on in one shard of the corpus.

import HDF5

/// An open part of a collection of evidence.
public final class FeaturesPart {
    /// Model and corpus with their hashes, and every parameter of the run.
    public let provenance: Provenance
    /// Which piece of the corpus it is of.
    public let shard: Shard
    /// Number of tokens looked at by all shards, position 0 of each sequence left out.
    public let tokens: Int
    /// Tokens around a firing, and how many of them are before it.
    public let window: (tokens: Int, before: Int)
    /// In the order of their names.
    public let dictionaries: [Dictionary]
    private let file: H5File

    /// One dictionary of the part.
    public struct Dictionary {
        /// The name of its group, such as L5.
        public let name: String
        /// The layer whose input or outputs it describes.
        public let layer: Int
        /// Number of its features.
        public let features: Int
        /// What is told of this dictionary beyond the run.
        public let facts: Provenance
    }

    /// Opens a part.
    ///
    /// - Parameter isChecked: whether its contents were held against their digest before in this run.
    /// - Throws: when it is no part, or does not fit together.
    public init(_ path: String, isChecked: Bool = false) throws {
        file = try openWorkFile(path, schema: .featuresPart, isChecked: isChecked)
        let file = file
        (provenance, shard, tokens, window, dictionaries) = try reading { () throws(H5Error) in
            func number(_ name: String) throws(H5Error) -> Int {
                try file.attribute(name, of: "shard")
            }
            let window = (tokens: try number("window"), before: try number("before"))
            guard let shard = Shard(try number("index"), of: try number("count")),
                (1...4096).contains(window.tokens), (0..<window.tokens).contains(window.before),
                (0..<1 << 40).contains(try number("n_tokens"))
            else { throw file.damaged("shard", "its numbers are absurd") }
            var dictionaries: [Dictionary] = []
            for name in try file.members(of: "dictionaries").sorted() {
                dictionaries.append(try Dictionary(name, in: file))
            }
            guard !dictionaries.isEmpty else {
                throw file.damaged("dictionaries", "there are none")
            }
            return (
                try Provenance(from: file), shard, try number("n_tokens"), window, dictionaries
            )
        }
    }

    /// The display strings of the ids in it.
    public func vocabulary() throws -> [Int32: String] {
        let file = file
        return try reading { () throws(H5Error) in try file.readVocabulary() }
    }

    /// What it holds of a dictionary's features.
    public func portions(of dictionary: Dictionary) throws -> FeaturePortions {
        let (file, window) = (file, window)
        return try reading { () throws(H5Error) in
            try FeaturePortions(file, dictionary, window)
        }
    }
}

extension FeaturesPart.Dictionary {
    fileprivate init(_ name: String, in file: H5File) throws(H5Error) {
        let group = "dictionaries/\(name)"
        self.name = name
        layer = try file.attribute("layer", of: group)
        features = try file.attribute("n_features", of: group)
        var facts = Provenance()
        for fact in file.attributeNames(of: group) where fact != "layer" && fact != "n_features" {
            facts[fact] = try file.attributeValue(fact, of: group)
        }
        self.facts = facts
        guard (0..<1 << 20).contains(layer), (1...1 << 30).contains(features) else {
            throw file.damaged(group, "its numbers are absurd")
        }
    }
}

/// The features of a dictionary in a part, open for reading.
public struct FeaturePortions {
    private let file: H5File
    private let group: String
    private let features: Int
    private let window: (tokens: Int, before: Int)
    private let columns: [String: H5Dataset]

    fileprivate init(
        _ file: H5File, _ dictionary: FeaturesPart.Dictionary, _ window: (tokens: Int, before: Int)
    ) throws(H5Error) {
        self.file = file
        group = "dictionaries/\(dictionary.name)"
        features = dictionary.features
        self.window = window
        var columns: [String: H5Dataset] = [:]
        for name in ["count", "beginnings", "sum_high", "sum_low", "firing_end"] {
            columns[name] = try file.dataset("\(group)/\(name)", shape: [features])
        }
        let firings = try file.dataset("\(group)/sequence", shape: [-1])
        columns["sequence"] = firings
        columns["position"] = try file.dataset("\(group)/position", shape: firings.shape)
        for name in ["activation", "token"] {
            columns[name] = try file.dataset(
                "\(group)/\(name)", shape: firings.shape + [window.tokens])
        }
        self.columns = columns
    }

    /// What it holds of some features.
    ///
    /// - Parameter rows: features, all of which the dictionary has; not so many that memory would count.
    public func records(of rows: Range<Int>) throws -> [FeaturePortionRecord] {
        try reading { () throws(H5Error) in
            let firings = try firings(of: rows)
            let counts: [[Int64]] = [
                try column("count", rows), try column("beginnings", rows),
                try column("sum_high", rows),
            ]
            let low: [UInt64] = try column("sum_low", rows)
            guard (counts[0] + counts[1]).allSatisfy({ (0..<1 << 40).contains($0) }) else {
                throw file.damaged(group, "it holds counts that cannot be")
            }
            // One read a column: a thousand small ones take longer.
            let all = (firings.first?.lowerBound ?? 0)..<(firings.last?.upperBound ?? 0)
            let sequences: [Int32] = try column("sequence", all)
            let positions: [Int32] = try column("position", all)
            let activations: [Float] = try column("activation", all)
            let tokens: [Int32] = try column("token", all)
            var records: [FeaturePortionRecord] = []
            for (i, firing) in firings.enumerated() {
                let own = firing.lowerBound - all.lowerBound..<firing.upperBound - all.lowerBound
                let windows = own.lowerBound * window.tokens..<own.upperBound * window.tokens
                let record = FeaturePortionRecord(
                    count: Int(counts[0][i]), beginnings: Int(counts[1][i]),
                    sum: Int128(counts[2][i]) << 64 | Int128(low[i]),
                    sequences: Array(sequences[own]), positions: Array(positions[own]),
                    activations: Array(activations[windows]), tokens: Array(tokens[windows]))
                try check(record)
                records.append(record)
            }
            return records
        }
    }

    /// The rows of the firings of some features.
    private func firings(of rows: Range<Int>) throws(H5Error) -> [Range<Int>] {
        let ends: [Int64] = try column("firing_end", max(0, rows.lowerBound - 1)..<rows.upperBound)
        let bounds = rows.lowerBound == 0 ? [0] + ends : ends
        guard (bounds.first ?? 0) >= 0, bounds.last ?? 0 <= columns["sequence"]?.shape[0] ?? 0,
            zip(bounds, bounds.dropFirst()).allSatisfy({ $0 <= $1 })
        else { throw file.damaged("\(group)/firing_end", "it does not ascend within the file") }
        return zip(bounds, bounds.dropFirst()).map { Int($0)..<Int($1) }
    }

    private func column<T: H5Scalar>(_ name: String, _ rows: Range<Int>) throws(H5Error) -> [T] {
        guard let column = columns[name] else { return [] }
        return try column.read(rows: rows)
    }

    /// A firing is counted, has a token, fires, and has tokens without gaps before it, as far as its sequence goes.
    private func check(_ record: FeaturePortionRecord) throws(H5Error) {
        let later = record.positions.count { $0 > 0 }
        var isSound = later <= record.count && record.positions.count - later <= record.beginnings
        isSound = isSound && record.activations.allSatisfy { $0.isFinite && $0 >= 0 }
        isSound = isSound && record.tokens.allSatisfy { $0 < 1 << 24 }
        isSound = isSound && (record.sequences + record.positions).allSatisfy { $0 >= 0 }
        for (i, position) in record.positions.enumerated() where isSound {
            let first = i * window.tokens
            let begins = first + max(0, window.before - Int(position))
            let own = first + window.before
            isSound =
                record.activations[own] > 0 && record.tokens[begins...own].allSatisfy { $0 >= 0 }
        }
        guard isSound else { throw file.damaged(group, "it holds firings that cannot be") }
    }
}
