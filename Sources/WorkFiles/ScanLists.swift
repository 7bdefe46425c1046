// SPDX-License-Identifier: Apache-2.0
// What a scan found of some heads on neighbouring sequences, besides a row of numbers each: lists of pairs and edges.

import AttentionStats

/// The lists of a layer's heads on a block of sequences.
public struct ScanLists: Sendable {
    /// A list of pairs of one head (by index) and sequence (by id).
    public typealias PairList = (head: Int, sequence: Int, pairs: [AttentionPair])
    /// The strong edges of one head (by index) on one sequence (by id).
    typealias EdgeList = (head: Int, sequence: Int, edges: StrongEdges)
    /// The vectors at the keys of the edges of a group of heads on one sequence (by id).
    typealias KeyList = (group: Int, sequence: Int, vectors: KeyVectors)

    /// By head, then sequence; one list for each.
    var highAttention: [PairList] = []
    /// By head, then sequence.
    var patterns: [PairList] = []
    /// By head, then sequence; none of them empty.
    var edges: [EdgeList] = []
    /// By key group, then sequence; none of them empty.
    var keys: [KeyList] = []

    init() {}

    /// Takes the lists out of the results of a batch.
    ///
    /// - Parameters:
    ///   - indices: of the block's sequences in the batch.
    ///   - heads: of one layer or more, whole, in the selection.
    ///   - keyGroups: of each head of the selection.
    ///   - keepsPattern: of a head (by index) and sequence (by id) whose pattern was taken, whether it
    ///     is written with the block.
    public init(
        _ batch: [ScanSequence], _ indices: Range<Int>, _ results: BatchResults, heads: Range<Int>,
        keyGroups: [Int], keepsPattern: (_ head: Int, _ sequence: Int) -> Bool
    ) {
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
        for group in keyGroups[heads.lowerBound]...keyGroups[heads.upperBound - 1] {
            for s in indices where results[s, keyGroup: group].count > 0 {
                keys.append((group, batch[s].id, results[s, keyGroup: group]))
            }
        }
    }

    /// The lists of one layer's heads on runs of sequences that follow each other; at least one.
    public init(joining runs: [ScanLists]) {
        self = runs[0]
        guard runs.count > 1 else { return }
        for lists in runs.dropFirst() {
            highAttention += lists.highAttention
            patterns += lists.patterns
            edges += lists.edges
            keys += lists.keys
        }
        highAttention.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        patterns.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        edges.sort { ($0.head, $0.sequence) < ($1.head, $1.sequence) }
        keys.sort { ($0.group, $0.sequence) < ($1.group, $1.sequence) }
    }
}
