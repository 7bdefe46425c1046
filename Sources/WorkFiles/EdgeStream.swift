// SPDX-License-Identifier: Apache-2.0
// Strong edges read in file order, some rows at a time.

import AttentionStats
import HDF5

/// Reads what `EdgeTableWriter` wrote from its first edge to its last.
final class EdgeStream {
    private let file: H5File
    private let heads: Int
    private let dHead: Int
    private let columns: [String: H5Dataset]
    private var row = 0

    init(_ file: H5File, heads: Int, dHead: Int) throws(H5Error) {
        self.file = file
        self.heads = heads
        self.dHead = dHead
        let total = try file.dataset("edges/head_index", shape: [-1]).shape[0]
        var columns: [String: H5Dataset] = [:]
        for name in ["head_index", "sequence", "query", "key", "attention", "strength"] {
            columns[name] = try file.dataset("edges/\(name)", shape: [total])
        }
        for name in ["q", "k", "v", "z"] {
            columns[name] = try file.dataset("edges/\(name)", shape: [total, dHead])
        }
        self.columns = columns
    }

    /// The next edges, which must be of these sequences, as one list for each head and sequence.
    func next(_ count: Int, sequences: Range<Int>) throws(H5Error) -> [ScanBlock.EdgeList] {
        let rows = row..<row + count
        let head: [Int32] = try column("head_index", rows)
        let sequence: [Int32] = try column("sequence", rows)
        let query: [UInt16] = try column("query", rows)
        let key: [UInt16] = try column("key", rows)
        let attention: [Float] = try column("attention", rows)
        let strength: [Float] = try column("strength", rows)
        let (q, k, v, z): ([Float], [Float], [Float], [Float]) = (
            try column("q", rows), try column("k", rows), try column("v", rows),
            try column("z", rows)
        )
        row += count
        var lists: [ScanBlock.EdgeList] = []
        var start = 0
        while start < count {
            guard (0..<heads).contains(Int(head[start])), sequences.contains(Int(sequence[start]))
            else {
                throw file.damaged(
                    "edges",
                    "edge \(rows.lowerBound + start) is of a head or sequence that is not there")
            }
            var end = start + 1
            while end < count, head[end] == head[start], sequence[end] == sequence[start] {
                end += 1
            }
            var edges = StrongEdges()
            edges.pairs = (start..<end).map {
                AttentionPair(query: Int(query[$0]), key: Int(key[$0]), attention: attention[$0])
            }
            edges.strength = Array(strength[start..<end])
            let vectors = start * dHead..<end * dHead
            edges.q = Array(q[vectors])
            edges.k = Array(k[vectors])
            edges.v = Array(v[vectors])
            edges.z = Array(z[vectors])
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
