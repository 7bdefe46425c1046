// SPDX-License-Identifier: Apache-2.0
// The strong edges of scan.h5 with their vectors.

import AttentionStats
import HDF5
import Transformer

/// Writes edges: each has its head, sequence, query, key, and its four vectors.
final class EdgeTableWriter {
    private let head: H5Dataset
    private let sequence: H5Dataset
    private let query: H5Dataset
    private let key: H5Dataset
    private let attention: H5Dataset
    private let strength: H5Dataset
    private let vectors: [(dataset: H5Dataset, field: KeyPath<StrongEdges, [Float]>)]

    init(_ file: H5File, dHead: Int) throws(H5Error) {
        func column<T: H5Scalar>(_ name: String, _ type: T.Type, _ about: String) throws(H5Error)
            -> H5Dataset
        {
            try file.createAppendable(type, at: "edges/\(name)", axes: ["edge"], about: about)
        }
        func vector(_ name: String, _ about: String) throws(H5Error) -> H5Dataset {
            try file.createAppendable(
                Float.self, rowShape: [dHead], at: "edges/\(name)",
                axes: ["edge", "head dimension"], about: about)
        }
        head = try column("head_index", Int32.self, "Row of /heads.")
        sequence = try column("sequence", Int32.self, "Sequence id.")
        query = try column("query", UInt16.self, "Query position, from 0.")
        key = try column("key", UInt16.self, "Key position, from 0.")
        attention = try column("attention", Float.self, "A[query, key].")
        strength = try column("strength", Float.self, "By what the edges were ranked.")
        vectors = [
            (try vector("q", "Query vector at the query, after rotary, not scaled."), \.q),
            (try vector("k", "Key vector at the key, after rotary."), \.k),
            (try vector("v", "Value vector at the key."), \.v),
            (try vector("z", "Attention-weighted values at the query, before W_O."), \.z),
        ]
    }

    func append(
        _ lists: [(head: Int, sequence: Int, edges: StrongEdges)]
    ) throws(H5Error) {
        let pairs = lists.flatMap(\.edges.pairs)
        try head.append(
            lists.flatMap { repeatElement(Int32($0.head), count: $0.edges.pairs.count) })
        try sequence.append(
            lists.flatMap { repeatElement(Int32($0.sequence), count: $0.edges.pairs.count) })
        try query.append(pairs.map(\.query))
        try key.append(pairs.map(\.key))
        try attention.append(pairs.map(\.attention))
        try strength.append(lists.flatMap(\.edges.strength))
        for (dataset, field) in vectors {
            try dataset.append(lists.flatMap { $0.edges[keyPath: field] })
        }
    }
}

/// The edges of one head, in file order.
public struct HeadEdges: Sendable {
    public var sequence: [Int]
    public var query: [Int]
    public var key: [Int]
    public var attention: [Float]
    public var strength: [Float]
    /// The query vectors, [n, dHead].
    public var q: [Float]
    public var k: [Float]
    public var v: [Float]
    public var z: [Float]

    /// Edges, by column.
    public init(
        sequence: [Int], query: [Int], key: [Int], attention: [Float], strength: [Float],
        q: [Float], k: [Float], v: [Float], z: [Float]
    ) {
        self.sequence = sequence
        self.query = query
        self.key = key
        self.attention = attention
        self.strength = strength
        self.q = q
        self.k = k
        self.v = v
        self.z = z
    }
}

/// Reads edges head by head.
public final class EdgeTable {
    private let file: H5File
    private let heads: [HeadAddress]
    private let length: (_ sequence: Int) -> Int?
    private let columns: [String: H5Dataset]
    /// For each head, the ranges of rows that are its.
    private let ranges: [[Range<Int>]]

    /// - Parameter length: of a sequence, in tokens; nil for one that there is not.
    init(
        _ file: H5File, heads: [HeadAddress], dHead: Int,
        length: @escaping (_ sequence: Int) -> Int?
    ) throws(H5Error) {
        (self.file, self.heads, self.length) = (file, heads, length)
        let head: [Int32] = try file.read("edges/head_index", shape: [-1])
        var columns: [String: H5Dataset] = [:]
        for name in ["sequence", "query", "key", "attention", "strength"] {
            columns[name] = try file.dataset("edges/\(name)", shape: [head.count])
        }
        for name in ["q", "k", "v", "z"] {
            columns[name] = try file.dataset("edges/\(name)", shape: [head.count, dHead])
        }
        self.columns = columns
        var ranges = [[Range<Int>]](repeating: [], count: heads.count)
        var start = 0
        while start < head.count {
            var end = start + 1
            while end < head.count, head[end] == head[start] { end += 1 }
            guard heads.indices.contains(Int(head[start])) else {
                throw file.damaged("edges/head_index", "names a head that is not in /heads")
            }
            ranges[Int(head[start])].append(start..<end)
            start = end
        }
        self.ranges = ranges
    }

    /// The edges of a head. All lie within their sequences, and all numbers are finite.
    public func edges(ofHead head: Int) throws -> HeadEdges {
        try reading { () throws(H5Error) in
            let edges = HeadEdges(
                sequence: try column("sequence", head, as: Int32.self).map(Int.init),
                query: try column("query", head, as: UInt16.self).map(Int.init),
                key: try column("key", head, as: UInt16.self).map(Int.init),
                attention: try column("attention", head), strength: try column("strength", head),
                q: try column("q", head), k: try column("k", head), v: try column("v", head),
                z: try column("z", head))
            try check(edges, ofHead: head)
            return edges
        }
    }

    private func check(_ edges: HeadEdges, ofHead head: Int) throws(H5Error) {
        for (name, values) in [
            ("strength", edges.strength), ("q", edges.q), ("k", edges.k), ("v", edges.v),
            ("z", edges.z),
        ] where !values.allSatisfy(\.isFinite) {
            throw file.damaged(
                "edges/\(name)", "holds a number of \(heads[head]) that is not finite")
        }
        guard edges.attention.allSatisfy(isAttention) else {
            throw file.damaged(
                "edges/attention", "holds an attention of \(heads[head]) that cannot be")
        }
        for (i, sequence) in edges.sequence.enumerated() {
            guard let length = length(sequence), edges.query[i] < length, edges.key[i] < length
            else {
                throw file.damaged(
                    "edges", "an edge of \(heads[head]) on sequence \(sequence) lies outside it")
            }
        }
    }

    private func column<Scalar: H5Scalar>(
        _ name: String, _ head: Int, as type: Scalar.Type = Scalar.self
    ) throws(H5Error) -> [Scalar] {
        var values: [Scalar] = []
        for range in ranges[head] {
            if let dataset = columns[name] { values += try dataset.read(rows: range) }
        }
        return values
    }
}
