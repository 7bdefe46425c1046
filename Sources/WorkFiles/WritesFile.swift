// SPDX-License-Identifier: Apache-2.0
// writes.h5: the tokens that heads raise and lower when they attend to their strongest key tokens.

import HDF5
import Transformer

/// The contents of writes.h5.
public struct WritesFile: Sendable, Equatable {
    /// A token and by how much its logit is above the mean over the vocabulary.
    public struct Entry: Sendable, Equatable {
        public var token: Int32
        public var weight: Float

        public init(token: Int32, weight: Float) {
            self.token = token
            self.weight = weight
        }
    }

    /// What one head writes from one key token.
    public struct Row: Sendable, Equatable {
        /// The head's place in `heads`.
        public var head: Int
        /// The key's token; nil: from all its edges.
        public var key: Int32?
        /// Edges that were averaged.
        public var count: Int
        public var meanAttention: Double
        /// The most raised first; `suppresses` the most lowered first. Equally many in all rows.
        public var promotes: [Entry]
        public var suppresses: [Entry]

        public init(
            head: Int, key: Int32?, count: Int, meanAttention: Double, promotes: [Entry],
            suppresses: [Entry]
        ) {
            self.head = head
            self.key = key
            self.count = count
            self.meanAttention = meanAttention
            self.promotes = promotes
            self.suppresses = suppresses
        }
    }

    /// The scan's facts.
    public var provenance: Provenance
    /// The studied heads.
    public var heads: [HeadAddress]
    /// By head, all edges first.
    public var rows: [Row]
    /// How tokens are shown, by id.
    public var display: [Int32: String]

    /// The contents of writes.h5.
    public init(
        provenance: Provenance, heads: [HeadAddress], rows: [Row], display: [Int32: String]
    ) {
        self.provenance = provenance
        self.heads = heads
        self.rows = rows
        self.display = display
    }

    /// Writes the file.
    public func write(to path: String) throws {
        let output = try WorkFileWriter(path, schema: .writes, provenance: provenance)
        let file = output.file
        let n = rows.count
        try reading { () throws(H5Error) in
            try file.write(heads: heads)
            try file.write(
                rows.map { Int32($0.head) }, shape: [n], to: "rows/head_index", axes: ["row"],
                about: "Index into /heads.")
            try file.write(
                rows.map { $0.key ?? -1 }, shape: [n], to: "rows/key_token", axes: ["row"],
                about: "Token id of the key; -1: all edges of the head.")
            try file.write(
                rows.map { Int32($0.count) }, shape: [n], to: "rows/count", axes: ["row"],
                about: "Edges that were averaged.")
            try file.write(
                rows.map(\.meanAttention), shape: [n], to: "rows/mean_attention", axes: ["row"],
                about: "Mean of A[q,k] over them.")
            try write(\.promotes, to: "promotes", file, "raised")
            try write(\.suppresses, to: "suppresses", file, "lowered")
            let ids = display.keys.sorted()
            try file.write(
                ids, shape: [ids.count], to: "vocabulary/id", axes: ["token"],
                about: "Ids of the tokens that occur here.")
            try file.write(
                ids.map { display[$0] ?? "" }, to: "vocabulary/display", axes: ["token"],
                about: "How they are shown.")
        }
        try output.finish()
    }

    private func write(
        _ side: KeyPath<Row, [Entry]>, to group: String, _ file: H5File, _ word: String
    ) throws(H5Error) {
        let width = rows.first?[keyPath: side].count ?? 0
        let entries = rows.flatMap { $0[keyPath: side] }
        try file.write(
            entries.map(\.token), shape: [rows.count, width], to: "\(group)/token",
            axes: ["row", "rank"], about: "Ids of the most \(word) tokens.")
        try file.write(
            entries.map(\.weight), shape: [rows.count, width], to: "\(group)/weight",
            axes: ["row", "rank"],
            about:
                "Logit of mean A v W_O above its mean over the vocabulary; the final norm's gain is in it, its scale is not."
        )
    }

    /// Reads the file.
    public init(_ path: String) throws {
        let file = try openWorkFile(path, schema: .writes)
        self = try reading { () throws(H5Error) in
            let heads = try file.readHeads()
            let head: [Int32] = try file.read(
                "rows/head_index", shape: [-1], "names a head that is not in /heads",
                where: { heads.indices.contains(Int($0)) })
            let n = head.count
            let key: [Int32] = try file.read("rows/key_token", shape: [n])
            let count: [Int32] = try file.read(
                "rows/count", shape: [n], "holds what is no count", where: { $0 >= 0 })
            let attention: [Double] = try file.finite("rows/mean_attention", [n])
            func entries(_ group: String) throws(H5Error) -> [[Entry]] {
                let tokens: [Int32] = try file.read("\(group)/token", shape: [n, -1])
                let width = n > 0 ? tokens.count / n : 0
                let weights: [Float] = try file.finite("\(group)/weight", [n, width])
                return (0..<n).map { row in
                    (0..<width).map {
                        Entry(token: tokens[row * width + $0], weight: weights[row * width + $0])
                    }
                }
            }
            let (promotes, suppresses) = (try entries("promotes"), try entries("suppresses"))
            let display = try file.readVocabulary()
            return WritesFile(
                provenance: try Provenance(from: file), heads: heads,
                rows: (0..<n).map {
                    Row(
                        head: Int(head[$0]), key: key[$0] < 0 ? nil : key[$0],
                        count: Int(count[$0]), meanAttention: attention[$0],
                        promotes: promotes[$0], suppresses: suppresses[$0])
                },
                display: display)
        }
    }
}
