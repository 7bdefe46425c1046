// SPDX-License-Identifier: Apache-2.0
// The strong edges of scan.h5 with their vectors, head by head.

import HDF5
import Transformer

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
    private let q, k, v, z: VectorTable
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
        for name in EdgeTableWriter.columns {
            columns[name] = try file.dataset("edges/\(name)", shape: [head.count])
        }
        self.columns = columns
        q = try VectorTable(file, "edge_queries/q", width: dHead)
        z = try VectorTable(file, "edge_queries/z", width: dHead)
        k = try VectorTable(file, "edge_keys/k", width: dHead)
        v = try VectorTable(file, "edge_keys/v", width: dHead)
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
            let queryRows = try column("query_row", head, as: UInt32.self)
            let keyRows = try column("key_row", head, as: UInt32.self)
            let edges = HeadEdges(
                sequence: try column("sequence", head, as: Int32.self).map(Int.init),
                query: try column("query", head, as: UInt16.self).map(Int.init),
                key: try column("key", head, as: UInt16.self).map(Int.init),
                attention: try column("attention", head), strength: try column("strength", head),
                q: try q.gather(queryRows), k: try k.gather(keyRows), v: try v.gather(keyRows),
                z: try z.gather(queryRows))
            try check(edges, ofHead: head)
            return edges
        }
    }

    private func check(_ edges: HeadEdges, ofHead head: Int) throws(H5Error) {
        for (name, values) in [
            ("edges/strength", edges.strength), ("edge_queries/q", edges.q),
            ("edge_keys/k", edges.k), ("edge_keys/v", edges.v), ("edge_queries/z", edges.z),
        ] where !values.allSatisfy(\.isFinite) {
            throw file.damaged(name, "holds a number of \(heads[head]) that is not finite")
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
