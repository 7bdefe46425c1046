// SPDX-License-Identifier: Apache-2.0
// Lists of attention pairs of many (head, sequence), one behind the other, with an index.

import AttentionStats
import HDF5
import Transformer

/// Writes lists of pairs: an index row for each list, and the entries of all lists in columns.
final class PairTableWriter {
    private let head: H5Dataset
    private let sequence: H5Dataset
    private let start: H5Dataset
    private let count: H5Dataset
    private let query: H5Dataset
    private let key: H5Dataset
    private let attention: H5Dataset
    private var total: Int64 = 0

    /// - Parameters:
    ///   - group: where the datasets go.
    ///   - what: what one list is, for the descriptions.
    init(_ file: H5File, group: String, what: String) throws(H5Error) {
        func index<T: H5Scalar>(_ name: String, _ type: T.Type, _ about: String) throws(H5Error)
            -> H5Dataset
        {
            try file.createAppendable(type, at: "\(group)/\(name)", axes: [what], about: about)
        }
        func entry<T: H5Scalar>(_ name: String, _ type: T.Type, _ about: String) throws(H5Error)
            -> H5Dataset
        {
            try file.createAppendable(type, at: "\(group)/\(name)", axes: ["entry"], about: about)
        }
        head = try index("head_index", Int32.self, "Row of /heads.")
        sequence = try index("sequence", Int32.self, "Sequence id.")
        start = try index("start", Int64.self, "First entry in query, key and attention.")
        count = try index("count", Int32.self, "Number of entries.")
        query = try entry("query", UInt16.self, "Query position, from 0.")
        key = try entry("key", UInt16.self, "Key position, from 0.")
        attention = try entry("attention", Float.self, "A[query, key].")
    }

    /// Appends lists.
    func append(_ lists: [(head: Int, sequence: Int, pairs: [AttentionPair])]) throws(H5Error) {
        var starts: [Int64] = []
        for list in lists {
            starts.append(total)
            total += Int64(list.pairs.count)
        }
        try head.append(lists.map { Int32($0.head) })
        try sequence.append(lists.map { Int32($0.sequence) })
        try start.append(starts)
        try count.append(lists.map { Int32($0.pairs.count) })
        let pairs = lists.flatMap(\.pairs)
        try query.append(pairs.map(\.query))
        try key.append(pairs.map(\.key))
        try attention.append(pairs.map(\.attention))
    }
}

extension AttentionPair {
    /// Whether it can be of a sequence of so many tokens.
    func isSound(within length: Int) -> Bool {
        query < length && key < length && isAttention(attention)
    }
}

/// Whether it is from 0 to 1, but for rounding.
func isAttention(_ value: Float) -> Bool { value >= 0 && value <= 1.001 }

/// Reads lists of pairs.
public final class PairTable {
    /// One list's place.
    public struct Row: Sendable {
        public let head: Int
        public let sequence: Int
        let entries: Range<Int>
    }

    /// The lists in file order.
    public let rows: [Row]
    private let file: H5File
    private let group: String
    private let heads: [HeadAddress]
    private let length: (_ sequence: Int) -> Int?
    private let query: H5Dataset
    private let key: H5Dataset
    private let attention: H5Dataset

    /// - Parameter length: of a sequence, in tokens; nil for one that there is not.
    init(
        _ file: H5File, group: String, heads: [HeadAddress],
        length: @escaping (_ sequence: Int) -> Int?
    ) throws(H5Error) {
        (self.file, self.group, self.heads, self.length) = (file, group, heads, length)
        query = try file.dataset("\(group)/query", shape: [-1])
        let total = query.shape[0]
        key = try file.dataset("\(group)/key", shape: [total])
        attention = try file.dataset("\(group)/attention", shape: [total])
        let head: [Int32] = try file.read("\(group)/head_index", shape: [-1])
        let sequence: [Int32] = try file.read("\(group)/sequence", shape: [head.count])
        let start: [Int64] = try file.read("\(group)/start", shape: [head.count])
        let count: [Int32] = try file.read("\(group)/count", shape: [head.count])
        var rows: [Row] = []
        rows.reserveCapacity(head.count)
        for i in head.indices {
            let (first, size) = (Int(start[i]), Int(count[i]))
            guard heads.indices.contains(Int(head[i])), length(Int(sequence[i])) != nil,
                first >= 0, size >= 0, first <= total, size <= total - first
            else {
                throw file.damaged(group, "row \(i) of its index points outside the file")
            }
            rows.append(
                Row(
                    head: Int(head[i]), sequence: Int(sequence[i]),
                    entries: first..<first + size))
        }
        self.rows = rows
    }

    /// The pairs of some rows, read in runs of neighbouring rows. All lie within their sequences.
    ///
    /// - Parameter indices: into `rows`, ascending.
    public func pairs(_ indices: [Int]) throws -> [[AttentionPair]] {
        try reading { () throws(H5Error) in
            var lists: [[AttentionPair]] = []
            lists.reserveCapacity(indices.count)
            var i = 0
            while i < indices.count {
                var end = i + 1
                while end < indices.count,
                    rows[indices[end]].entries.lowerBound
                        == rows[indices[end - 1]].entries.upperBound
                { end += 1 }
                try readRun(indices[i..<end], into: &lists)
                i = end
            }
            return lists
        }
    }

    private func readRun(
        _ run: ArraySlice<Int>, into lists: inout [[AttentionPair]]
    ) throws(H5Error) {
        guard let first = run.first, let last = run.last else { return }
        let range = rows[first].entries.lowerBound..<rows[last].entries.upperBound
        let query: [UInt16] = try query.read(rows: range)
        let key: [UInt16] = try key.read(rows: range)
        let attention: [Float] = try attention.read(rows: range)
        for index in run {
            let row = rows[index]
            let pairs = row.entries.map { entry in
                let place = entry - range.lowerBound
                return AttentionPair(
                    query: Int(query[place]), key: Int(key[place]), attention: attention[place])
            }
            let length = length(row.sequence) ?? 0
            guard pairs.allSatisfy({ $0.isSound(within: length) }) else {
                throw file.damaged(
                    group,
                    "a pair of \(heads[row.head]) on sequence \(row.sequence) lies outside it, or has an attention that cannot be"
                )
            }
            lists.append(pairs)
        }
    }
}
