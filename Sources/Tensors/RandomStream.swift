// SPDX-License-Identifier: Apache-2.0
// Random numbers whose whole state is one integer, so that any part of a computation can have its own,
// and a hash of integers; both the same on every machine.

import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a counter, and a hash of it.
@frozen public struct RandomStream: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// The stream of `seed`; streams of different `purpose` are unrelated.
    public init(seed: UInt64, purpose: UInt64...) {
        state = purpose.reduce(Self.mixed(seed)) { Self.mixed($0 ^ Self.mixed($1)) }
    }

    /// The next 64 random bits.
    @inlinable @inline(__always)
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// Uniform in 0..<bound, bound <= 2^32, by the high half of a product (Lemire 2019, without the
    /// rejection: the bias is below bound / 2^32).
    @inlinable @inline(__always)
    public mutating func next(below bound: UInt64) -> Int {
        Int(truncatingIfNeeded: ((next() >> 32) &* bound) >> 32)
    }

    /// Uniform in [0, 1).
    @inlinable
    public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal, by Box and Muller.
    public mutating func nextNormal() -> Double {
        let radius = (-2 * log(1 - nextUnit())).squareRoot()
        return radius * cos(2 * .pi * nextUnit())
    }

    /// A hash of an integer, a bijection.
    @inlinable @inline(__always)
    public static func hash(_ value: UInt64) -> UInt64 { mixed(value &+ 0x9E37_79B9_7F4A_7C15) }

    /// The finaliser.
    @inlinable @inline(__always)
    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
