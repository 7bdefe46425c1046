// SPDX-License-Identifier: Apache-2.0
// The patterns of each head's exact top sequences, while the corpus streams by.

import AttentionStats
import Sampling
import WorkFiles

/// The patterns of the top sequences so far that were not kept as samples anyway.
struct TopPatterns {
    private var top: [TopSequences]
    private var patterns: [[Int: [AttentionPair]]]

    /// Of nothing yet.
    ///
    /// - Parameter count: how many sequences of each head.
    init(heads: Int, count: Int) {
        top = Array(repeating: TopSequences(count: count), count: heads)
        patterns = Array(repeating: [:], count: heads)
    }

    /// Whether a sequence would be among the head's top ones so far.
    func admits(_ activation: Float, head: Int, sequence: Int) -> Bool {
        top[head].admits(activation, sequence: sequence)
    }

    /// Takes over the patterns of a batch's top sequences of some heads, unless they are kept as samples.
    mutating func collect(
        _ batch: [ScanSequence], _ results: BatchResults, heads: Range<Int>, samples: SampleRule
    ) {
        for head in heads {
            for s in batch.indices {
                let id = batch[s].id
                let offer = top[head].offer(results[s, head].sums.maxActivation, sequence: id)
                if let evicted = offer.evicted { patterns[head][evicted] = nil }
                if offer.isKept, !samples.keeps(head: head, sequence: id) {
                    patterns[head][id] = results[s, head].pattern
                }
            }
        }
    }

    /// By head, then sequence.
    var heldBack: [ScanLists.PairList] {
        patterns.enumerated().flatMap { head, patterns in
            patterns.sorted { $0.key < $1.key }.map { (head, $0.key, $0.value) }
        }
    }
}
