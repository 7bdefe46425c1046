// SPDX-License-Identifier: Apache-2.0
// Elementwise functions on sixteen lanes at a time, and loads and stores for them.

/// Sixteen Float32 lanes: one AVX-512 register, two of AVX, four of NEON.
public typealias Lanes = SIMD16<Float>

/// The number of elements in `Lanes`.
public let laneCount = 16

extension UnsafePointer<Float> {
    /// The sixteen values that start at `offset`, whatever their alignment.
    @inline(__always) @_alwaysEmitIntoClient
    public func lanes(at offset: Int) -> Lanes {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self)
    }
}

extension UnsafeMutablePointer<Float> {
    /// The sixteen values that start at `offset`, whatever their alignment.
    @inline(__always) @_alwaysEmitIntoClient
    public func lanes(at offset: Int) -> Lanes {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self)
    }

    /// Writes sixteen values starting at `offset`, whatever its alignment.
    @inline(__always) @_alwaysEmitIntoClient
    public func store(_ value: Lanes, at offset: Int) {
        UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Lanes.self)
    }
}

/// e^x in each lane, to 2e-7 relative. Below -87 the result is about 1e-38, never a denormal;
/// above 88 it is about 1e38, never infinite. NaN is not preserved.
///
/// Range reduction x = n ln 2 + r and a polynomial of degree six in r, after Cephes' `expf`. Rounding
/// to the nearest n is done by adding 1.5 * 2^23, which leaves n in the low bits of the sum.
@inline(__always) @_alwaysEmitIntoClient
public func exp(_ x: Lanes) -> Lanes {
    let clamped = x.clamped(
        lowerBound: Lanes(repeating: -87), upperBound: Lanes(repeating: 88))
    let shifted = Lanes(repeating: 12_582_912).addingProduct(
        clamped, Lanes(repeating: 1.442_695_04))
    let n = shifted - 12_582_912
    // ln 2 in two parts, the first exact in few bits, so that x - n ln 2 loses nothing.
    let r =
        clamped
        .addingProduct(n, Lanes(repeating: -0.693_359_375))
        .addingProduct(n, Lanes(repeating: 2.121_944_40e-4))
    var p = Lanes(repeating: 1.987_569_15e-4)
    p = Lanes(repeating: 1.398_199_950_7e-3).addingProduct(p, r)
    p = Lanes(repeating: 8.333_451_907_3e-3).addingProduct(p, r)
    p = Lanes(repeating: 4.166_579_589_4e-2).addingProduct(p, r)
    p = Lanes(repeating: 1.666_666_545_9e-1).addingProduct(p, r)
    p = Lanes(repeating: 5.000_000_120_1e-1).addingProduct(p, r)
    p = (r + 1).addingProduct(p, r * r)
    // Multiply by 2^n by adding n to the exponent bits.
    let exponent = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23
    return unsafeBitCast(
        unsafeBitCast(p, to: SIMD16<Int32>.self) &+ exponent, to: Lanes.self)
}

/// tanh x in each lane, to 3e-7 absolute: (1 - e) / (1 + e) with e = exp(-2|x|), and the sign of x.
@inline(__always) @_alwaysEmitIntoClient
public func tanh(_ x: Lanes) -> Lanes {
    let magnitude = x.replacing(with: -x, where: x .< 0)
    let e = exp(magnitude * -2)
    let t = (1 - e) / (1 + e)
    return t.replacing(with: -t, where: x .< 0)
}

/// erf x in each lane, to 5e-7 absolute: Abramowitz and Stegun 7.1.26, whose own error is 1.5e-7.
@inline(__always) @_alwaysEmitIntoClient
public func erf(_ x: Lanes) -> Lanes {
    let magnitude = x.replacing(with: -x, where: x .< 0)
    let t = 1 / (1 + magnitude * 0.327_591_1)
    var p = Lanes(repeating: 1.061_405_429)
    p = Lanes(repeating: -1.453_152_027).addingProduct(p, t)
    p = Lanes(repeating: 1.421_413_741).addingProduct(p, t)
    p = Lanes(repeating: -0.284_496_736).addingProduct(p, t)
    p = Lanes(repeating: 0.254_829_592).addingProduct(p, t)
    let value = 1 - p * t * exp(-(magnitude * magnitude))
    return value.replacing(with: -value, where: x .< 0)
}
