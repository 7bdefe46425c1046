// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same in every run.

import Foundation

/// SplitMix64 (Steele, Lea and Flood 2014).
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of one seed.
    public init(state: UInt64) { self.state = state }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// A number of [0, 1), of 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) / 0x1p53 }

    /// A normal value of mean 0 and variance 1 (Box and Muller 1958).
    public mutating func normal() -> Double {
        let (a, b) = (uniform(), uniform())
        return (-2 * log(1 - a)).squareRoot() * cos(2 * .pi * b)
    }
}
