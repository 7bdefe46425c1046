// SPDX-License-Identifier: Apache-2.0
// The sum of a feature's activations, the same in any order: shards of a corpus add up to the whole.

/// A sum in fixed point, in units of 2^-56: it is exact for activations of 2^-33 and more, and off by less than a unit
/// an addend below. Room is for 2^31 of the largest.
public struct ActivationSum: Sendable, Equatable {
    /// The sum in units.
    public private(set) var units: Int128

    /// Activations are below it; no residual stream of a model that works is as long.
    public static let limit: Float = 0x1p40

    /// This many units.
    public init(units: Int128 = 0) { self.units = units }

    /// The sum.
    public var value: Double { Double(units) * 0x1p-56 }

    /// Adds an activation; one of `limit` and more is left out, and so is what is no number.
    public mutating func add(_ activation: Float) {
        guard activation.magnitude < Self.limit else { return }
        let wide = Double(activation)
        // Both products fit into 63 bits and are whole, but for the least activations: from 2 on, the last bit of a
        // Float is 2^-22 and more.
        units +=
            activation.magnitude < 64
            ? Int128(Int64(wide * 0x1p56)) : Int128(Int64(wide * 0x1p22)) << 34
    }

    static func += (sum: inout ActivationSum, other: ActivationSum) {
        // What a damaged file claims may wrap around; it must not end the program.
        sum.units &+= other.units
    }
}
