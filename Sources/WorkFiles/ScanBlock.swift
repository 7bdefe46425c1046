// SPDX-License-Identifier: Apache-2.0
// What a scan found on a block of neighbouring sequences: the unit in which scan.h5 is written.

import AttentionStats

/// The rows of a block of sequences.
///
/// Within a block, lists are stored head by head, so that a reader of one head finds its lists side by
/// side. Where a block ends depends on the corpus alone: not on workers, batches or shards.
public struct ScanBlock: Sendable {
    /// A list of pairs of one head (by index) and sequence (by id).
    public typealias PairList = (head: Int, sequence: Int, pairs: [AttentionPair])
    /// The strong edges of one head (by index) on one sequence (by id).
    typealias EdgeList = (head: Int, sequence: Int, edges: StrongEdges)
    /// The vectors at the keys of the edges of a group of heads on one sequence (by id).
    typealias KeyList = (group: Int, sequence: Int, vectors: KeyVectors)

    /// The ids of its sequences.
    public private(set) var sequences: Range<Int>
    /// One array a statistics column, [sequence, head].
    var statistics: [[Double]]
    /// [sequence, head, bin].
    var massByDistance: [Float]
    /// By head, then sequence; one list for each.
    var highAttention: [PairList]
    /// By head, then sequence.
    var patterns: [PairList]
    /// By head, then sequence; none of them empty.
    var edges: [EdgeList]
    /// By key group, then sequence; none of them empty.
    var keys: [KeyList]

    /// Tokens after which a block ends: enough that one head's lists are worth a read of their own.
    private static let tokens = 16_384

    /// The blocks of a corpus, cut to those of its sequences that are in `range`.
    ///
    /// - Parameter starts: where each sequence starts, and the end.
    public static func ranges(of starts: [Int], in range: Range<Int>) -> [Range<Int>] {
        var blocks: [Range<Int>] = []
        var first = 0
        while first < min(starts.count - 1, range.upperBound) {
            var end = first + 1
            while end < starts.count - 1, starts[end] - starts[first] < tokens { end += 1 }
            let block = (first..<end).clamped(to: range)
            if !block.isEmpty { blocks.append(block) }
            first = end
        }
        return blocks
    }

    /// Takes a block out of the results of a batch.
    ///
    /// - Parameters:
    ///   - indices: of the block's sequences in the batch.
    ///   - distanceBins: of the longest sequence there can be.
    ///   - keepsPattern: of a head (by index) and sequence (by id) whose pattern was taken, whether it
    ///     is written with the block.
    public init(
        _ batch: [ScanSequence], _ indices: Range<Int>, _ results: BatchResults, distanceBins: Int,
        keepsPattern: (_ head: Int, _ sequence: Int) -> Bool
    ) {
        sequences = batch[indices.lowerBound].id..<batch[indices.upperBound - 1].id + 1
        let heads = 0..<results.heads
        statistics = StatisticsColumn.all.map { column in
            var values: [Double] = []
            values.reserveCapacity(indices.count * heads.count)
            for s in indices { for h in heads { values.append(column.get(results[s, h].sums)) } }
            return values
        }
        massByDistance = []
        massByDistance.reserveCapacity(indices.count * heads.count * distanceBins)
        for s in indices {
            for h in heads {
                let bins = results[s, h].massByDistance
                massByDistance += bins
                massByDistance += repeatElement(0, count: distanceBins - bins.count)
            }
        }
        highAttention = []
        patterns = []
        edges = []
        keys = []
        for h in heads {
            for s in indices {
                let (result, id) = (results[s, h], batch[s].id)
                highAttention.append((h, id, result.highPairs))
                if let pattern = result.pattern, keepsPattern(h, id) {
                    patterns.append((h, id, pattern))
                }
                if let strong = result.edges, !strong.pairs.isEmpty {
                    edges.append((h, id, strong))
                }
            }
        }
        // There are no more groups than heads.
        for group in heads {
            for s in indices where results[s, keyGroup: group].count > 0 {
                keys.append((group, batch[s].id, results[s, keyGroup: group]))
            }
        }
    }

    /// A block as it was read.
    init(
        sequences: Range<Int>, statistics: [[Double]], massByDistance: [Float],
        highAttention: [PairList], patterns: [PairList], edges: [EdgeList],
        keys: [KeyList]
    ) {
        self.sequences = sequences
        self.statistics = statistics
        self.massByDistance = massByDistance
        self.highAttention = highAttention
        self.patterns = patterns
        self.edges = edges
        self.keys = keys
    }

    /// The block whose portions these are, in the order of their sequences; at least one.
    public init(joining portions: [ScanBlock]) {
        self = portions[0]
        guard let last = portions.last, portions.count > 1 else { return }
        for portion in portions.dropFirst() {
            for column in statistics.indices { statistics[column] += portion.statistics[column] }
            massByDistance += portion.massByDistance
            highAttention += portion.highAttention
            patterns += portion.patterns
            edges += portion.edges
            keys += portion.keys
        }
        sequences = sequences.lowerBound..<last.sequences.upperBound
        highAttention.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        patterns.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        edges.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        keys.sort { ($0.group, $0.sequence) < ($1.group, $1.sequence) }
    }

    /// The largest activation of every head on a sequence of the block.
    public func maxActivations(of sequence: Int) -> [Float] {
        let heads = statistics[StatisticsColumn.maxActivation].count / sequences.count
        let first = (sequence - sequences.lowerBound) * heads
        return statistics[StatisticsColumn.maxActivation][first..<first + heads].map(Float.init)
    }
}
