// SPDX-License-Identifier: Apache-2.0
// Lists of pairs read in file order, some rows at a time.

import AttentionStats
import HDF5

/// Reads what `PairTableWriter` wrote from its first list to its last.
final class PairStream {
    private let file: H5File
    private let group: String
    private let index: [String: H5Dataset]
    private let query: H5Dataset
    private let key: H5Dataset
    private let attention: H5Dataset
    /// The next list.
    private(set) var row = 0
    private var entry = 0

    init(_ file: H5File, group: String) throws(H5Error) {
        self.file = file
        self.group = group
        query = try file.dataset("\(group)/query", shape: [-1])
        let total = query.shape[0]
        key = try file.dataset("\(group)/key", shape: [total])
        attention = try file.dataset("\(group)/attention", shape: [total])
        var index: [String: H5Dataset] = [:]
        let lists = try file.dataset("\(group)/head_index", shape: [-1]).shape[0]
        for name in ["head_index", "sequence", "start", "count"] {
            index[name] = try file.dataset("\(group)/\(name)", shape: [lists])
        }
        self.index = index
    }

    /// How many of the next lists, which end before row `end`, are of heads below one.
    func count(before head: Int, end: Int) throws(H5Error) -> Int {
        guard let heads = index["head_index"] else { return 0 }
        return try heads.rows(from: row, below: Int32(clamping: head), end: end)
    }

    /// The next lists, which must be of these heads and sequences.
    func next(
        _ lists: Int, of heads: Range<Int>, sequences: Range<Int>
    ) throws(H5Error) -> [ScanLists.PairList] {
        let rows = row..<row + lists
        let head: [Int32] = try column("head_index", rows)
        let sequence: [Int32] = try column("sequence", rows)
        let start: [Int64] = try column("start", rows)
        let count: [Int32] = try column("count", rows)
        let first = entry
        for i in 0..<lists {
            guard heads.contains(Int(head[i])), sequences.contains(Int(sequence[i])),
                start[i] == Int64(entry), count[i] >= 0,
                Int(count[i]) <= query.shape[0] - entry
            else {
                throw file.damaged(
                    group, "row \(row + i) of its index points outside the file")
            }
            entry += Int(count[i])
        }
        row += lists
        let queries: [UInt16] = try query.read(rows: first..<entry)
        let keys: [UInt16] = try key.read(rows: first..<entry)
        let attentions: [Float] = try attention.read(rows: first..<entry)
        return (0..<lists).map { i in
            let place = Int(start[i]) - first
            return (
                Int(head[i]), Int(sequence[i]),
                (place..<place + Int(count[i])).map {
                    AttentionPair(
                        query: Int(queries[$0]), key: Int(keys[$0]), attention: attentions[$0])
                }
            )
        }
    }

    private func column<Scalar: H5Scalar>(
        _ name: String, _ rows: Range<Int>
    ) throws(H5Error) -> [Scalar] {
        guard let dataset = index[name] else { return [] }
        return try dataset.read(rows: rows)
    }
}
