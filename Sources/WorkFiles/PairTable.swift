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
        func place(_ name: String, _ about: String) throws(H5Error) -> H5Dataset {
            try file.createPlaces(
                UInt16.self, at: "\(group)/\(name)", axis: "entry", about: about)
        }
        head = try index("head_index", Int32.self, "Row of /heads.")
        sequence = try index("sequence", Int32.self, "Sequence id.")
        start = try index("start", Int64.self, "First entry in query, key and attention.")
        count = try index("count", Int32.self, "Number of entries.")
        query = try place("query", "Query position, from 0.")
        key = try place("key", "Key position, from 0.")
        attention = try file.createAppendable(
            Float.self, at: "\(group)/attention", axes: ["entry"], about: "A[query, key].")
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

    /// Which lists to look at.
    enum Choice {
        case all
        /// Of a table with a list for each head and sequence, in these blocks, those of some heads.
        case everySequence(Range<Int>, [Range<Int>])
    }

    /// - Parameters:
    ///   - heads: the studied heads.
    ///   - rows: the lists to look at; memory grows with these alone.
    ///   - length: of a sequence, in tokens; nil for one that there is not.
    init(
        _ file: H5File, group: String, heads: [HeadAddress], rows choice: Choice = .all,
        length: @escaping (_ sequence: Int) -> Int?
    ) throws(H5Error) {
        (self.file, self.group, self.heads, self.length) = (file, group, heads, length)
        query = try file.dataset("\(group)/query", shape: [-1])
        let total = query.shape[0]
        key = try file.dataset("\(group)/key", shape: [total])
        attention = try file.dataset("\(group)/attention", shape: [total])
        let index = try Index(file, group, heads: heads.count, entries: total, length: length)
        var rows: [Row] = []
        switch choice {
        case .all: rows = try index.read(0..<index.count)
        case .everySequence(let some, let blocks):
            guard index.count == heads.count * (blocks.last?.upperBound ?? 0) else {
                throw file.damaged(group, "has not one list for each head and sequence")
            }
            for block in blocks {
                let first = block.lowerBound * heads.count + some.lowerBound * block.count
                let read = try index.read(first..<first + some.count * block.count)
                for (i, row) in read.enumerated() {
                    guard row.head == some.lowerBound + i / block.count,
                        row.sequence == block.lowerBound + i % block.count
                    else { throw file.damaged(group, "has its lists in another order") }
                }
                rows += read
            }
        }
        self.rows = rows
    }

    /// The columns of an index.
    private struct Index {
        private let file: H5File
        private let group: String
        private let heads: Int
        private let entries: Int
        private let length: (_ sequence: Int) -> Int?
        private let head, sequence, start, size: H5Dataset
        /// Number of lists.
        let count: Int

        init(
            _ file: H5File, _ group: String, heads: Int, entries: Int,
            length: @escaping (_ sequence: Int) -> Int?
        ) throws(H5Error) {
            (self.file, self.group, self.heads, self.entries) = (file, group, heads, entries)
            self.length = length
            head = try file.dataset("\(group)/head_index", shape: [-1])
            count = head.shape[0]
            sequence = try file.dataset("\(group)/sequence", shape: [count])
            start = try file.dataset("\(group)/start", shape: [count])
            size = try file.dataset("\(group)/count", shape: [count])
        }

        func read(_ rows: Range<Int>) throws(H5Error) -> [Row] {
            let head: [Int32] = try head.read(rows: rows)
            let sequence: [Int32] = try sequence.read(rows: rows)
            let start: [Int64] = try start.read(rows: rows)
            let size: [Int32] = try size.read(rows: rows)
            var read: [Row] = []
            read.reserveCapacity(rows.count)
            for i in head.indices {
                let (first, size) = (Int(start[i]), Int(size[i]))
                guard (0..<heads).contains(Int(head[i])), length(Int(sequence[i])) != nil,
                    first >= 0, size >= 0, first <= entries, size <= entries - first
                else {
                    throw file.damaged(
                        group, "row \(rows.lowerBound + i) of its index points outside the file")
                }
                read.append(
                    Row(
                        head: Int(head[i]), sequence: Int(sequence[i]),
                        entries: first..<first + size))
            }
            return read
        }
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
