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

    /// One direction that a head carries from key to query.
    public struct Direction: Sendable, Equatable {
        /// The tokens at both ends of a direction, the farthest first.
        public struct Ends: Sendable, Equatable {
            public var high: [Entry]
            public var low: [Entry]

            public init(high: [Entry], low: [Entry]) {
                self.high = high
                self.low = low
            }
        }

        /// The head's place in `heads`.
        public var head: Int
        /// The singular value, and its square over the sum of all squares.
        public var strength: Double
        public var share: Double
        /// By their embeddings, and by their logits.
        public var reads: Ends
        public var writes: Ends

        public init(head: Int, strength: Double, share: Double, reads: Ends, writes: Ends) {
            self.head = head
            self.strength = strength
            self.share = share
            self.reads = reads
            self.writes = writes
        }
    }

    /// The scan's facts.
    public var provenance: Provenance
    /// The studied heads.
    public var heads: [HeadAddress]
    /// By head, all edges first.
    public var rows: [Row]
    /// By head, the strongest first; none of heads that cannot be taken apart.
    public var directions: [Direction]
    /// How tokens are shown, by id.
    public var display: [Int32: String]

    /// The contents of writes.h5.
    public init(
        provenance: Provenance, heads: [HeadAddress], rows: [Row], directions: [Direction],
        display: [Int32: String]
    ) {
        self.provenance = provenance
        self.heads = heads
        self.rows = rows
        self.directions = directions
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
            let about =
                "Logit of mean A v W_O above its mean over the vocabulary; the final norm's gain is in it, its scale is not."
            try file.write(
                rows.map(\.promotes), to: "promotes", axis: "row", word: "most raised", about)
            try file.write(
                rows.map(\.suppresses), to: "suppresses", axis: "row", word: "most lowered", about)
            try file.write(directions)
            try file.writeVocabulary(Set(display.keys)) { display[$0] ?? "" }
        }
        try output.finish()
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
            let promotes = try file.entries("promotes", n)
            let suppresses = try file.entries("suppresses", n)
            return WritesFile(
                provenance: try Provenance(from: file), heads: heads,
                rows: (0..<n).map {
                    Row(
                        head: Int(head[$0]), key: key[$0] < 0 ? nil : key[$0],
                        count: Int(count[$0]), meanAttention: attention[$0],
                        promotes: promotes[$0], suppresses: suppresses[$0])
                },
                directions: try file.directions(heads: heads.count),
                display: try file.readVocabulary())
        }
    }
}
