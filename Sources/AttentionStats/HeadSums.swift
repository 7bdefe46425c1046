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
    public var logitRows: Int32 = 0
    /// Σ of the standard deviation (over the visible keys) of the row's scores.
    public var logitStd: Double = 0
    /// Σ of the largest minus the second largest score of the row.
    public var topLogitMargin: Double = 0
    /// Σ of (largest - mean) / standard deviation of the row's scores; 0 for a row of equal scores.
    public var logitZScore: Double = 0

    /// Whether all sums are numbers: x - x is 0 for those alone.
    public var isFinite: Bool {
        let total =
            entropy + selfAttention + previousToken + sink + learnedSink + distance
            + distanceSquared + induction + duplicateToken + logitStd + topLogitMargin + logitZScore
        return total.isFinite && maxActivation.isFinite
    }

    /// The sums of a head that was not run.
    public init() {}
}

/// One entry of an attention matrix.
public struct AttentionPair: Sendable, Equatable {
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
