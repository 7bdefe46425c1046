// SPDX-License-Identifier: Apache-2.0
// The sufficient statistics of one head on one sequence: sums from which every metric is made.

/// What one head did on one sequence of S tokens. Sums run over queries; position 0 counts unless a
/// field says otherwise.
public struct HeadSums: Sendable, Equatable {
    /// The largest A[q,k] with q > 0 and k > 0; 0 for a sequence of one token.
    public var maxActivation: Float = 0
    /// Where that is (the first in row order); 0, 0 for a sequence of one token.
    public var maxQuery: Int32 = 0
    /// The key of the largest attention.
    public var maxKey: Int32 = 0
    /// Σ of the rows' Shannon entropy, in nats.
    public var entropy: Double = 0
    /// Σ A[q,q].
    public var selfAttention: Double = 0
    /// Σ A[q,q-1] over q > 0.
    public var previousToken: Double = 0
    /// Σ A[q,0]: what goes to the attention sink.
    public var sink: Double = 0
    /// Σ of what goes to the head's learned sink instead of a key: 1 - Σ_k A[q,k]; 0 in models without one.
    public var learnedSink: Double = 0
    /// Σ A[q,k] |q-k|, in tokens.
    public var distance: Double = 0
    /// Σ A[q,k] (q-k)^2.
    public var distanceSquared: Double = 0
    /// Σ A[q,j+1] over earlier j with token[j] == token[q].
    public var induction: Double = 0
    /// Σ A[q,j] over earlier j with token[j] == token[q].
    public var duplicateToken: Double = 0
    /// Rows that see at least two keys; the three sums below run over them.
    public var logitRows: Double = 0
    /// Σ of the standard deviation (over the visible keys) of the row's scores.
    public var logitStd: Double = 0
    /// Σ of the largest minus the second largest score of the row.
    public var topLogitMargin: Double = 0
    /// Σ of (largest - mean) / standard deviation of the row's scores; 0 for a row of equal scores.
    public var logitZScore: Double = 0
    /// Queries that rest on the attention sink: A[q,0] > 0.3.
    public var restingQueries: Double = 0
    /// Σ of e^entropy over the number of keys that the query sees.
    public var effectiveKeys: Double = 0
    /// Σ A[q,k] over |q-k| <= 8.
    public var local: Double = 0
    /// Σ of |z_q W_O|, what the head adds to the residual stream at q; 0 where no Gram matrices were given.
    public var outputNorm: Double = 0
    /// Queries whose logits were attributed; the two sums below run over them.
    public var logitQueries: Double = 0
    /// Σ of what the head adds to the logit of the tokens it attends to: Σ_k A[q,k] (v_k W_O) · U[token_k] / s_q.
    public var attendedLogit: Double = 0
    /// Σ of what the head adds to the logit of the next token: (z_q W_O) · U[token_{q+1}] / s_q.
    public var nextLogit: Double = 0

    /// The sums of a head that was not run.
    public init() {}
}

extension HeadSums {
    /// One of the sums: its dataset in scan.h5, what that holds, and its field. Whatever reads, writes, adds
    /// up or checks sums goes through `all`, so that a new one is a field and a line here.
    public struct Sum: Sendable {
        /// The dataset's name.
        public let name: String
        /// One sentence, in ASCII.
        public let about: String
        /// Where it is.
        public let field: WritableKeyPath<HeadSums, Double> & Sendable

        private init(
            _ name: String, _ field: WritableKeyPath<HeadSums, Double> & Sendable, _ about: String
        ) {
            self.name = name
            self.about = about
            self.field = field
        }

