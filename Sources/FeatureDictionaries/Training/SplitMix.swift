// SPDX-License-Identifier: Apache-2.0
// Random numbers and hashes for training, the same on every machine.

import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a counter, and a hash of it.
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of `seed`; those of different `purpose` are unrelated.
    public init(seed: UInt64, purpose: UInt64) { state = Self.hash(seed) ^ Self.hash(~purpose) }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.finalized(state)
    }

    /// Uniform in 0..<bound, bound <= 2^32, by the high half of a product; the bias is below
    /// bound / 2^32.
    mutating func next(below bound: Int) -> Int {
        Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32)
    }

    /// Standard normal, by Box and Muller.
    mutating func nextNormal() -> Float {
        let uniform = { (bits: UInt64) in Double(bits >> 11) * 0x1p-53 }
        let radius = (-2 * log(1 - uniform(next()))).squareRoot()
        return Float(radius * cos(2 * .pi * uniform(next())))
    }

    /// A hash of an integer.
    public static func hash(_ value: UInt64) -> UInt64 { finalized(value &+ 0x9E37_79B9_7F4A_7C15) }

    @inline(__always)
    private static func finalized(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
