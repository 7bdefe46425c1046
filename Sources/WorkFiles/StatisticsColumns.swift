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

    private static let wholeNumbers: Set = ["max_query", "max_key", "logit_rows"]

    /// Which of `all` holds the largest activation.
    static let maxActivation = 0

    static let all: [StatisticsColumn] = [
        .init(
            "max_activation", "Largest A[q,k] with q > 0 and k > 0.",
            { Double($0.maxActivation) }, { $0.maxActivation = Float($1) }),
        .init(
            "max_query", "Query position of the largest attention.",
            { Double($0.maxQuery) }, { $0.maxQuery = Int32($1) }),
        .init(
            "max_key", "Key position of the largest attention.",
            { Double($0.maxKey) }, { $0.maxKey = Int32($1) }),
        .init(
            "entropy_sum", "Sum over queries of the row's Shannon entropy, in nats.",
            { $0.entropy }, { $0.entropy = $1 }),
        .init(
            "self_attention_sum", "Sum of A[q,q].", { $0.selfAttention }, { $0.selfAttention = $1 }),
        .init(
            "previous_token_sum", "Sum of A[q,q-1].",
            { $0.previousToken }, { $0.previousToken = $1 }),
        .init("sink_sum", "Sum of A[q,0].", { $0.sink }, { $0.sink = $1 }),
        .init(
            "learned_sink_sum",
            "Sum of what goes to the head's learned sink instead of a key: 1 - sum over k of A[q,k].",
            { $0.learnedSink }, { $0.learnedSink = $1 }),
        .init("distance_sum", "Sum of A[q,k] |q-k|.", { $0.distance }, { $0.distance = $1 }),
        .init(
            "distance_squared_sum", "Sum of A[q,k] (q-k)^2.",
            { $0.distanceSquared }, { $0.distanceSquared = $1 }),
        .init(
            "induction_sum", "Sum of A[q,j+1] over earlier j with token[j] == token[q].",
            { $0.induction }, { $0.induction = $1 }),
        .init(
            "duplicate_token_sum", "Sum of A[q,j] over earlier j with token[j] == token[q].",
            { $0.duplicateToken }, { $0.duplicateToken = $1 }),
        .init(
            "logit_rows", "Number of rows that see at least two keys.",
            { Double($0.logitRows) }, { $0.logitRows = Int32($1) }),
        .init(
            "logit_std_sum",
            "Sum over those rows of the standard deviation of the scores before the softmax.",
            { $0.logitStd }, { $0.logitStd = $1 }),
        .init(
            "top_logit_margin_sum", "Sum over those rows of largest minus second largest score.",
            { $0.topLogitMargin }, { $0.topLogitMargin = $1 }),
        .init(
            "logit_z_score_sum",
            "Sum over those rows of (largest - mean) / standard deviation of the scores.",
            { $0.logitZScore }, { $0.logitZScore = $1 }),
    ]
}
