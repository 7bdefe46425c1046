// SPDX-License-Identifier: Apache-2.0
// Sampling by hash: who is kept depends on names and seed, never on order, workers or shards.

import Tensors

/// A stream of priorities: a pseudo-random number for each sequence, the same in every run.
public struct Priority: Sendable {
    private let key: UInt64

    /// The priorities of one head's samples.
    public init(seed: UInt64, layer: Int, head: Int) {
        key = RandomStream.hash(
            RandomStream.hash(seed ^ 0x6865_6164) ^ UInt64(layer) << 32 ^ UInt64(head))
    }

    /// The priorities of the pool that the clouds draw from, shared by all heads.
    public init(poolSeed seed: UInt64) {
        key = RandomStream.hash(seed ^ 0x706F_6F6C)
    }

    /// The priorities of the sequences, and of the queries in them, by which the patterns of heads are compared.
    public init(likenessSeed seed: UInt64) {
        key = RandomStream.hash(seed ^ 0x6C69_6B65)
    }

    /// The priorities of the places where one feature of a dictionary fires.
    public init(seed: UInt64, feature: Int) {
        key = RandomStream.hash(RandomStream.hash(seed ^ 0x6665_6174) ^ UInt64(feature))
    }

    /// The priority of a position in a sequence, uniform over all 64-bit numbers.
    @inline(__always)
    public func callAsFunction(_ sequence: Int, _ position: Int) -> UInt64 {
        RandomStream.hash(key ^ UInt64(sequence) << 32 ^ UInt64(position))
    }

    /// The priority of a sequence, uniform over all 64-bit numbers.
    @inline(__always)
    public func callAsFunction(_ sequence: Int) -> UInt64 {
        RandomStream.hash(key ^ UInt64(sequence))
    }

    /// The bound below which about `wanted` of `total` priorities lie; everything when there are no
    /// more than wanted.
    public static func threshold(keeping wanted: Int, of total: Int) -> UInt64 {
        guard wanted < total else { return .max }
        return UInt64(Double(wanted) / Double(total) * 0x1p64)
    }
}
