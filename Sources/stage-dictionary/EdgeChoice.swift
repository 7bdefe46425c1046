// SPDX-License-Identifier: Apache-2.0
// Which edges of a head are worth being looked at first.

import AttentionStats
import WorkFiles

/// The strongest edges of a head's top sequences.
struct EdgeChoice {
    /// Edges of one head.
    let perHead: Int

    /// Of a head's sequences in the highest interval, by activation: the strongest edge of each, then the
    /// second strongest of each, and so on. Row 0 and column 0 do not count.
    func pairs(of sample: HeadSample) -> [(sequence: Int, pair: AttentionPair)] {
        let highest = sample.sequences.map(\.interval).max() ?? 0
        let sequences = sample.sequences.filter { $0.interval == highest }
            .sorted { ($0.maxActivation, $1.sequence) > ($1.maxActivation, $0.sequence) }
        let ranked = sequences.map { sequence in
            sequence.pairs.filter { $0.query > 0 && $0.key > 0 }
                .sorted {
                    ($0.attention, $1.query, $1.key) > ($1.attention, $0.query, $0.key)
                }
                .prefix(perHead)
                .map { (sequence: sequence.sequence, pair: $0) }
        }
        let rounds = ranked.map(\.count).max() ?? 0
        let inTurn = (0..<rounds).lazy.flatMap { round in
            ranked.lazy.filter { round < $0.count }.map { $0[round] }
        }
        return Array(inTurn.prefix(perHead))
    }
}
