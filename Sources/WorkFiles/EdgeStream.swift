// SPDX-License-Identifier: Apache-2.0
// Strong edges read in file order, some rows at a time.

import AttentionStats
import HDF5

/// Reads what `EdgeTableWriter` wrote from its first edge to its last.
final class EdgeStream {
    private let file: H5File
    private let keyGroups: [Int]
    private let dHead: Int
    private let columns: [String: H5Dataset]
    private let q, k, v, z: VectorTable
    /// The next edge, and the next vectors of queries and of keys.
    private var next = (edge: 0, query: 0, key: 0)
    var nextEdge: Int { next.edge }

    /// - Parameter keyGroups: of each head.
    init(_ file: H5File, keyGroups: [Int], dHead: Int) throws(H5Error) {
        self.file = file
        self.keyGroups = keyGroups
        self.dHead = dHead
        let total = try file.dataset("edges/head_index", shape: [-1]).shape[0]
        var columns: [String: H5Dataset] = [:]
        for name in ["head_index"] + EdgeTableWriter.columns {
            columns[name] = try file.dataset("edges/\(name)", shape: [total])
        }
        self.columns = columns
        q = try VectorTable(file, "edge_queries/q", width: dHead)
        z = try VectorTable(file, "edge_queries/z", width: dHead)
        k = try VectorTable(file, "edge_keys/k", width: dHead)
        v = try VectorTable(file, "edge_keys/v", width: dHead)
    }

    /// How many of the next edges, which end before row `end`, are of heads below one.
    func count(before head: Int, end: Int) throws(H5Error) -> Int {
        guard let heads = columns["head_index"] else { return 0 }
        return try heads.rows(from: next.edge, below: Int32(clamping: head), end: end)
    }

    /// The next edges, which must be of these heads and sequences, as one list for each head and sequence, and the
    /// vectors at their keys.
    func next(
        _ count: Int, of heads: Range<Int>, sequences: Range<Int>
    ) throws(H5Error) -> (edges: [ScanLists.EdgeList], keys: [ScanLists.KeyList]) {
        let rows = next.edge..<next.edge + count
        let head: [Int32] = try column("head_index", rows)
        let sequence: [Int32] = try column("sequence", rows)
        for i in 0..<count {
            guard heads.contains(Int(head[i])), sequences.contains(Int(sequence[i])) else {
                throw file.damaged(
                    "edges",
                    "edge \(rows.lowerBound + i) is of a head or sequence that is not there")
            }
        }
        let places = (0..<count).map {
            KeyPlace(group: keyGroups[Int(head[$0])], sequence: Int(sequence[$0]))
        }
        let keyRows: [UInt32] = try column("key_row", rows)
        let keys = try keyLists(places, keyRows)
        next.edge += count
        return (try edgeLists(rows, head, sequence, places, keyRows, keys), keys.lists)
    }

    /// The vectors of the keys that some edges name: lists, and the first row of each.
    private typealias Keys = (lists: [ScanLists.KeyList], starts: [KeyPlace: UInt32])

    private func keyLists(_ places: [KeyPlace], _ rows: [UInt32]) throws(H5Error) -> Keys {
        var ranges: [KeyPlace: (first: UInt32, last: UInt32)] = [:]
        for (place, row) in zip(places, rows) {
            let range = ranges[place] ?? (row, row)
            ranges[place] = (min(range.first, row), max(range.last, row))
        }
        // Lists follow each other: those of other blocks, and of two groups at once, cannot be.
        let ordered = ranges.sorted { $0.value.first < $1.value.first }
        var end = next.key
        for (_, range) in ordered {
            guard range.first == end, range.last < k.count,
                range.last - range.first < UInt16.max
            else {
                throw file.damaged("edges/key_row", "does not fit edge_keys")
            }
            end = Int(range.last) + 1
        }
        let (first, k, v) = (next.key, try k.read(next.key..<end), try v.read(next.key..<end))
        next.key = end
        return (
            ordered.map { place, range in
                let rows = Int(range.first) - first..<Int(range.last) + 1 - first
                return (
                    place.group, place.sequence,
                    KeyVectors(k: k.rows(rows, width: dHead), v: v.rows(rows, width: dHead))
                )
            }, ranges.mapValues(\.first)
        )
    }

    private func edgeLists(
        _ rows: Range<Int>, _ head: [Int32], _ sequence: [Int32], _ places: [KeyPlace],
        _ keyRows: [UInt32], _ keys: Keys
    ) throws(H5Error) -> [ScanLists.EdgeList] {
        let query: [UInt16] = try column("query", rows)
        let key: [UInt16] = try column("key", rows)
        let attention: [Float] = try column("attention", rows)
        let strength: [Float] = try column("strength", rows)
        let queryRows: [UInt32] = try column("query_row", rows)
        let first = next.query
        next.query = max(first, Int(queryRows.max() ?? 0) + 1)
        guard next.query - first <= rows.count, next.query <= q.count else {
            throw file.damaged("edges/query_row", "does not fit edge_queries")
        }
        let (q, z) = (try q.read(first..<next.query), try z.read(first..<next.query))
        var queryEnd = first
        var lists: [ScanLists.EdgeList] = []
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, head[end] == head[start], sequence[end] == sequence[start] {
                end += 1
            }
            let list = start..<end
            var edges = StrongEdges()
            edges.pairs = list.map {
                AttentionPair(query: Int(query[$0]), key: Int(key[$0]), attention: attention[$0])
            }
            edges.strength = Array(strength[list])
            edges.keyRow = list.map {
                UInt16(clamping: keyRows[$0] - (keys.starts[places[$0]] ?? 0))
            }
            let queries = queryEnd..<max(queryEnd, Int(queryRows[list].max() ?? 0) + 1)
            guard queryRows[list].allSatisfy({ queries.contains(Int($0)) }) else {
                throw file.damaged("edges/query_row", "does not fit edge_queries")
            }
            queryEnd = queries.upperBound
            edges.queryRow = queryRows[list].map { UInt16(clamping: Int($0) - queries.lowerBound) }
            let mine = queries.lowerBound - first..<queries.upperBound - first
            edges.q = q.rows(mine, width: dHead)
            edges.z = z.rows(mine, width: dHead)
            lists.append((Int(head[start]), Int(sequence[start]), edges))
            start = end
        }
        return lists
    }

    private func column<Scalar: H5Scalar>(
        _ name: String, _ rows: Range<Int>
    ) throws(H5Error) -> [Scalar] {
        guard let dataset = columns[name] else { return [] }
        return try dataset.read(rows: rows)
    }
}