        /// All sums, in the order of scan.h5.
        public static let all: [Sum] = [
            Sum(
                "entropy_sum", \.entropy,
                "Sum over queries of the row's Shannon entropy, in nats."),
            Sum("self_attention_sum", \.selfAttention, "Sum of A[q,q]."),
            Sum("previous_token_sum", \.previousToken, "Sum of A[q,q-1]."),
            Sum("sink_sum", \.sink, "Sum of A[q,0]."),
            Sum(
                "learned_sink_sum", \.learnedSink,
                "Sum of what goes to the head's learned sink instead of a key: 1 - sum over k of A[q,k]."
            ),
            Sum("distance_sum", \.distance, "Sum of A[q,k] |q-k|."),
            Sum("distance_squared_sum", \.distanceSquared, "Sum of A[q,k] (q-k)^2."),
            Sum(
                "induction_sum", \.induction,
                "Sum of A[q,j+1] over earlier j with token[j] == token[q]."),
            Sum(
                "duplicate_token_sum", \.duplicateToken,
                "Sum of A[q,j] over earlier j with token[j] == token[q]."),
            Sum("logit_rows", \.logitRows, "Number of rows that see at least two keys."),
            Sum(
                "logit_std_sum", \.logitStd,
                "Sum over those rows of the standard deviation of the scores before the softmax."),
            Sum(
                "top_logit_margin_sum", \.topLogitMargin,
                "Sum over those rows of largest minus second largest score."),
            Sum(
                "logit_z_score_sum", \.logitZScore,
                "Sum over those rows of (largest - mean) / standard deviation of the scores."),
            Sum("resting_queries", \.restingQueries, "Number of queries with A[q,0] > 0.3."),
            Sum(
                "effective_keys_sum", \.effectiveKeys,
                "Sum over queries of exp(entropy of the row) / number of keys that the query sees."),
            Sum("local_sum", \.local, "Sum of A[q,k] over |q-k| <= 8."),
            Sum(
                "output_norm_sum", \.outputNorm,
                "Sum over queries of |z W_O|, the norm of what the head adds to the residual stream."
            ),
            Sum(
                "logit_queries", \.logitQueries,
                "Number of queries whose logits were attributed, of watched sequences."),
            Sum(
                "attended_logit_sum", \.attendedLogit,
                "Sum over those of what the head adds directly to the logits of the tokens it attends to."
            ),
            Sum(
                "next_logit_sum", \.nextLogit,
                "Sum over those of what the head adds directly to the logit of the next token."),
        ]
    }

    /// Whether all sums are numbers.
    public var isFinite: Bool {
        maxActivation.isFinite && Sum.all.allSatisfy { self[keyPath: $0.field].isFinite }
    }

    /// Adds the sums; largest activations are no sums and stay.
    public static func += (a: inout HeadSums, b: HeadSums) {
        for sum in Sum.all { a[keyPath: sum.field] += b[keyPath: sum.field] }
    }

    /// Takes sums away; largest activations are no sums and stay.
    public static func -= (a: inout HeadSums, b: HeadSums) {
        for sum in Sum.all { a[keyPath: sum.field] -= b[keyPath: sum.field] }
    }
}

/// One entry of an attention matrix.
public struct AttentionPair: Sendable, Equatable, BitwiseCopyable {
    /// The query, from 0.
    public var query: UInt16
    /// The key, from 0.
    public var key: UInt16
    /// A[query, key].
    public var attention: Float

    /// The attention of a query to a key.
    public init(query: Int, key: Int, attention: Float) {
        self.query = UInt16(query)
        self.key = UInt16(key)
        self.attention = attention
    }
}

/// The longest sequence whose positions fit an `AttentionPair`.
public let longestSequence = Int(UInt16.max)

/// Bins of distances |q-k|: 0, 1, 2-3, 4-7, 8-15, ...
public enum DistanceBins {
    /// How many bins sequences of up to `length` tokens need.
    public static func count(forLength length: Int) -> Int {
        length < 2 ? 1 : Int.bitWidth - (length - 1).leadingZeroBitCount + 1
    }

    /// The bin of a distance.
    @inline(__always)
    public static func bin(of distance: Int) -> Int {
        Int.bitWidth - distance.leadingZeroBitCount
    }

    /// The edges of `count` bins: 0, 1, 2, 4, 8, ...; one more than there are bins.
    public static func edges(_ count: Int) -> [Int] {
        [0] + (0..<count).map { 1 << $0 }
    }
}
