// SPDX-License-Identifier: Apache-2.0
// Activation intervals, and which sequences of each are shown.

/// Which interval each sequence of a corpus belongs to, for one head.
public struct Intervals: Sendable, Equatable {
    /// 1 (lowest activations) ... count (highest), by sequence.
    public let interval: [Int]
    /// How many intervals there are.
    public let count: Int
    /// Sequence ids from the lowest to the highest activation; of equals the higher id first, so that
    /// the last ones are the exact top sequences.
    public let ascending: [Int]

    /// Sorts by activation and cuts into `count` buckets of equal size: the r-th of N (from 1) is in
    /// interval ceil(r count / N). With fewer sequences than intervals some are empty, never the top.
    public init(_ activations: [Float], count: Int) {
        self.count = count
        ascending = activations.indices.sorted {
            activations[$0] == activations[$1] ? $0 > $1 : activations[$0] < activations[$1]
        }
        var interval = [Int](repeating: 0, count: activations.count)
        let n = activations.count
        for (rank, sequence) in ascending.enumerated() {
            interval[sequence] = ((rank + 1) * count + n - 1) / n
        }
        self.interval = interval
    }
}

/// One sequence chosen for a head.
public struct ChosenSequence: Sendable, Equatable {
    /// Its id.
    public let sequence: Int
    /// Its interval.
    public let interval: Int
    /// Whether it is there because it is one of the head's exact top sequences.
    public let isTop: Bool
}

/// Chooses the sequences that are shown for a head.
///
/// - Parameters:
///   - intervals: of all walked sequences.
///   - candidates: the sequences whose attention was kept because of their priority.
///   - priority: the head's priorities; within an interval the lowest are taken, which makes a
///     uniform sample, since priorities know nothing of activations.
///   - samplesPerInterval: how many of each interval, or all if there are fewer.
///   - top: how many of the very top sequences are added to the last interval (those in it).
/// - Returns: highest interval first; within an interval by descending activation. No duplicates.
public func chooseSequences(
    _ intervals: Intervals, candidates: [Int], priority: Priority, samplesPerInterval: Int, top: Int
) -> [ChosenSequence] {
    let topSequences = Set(
        intervals.ascending.suffix(top).filter { intervals.interval[$0] == intervals.count })
    var byInterval = [[Int]](repeating: [], count: intervals.count + 1)
    for sequence in candidates { byInterval[intervals.interval[sequence]].append(sequence) }
    var chosen = topSequences
    for bucket in byInterval {
        chosen.formUnion(
            bucket.sorted { priority($0) < priority($1) }.prefix(samplesPerInterval))
    }
    return intervals.ascending.reversed().filter(chosen.contains).map {
        ChosenSequence(
            sequence: $0, interval: intervals.interval[$0], isTop: topSequences.contains($0))
    }
}
