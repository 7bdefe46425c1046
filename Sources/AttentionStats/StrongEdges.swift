// SPDX-License-Identifier: Apache-2.0
// The strongest attention edges of one head on one sequence, with their vectors, for the clouds.

import HeapModule
import Tensors

/// What makes an edge strong.
public enum EdgeRanking: String, Sendable, CaseIterable {
    /// A[q,k].
    case attention
    /// A[q,k] times the norm of what the key writes into the residual stream, |v_k W_O|.
    case outputNorm = "output_norm"
}

/// Edges of one head on one sequence, and the vectors at their queries: of n edges m different queries. The vectors
/// at their keys are in `KeyVectors`, as heads may share them.
public struct StrongEdges: Sendable, Equatable {
    /// [n], strongest first.
    public var pairs: [AttentionPair] = []
    /// [n]: by what they were ranked.
    public var strength: [Float] = []
    /// [n]: the row of `q` and `z` that is an edge's.
    public var queryRow: [UInt16] = []
    /// [n]: the row of the sequence's `KeyVectors` that is an edge's.
    public var keyRow: [UInt16] = []
    /// [m, d]: the query vectors, in the order of the queries.
    public var q = HalfVectors()
    /// [m, d]: attention-weighted values at the queries, before the output projection.
    public var z = HalfVectors()

    /// No edges.
    public init() {}
}

/// An edge on offer. Edges compare by strength; of equals the later in row order is the weaker.
struct EdgeCandidate: Comparable {
    var strength: Float
    var attention: Float
    var query: Int32
    var key: Int32

    static func < (a: EdgeCandidate, b: EdgeCandidate) -> Bool {
        if a.strength != b.strength { return a.strength < b.strength }
        return (a.query, a.key) > (b.query, b.key)
    }
}

/// Keeps the `count` strongest edges outside row 0 and column 0.
struct EdgeSelector {
    private let count: Int
    private var kept = Heap<EdgeCandidate>()

    init(count: Int) {
        self.count = count
        kept.reserveCapacity(count)
    }

    /// Offers a row's entries.
    ///
    /// - Parameters:
    ///   - row: attention, indexed by key; sixteen entries after the last key may be read.
    ///   - weights: multiplies the attention to each key, padded by sixteen; nil for 1.
    mutating func offerRow(
        _ row: UnsafePointer<Float>, query: Int, keys: Range<Int>, weights: UnsafePointer<Float>?
    ) {
        guard query > 0, count > 0 else { return }
        var key = max(1, keys.lowerBound)
        // What a strength must exceed to be kept: rows come in order, so a tie loses.
        var floor = kept.count < count ? 0 : kept.min?.strength ?? 0
        while key < keys.upperBound {
            var strengths = row.lanes(at: key)
            if let weights { strengths *= weights.lanes(at: key) }
            if strengths.laneMax > floor {
                for k in key..<min(key + laneCount, keys.upperBound)
                where strengths[k - key] > floor {
                    let candidate = EdgeCandidate(
                        strength: strengths[k - key], attention: row[k], query: Int32(query),
                        key: Int32(k))
                    if kept.count < count {
                        kept.insert(candidate)
                    } else {
                        kept.replaceMin(with: candidate)
                    }
                    floor = kept.count < count ? 0 : kept.min?.strength ?? 0
                }
            }
            key += laneCount
        }
    }

    /// The kept edges, strongest first.
    func strongestFirst() -> [EdgeCandidate] { kept.unordered.sorted(by: >) }
}
