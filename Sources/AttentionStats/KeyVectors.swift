// SPDX-License-Identifier: Apache-2.0
// The vectors at the keys of edges, each once for all heads that share it.

import Transformer

/// The vectors at the keys of the edges of a group of heads, which share keys and values, on one sequence.
public struct KeyVectors: Sendable, Equatable {
    /// [keys, d]: the key vectors, in the order in which the heads name them.
    public var k = HalfVectors()
    /// [keys, d]: the value vectors.
    public var v = HalfVectors()

    /// No keys.
    public init() {}

    /// Vectors that were stored; `k` and `v` have as many.
    public init(k: HalfVectors, v: HalfVectors) {
        self.k = k
        self.v = v
    }

    /// Number of keys.
    public var count: Int { k.count }
}

/// Which keys are in the `KeyVectors` that are being made. A worker sees the heads of a group on a sequence one after
/// the other.
struct KeyRows {
    private var owner: (sequence: Int, group: Int)?
    /// By key: its row, or `.max`.
    private var rows: [UInt16]

    /// Of sequences of up to `maxLength` tokens.
    init(maxLength: Int) { rows = Array(repeating: .max, count: maxLength) }

    /// Forgets what it had before a batch.
    mutating func reset() { owner = nil }

    /// Turns to a group on a sequence, unless it is the one of the call before.
    mutating func turn(to group: Int, sequence: Int) {
        if let owner, owner == (sequence, group) { return }
        owner = (sequence, group)
        rows.withUnsafeMutableBufferPointer { $0.update(repeating: .max) }
    }

    /// The row of a key, which is added if it is new.
    mutating func row(of key: Int, _ head: HeadView, in vectors: inout KeyVectors, width: Int)
        -> UInt16
    {
        if rows[key] != .max { return rows[key] }
        rows[key] = UInt16(vectors.count)
        vectors.k.append(head.k + key * head.qkvStride, head.dHead, width: width)
        vectors.v.append(head.v + key * head.qkvStride, head.dValue, width: width)
        return rows[key]
    }
}
