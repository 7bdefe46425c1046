// SPDX-License-Identifier: Apache-2.0
// The datasets of scan.h5 that hold one number for each sequence and head.

import AttentionStats

/// A dataset of the group `statistics`, and the field of `HeadSums` it holds.
struct StatisticsColumn: Sendable {
    let name: String
    let about: String
    let get: @Sendable (HeadSums) -> Double
    let set: @Sendable (inout HeadSums, Double) -> Void

    private init(
        _ name: String, _ about: String, _ get: @escaping @Sendable (HeadSums) -> Double,
        _ set: @escaping @Sendable (inout HeadSums, Double) -> Void
    ) {
        self.name = name
        self.about = about
        self.get = get
        self.set = set
    }

    /// Whether a number can be in this column: finite, far from what sums reach, and where it becomes a whole
    /// number, one.
    func canHold(_ value: Double) -> Bool {
        guard abs(value) < 1e15 else { return false }
        return !Self.wholeNumbers.contains(name)
            || (0...Double(longestSequence)).contains(value) && value == value.rounded()
    }

    private static let wholeNumbers: Set = ["max_query", "max_key"]

    /// Which of `all` holds the largest activation.
    static let maxActivation = 0

    /// Where the largest activation is, and every sum.
    static let all: [StatisticsColumn] =
        [
            .init(
                "max_activation", "Largest A[q,k] with q > 0 and k > 0.",
                { Double($0.maxActivation) }, { $0.maxActivation = Float($1) }),
            .init(
                "max_query", "Query position of the largest attention.",
                { Double($0.maxQuery) }, { $0.maxQuery = Int32($1) }),
            .init(
                "max_key", "Key position of the largest attention.",
                { Double($0.maxKey) }, { $0.maxKey = Int32($1) }),
        ]
        + HeadSums.Sum.all.map { sum in
            .init(
                sum.name, sum.about, { $0[keyPath: sum.field] }, { $0[keyPath: sum.field] = $1 })
        }
}
