// SPDX-License-Identifier: Apache-2.0
// Writes the strong edges of scan.h5, and their vectors beside them.

import AttentionStats
import HDF5

/// Writes edges: each has its head, sequence, query, key, and which vectors are its. Of a head and sequence the vectors
/// at a query are there once, of a group of heads and a sequence those at a key.
final class EdgeTableWriter {
    /// The datasets of the group besides `head_index`, by which edges are found.
    static let columns = [
        "sequence", "query", "key", "attention", "strength", "query_row", "key_row",
    ]

    private let file: H5File
    private let head: H5Dataset
    private let sequence: H5Dataset
    private let query: H5Dataset
    private let key: H5Dataset
    private let attention: H5Dataset
    private let strength: H5Dataset
    private let queryRow: H5Dataset
    private let keyRow: H5Dataset
    private let q, k, v, z: VectorTableWriter
    private let keyGroups: [Int]

    init(_ file: H5File, dHead: Int, keyGroups: [Int]) throws(H5Error) {
        func number(_ name: String, _ about: String) throws(H5Error) -> H5Dataset {
            try file.createAppendable(
                Float.self, at: "edges/\(name)", axes: ["edge"], about: about)
        }
        func place<T: H5Scalar>(_ name: String, _ type: T.Type, _ about: String) throws(H5Error)
            -> H5Dataset
        {
            try file.createPlaces(type, at: "edges/\(name)", axis: "edge", about: about)
        }
        self.file = file
        self.keyGroups = keyGroups
        head = try place("head_index", Int32.self, "Row of /heads.")
        sequence = try place("sequence", Int32.self, "Sequence id.")
        query = try place("query", UInt16.self, "Query position, from 0.")
        key = try place("key", UInt16.self, "Key position, from 0.")
        attention = try number("attention", "A[query, key].")
        strength = try number("strength", "By what the edges were ranked.")
        queryRow = try place("query_row", UInt32.self, "Row of /edge_queries: its q and z.")
        keyRow = try place("key_row", UInt32.self, "Row of /edge_keys: its k and v.")
        q = try VectorTableWriter(
            file, "edge_queries/q", width: dHead, axis: "head, sequence and query",
            "Query vector, after rotary, not scaled.")
        z = try VectorTableWriter(
            file, "edge_queries/z", width: dHead, axis: "head, sequence and query",
            "Attention-weighted values at the query, before W_O.")
        k = try VectorTableWriter(
            file, "edge_keys/k", width: dHead, axis: "key group, sequence and key",
            "Key vector, after rotary.")
        v = try VectorTableWriter(
            file, "edge_keys/v", width: dHead, axis: "key group, sequence and key",
            "Value vector at the key.")
    }

    /// Appends edges, and the vectors at their keys.
    ///
    /// - Parameters:
    ///   - lists: by head, then sequence.
    ///   - keys: by key group, then sequence: all that the edges name.
    func append(_ lists: [ScanLists.EdgeList], _ keys: [ScanLists.KeyList]) throws(H5Error) {
        var starts: [KeyPlace: Int] = [:]
        var (queryCount, keyCount) = (q.count, k.count)
        for list in keys {
            starts[KeyPlace(group: list.group, sequence: list.sequence)] = keyCount
            keyCount += list.vectors.count
        }
        var (queryRows, keyRows): ([Int], [Int]) = ([], [])
        for (head, sequence, edges) in lists {
            let start = starts[KeyPlace(group: keyGroups[head], sequence: sequence)] ?? 0
            queryRows += edges.queryRow.map { queryCount + Int($0) }
            keyRows += edges.keyRow.map { start + Int($0) }
            queryCount += edges.q.count
        }
        guard max(queryCount, keyCount) <= UInt32.max else {
            throw H5Error(
                file: file.path, object: "edges",
                problem: "there are more than 2^32 vectors; lower POINTS (--points)")
        }
        let pairs = lists.flatMap(\.edges.pairs)
        try head.append(
            lists.flatMap { repeatElement(Int32($0.head), count: $0.edges.pairs.count) })
        try sequence.append(
            lists.flatMap { repeatElement(Int32($0.sequence), count: $0.edges.pairs.count) })
        try query.append(pairs.map(\.query))
        try key.append(pairs.map(\.key))
        try attention.append(pairs.map(\.attention))
        try strength.append(lists.flatMap(\.edges.strength))
        try queryRow.append(queryRows.map(UInt32.init))
        try keyRow.append(keyRows.map(UInt32.init))
        try q.append(lists.map(\.edges.q))
        try z.append(lists.map(\.edges.z))
        try k.append(keys.map(\.vectors.k))
        try v.append(keys.map(\.vectors.v))
    }
}

/// A group of heads on a sequence.
struct KeyPlace: Hashable {
    let group: Int
    let sequence: Int
}
