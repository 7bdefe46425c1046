// SPDX-License-Identifier: Apache-2.0
// Which queries the patterns of heads are compared by.

import AttentionStats
import Sampling

/// The queries that are watched: by hash, so that shards need not ask each other.
struct WatchedQueries {
    private let priority: Priority
    private let threshold: UInt64

    /// About how many sequences are watched: their errors are below 0.02 then, as a coefficient lies in 0...1.
    private static let sequences = 500

    /// The rule of a scan of so many sequences.
    init(seed: UInt64, sequences: Int) {
        priority = Priority(likenessSeed: seed)
        threshold = Priority.threshold(keeping: Self.sequences, of: sequences)
    }

    /// Queries after position 0, ascending; none for most sequences of a large corpus, and for those too short
    /// to have any.
    func queries(ofSequence id: Int, length: Int) -> [Int] {
        guard length > 1, threshold == .max || priority(id) < threshold else { return [] }
        let count = min(Likeness.queriesPerSequence, length - 1)
        return (1..<length).sorted { (priority(id, $0), $0) < (priority(id, $1), $1) }
            .prefix(count).sorted()
    }
}
