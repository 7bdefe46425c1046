// SPDX-License-Identifier: Apache-2.0
// Reads scan.h5.

import AttentionStats
import HDF5
import Transformer

/// An open scan.
public final class ScanFile {
    /// What the scan says about itself.
    public let header: ScanHeader
    /// Number of walked sequences.
    public let nSequences: Int
    private let file: H5File
    private let starts: [Int]
    private let tokens: [Int32]
    private let displayStrings: [Int32: String]

    /// Opens a scan and reads its sequences.
    public init(_ path: String) throws {
        file = try openWorkFile(path, schema: .scan)
        let file = file
        (header, starts, tokens, displayStrings) = try reading {
            () throws(H5Error) -> (ScanHeader, [Int], [Int32], [Int32: String]) in
            let header = try ScanHeader(from: file)
            let tokens: [Int32] = try file.read("sequences/token", shape: [-1])
            let starts: [Int64] = try file.read("sequences/start", shape: [-1])
            // One sequence at least, none of them empty or longer than any can be.
            let isAscending = zip(starts, starts.dropFirst()).allSatisfy {
                $0 < $1 && $1 - $0 <= Int64(header.maxLength)
            }
            guard starts.count > 1, starts[0] == 0, starts.last == Int64(tokens.count), isAscending
            else { throw file.damaged("sequences/start", "does not fit sequences/token") }
            let display = try file.readVocabulary()
            var isKnown = [Bool](
                repeating: false, count: (display.keys.max().map { Int($0) } ?? 0) + 1)
            for id in display.keys { isKnown[Int(id)] = true }
            guard tokens.allSatisfy({ isKnown.indices.contains(Int($0)) && isKnown[Int($0)] })
            else {
                throw file.damaged("sequences/token", "has ids that are not in vocabulary/id")
            }
            return (header, starts.map(Int.init), tokens, display)
        }
        nSequences = starts.count - 1
    }

    /// How many tokens a sequence has; nil for one that there is not.
    public func length(of sequence: Int) -> Int? { Self.length(of: sequence, starts) }

    private static func length(of sequence: Int, _ starts: [Int]) -> Int? {
        guard (0..<starts.count - 1).contains(sequence) else { return nil }
        return starts[sequence + 1] - starts[sequence]
    }

    /// The token ids of a sequence.
    public func tokens(of sequence: Int) -> ArraySlice<Int32> {
        tokens[starts[sequence]..<starts[sequence + 1]]
    }

    /// The display strings of a sequence, one a position.
    public func displayTokens(of sequence: Int) -> [String] {
        tokens(of: sequence).map(display)
    }

    /// The display string of a token id.
    public func display(_ token: Int32) -> String { displayStrings[token] ?? "<id \(token)>" }

    /// The sums of every sequence for some heads, [sequence, head]. Memory does not grow with the other heads.
    public func sums(ofHeads heads: Range<Int>) throws -> [HeadSums] {
        try reading { () throws(H5Error) in
            var sums = [HeadSums](repeating: HeadSums(), count: nSequences * heads.count)
            for column in StatisticsColumn.all {
                let values = try values(column, heads)
                for i in values.indices { column.set(&sums[i], values[i]) }
            }
            return sums
        }
    }

    /// One of the sums of every sequence for some heads, [sequence, head].
    public func sum(_ sum: HeadSums.Sum, ofHeads heads: Range<Int>) throws -> [Double] {
        guard let column = StatisticsColumn.all.first(where: { $0.name == sum.name }) else {
            return []
        }
        return try reading { () throws(H5Error) in try values(column, heads) }
    }

    private func values(_ column: StatisticsColumn, _ heads: Range<Int>) throws(H5Error) -> [Double]
    {
        let dataset = try file.dataset(
            "statistics/\(column.name)", shape: [nSequences, header.heads.count],
            cached: heads == header.heads.indices)
        let values: [Double] = try dataset.read(columns: heads)
        if let i = values.firstIndex(where: { !column.canHold($0) }) {
            throw file.damaged(
                dataset.object,
                "holds \(values[i]) for \(header.heads[heads.lowerBound + i % heads.count]) on sequence \(i / heads.count), which cannot be"
            )
        }
        return values
    }

    /// The largest activation of every sequence for every head, [sequence, head].
    public func maxActivations() throws -> [Float] {
        try reading { () throws(H5Error) in
            let name = "statistics/max_activation"
            let (heads, n) = (header.heads, nSequences)
            let values: [Float] = try file.read(name, shape: [n, heads.count])
            if let i = values.firstIndex(where: { !isAttention($0) }) {
                throw file.damaged(
                    name,
                    "holds \(values[i]) for \(heads[i % heads.count]) on sequence \(i / heads.count), which is no attention"
                )
            }
            return values
        }
    }

    /// Attention mass by distance bin, summed over sequences, [head, bin].
    public func massByDistance() throws -> [[Double]] {
        try reading { () throws(H5Error) in
            let bins = DistanceBins.count(forLength: header.maxLength)
            let dataset = try file.dataset(
                "statistics/mass_by_distance", shape: [nSequences, header.heads.count, bins])
            var sums = [[Double]](
                repeating: Array(repeating: 0, count: bins), count: header.heads.count)
            for first in stride(from: 0, to: nSequences, by: 256) {
                let rows = first..<min(first + 256, nSequences)
                let values: [Float] = try dataset.read(rows: rows)
                guard values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                    throw file.damaged(dataset.object, "holds a mass of attention that cannot be")
                }
                for (i, value) in values.enumerated() {
                    sums[i / bins % header.heads.count][i % bins] += Double(value)
                }
            }
            return sums
        }
    }

    /// All pairs of high attention of some heads, one list for each head and sequence.
    public func highAttention(ofHeads heads: Range<Int>) throws -> PairTable {
        try pairs(
            "high_attention",
            rows: .everySequence(heads, ScanBlock.ranges(of: starts, in: 0..<nSequences)))
    }

    /// The stored patterns.
    public func patterns() throws -> PairTable { try pairs("patterns", rows: .all) }

    private func pairs(_ group: String, rows: PairTable.Choice) throws -> PairTable {
        try reading { () throws(H5Error) in
            try PairTable(
                file, group: group, heads: header.heads, rows: rows,
                length: { [starts] in Self.length(of: $0, starts) })
        }
    }

    /// The strong edges.
    public func edges() throws -> EdgeTable {
        try reading { () throws(H5Error) in
            try EdgeTable(
                file, heads: header.heads, dHead: header.model.dHead,
                length: { [starts] in Self.length(of: $0, starts) })
        }
    }

    /// How alike the patterns of the studied heads are.
    public func likeness() throws -> Likeness {
        try reading { () throws(H5Error) in try file.readLikeness(heads: header.heads.count) }
    }

    /// W_O of a studied head, [dHead, dModel].
    public func outputWeights(ofHead head: Int) throws -> [Float] {
        try reading { () throws(H5Error) in
            let weights = try OutputWeightsTable(header, from: file).rows(ofHead: head)
                .widened(width: header.model.dModel)
            guard weights.allSatisfy(\.isFinite) else {
                throw file.damaged(
                    "output_weights",
                    "holds a weight of \(header.heads[head]) that is not finite")
            }
            return weights
        }
    }
}
