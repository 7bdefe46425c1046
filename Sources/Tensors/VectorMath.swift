// SPDX-License-Identifier: Apache-2.0
// Elementwise functions on sixteen lanes at a time, and loads and stores for them.

/// Sixteen Float32 lanes: one AVX-512 register, two of AVX, four of NEON.
public typealias Lanes = SIMD16<Float>

/// The number of elements in `Lanes`.
public let laneCount = 16

extension UnsafePointer<Float> {
    /// The sixteen values that start at `offset`, whatever their alignment.
    @inlinable @inline(__always)
    public func lanes(at offset: Int) -> Lanes {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self)
    }
}

extension UnsafeMutablePointer<Float> {
    /// The sixteen values that start at `offset`, whatever their alignment.
    @inlinable @inline(__always)
    public func lanes(at offset: Int) -> Lanes {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Lanes.self)
    }

    /// Writes sixteen values starting at `offset`, whatever its alignment.
    @inlinable @inline(__always)
    public func store(_ value: Lanes, at offset: Int) {
        UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Lanes.self)
    }
}

extension SIMD16<Float> {
    /// Each lane, but within `low`...`high`: two instructions, where the standard library's `clamped` is
    /// a loop over the lanes.
    @inlinable @inline(__always)
    public func held(within low: Float, _ high: Float) -> Self {
        lanewiseMin(lanewiseMax(self, Self(repeating: low)), Self(repeating: high))
    }
}

/// The larger of each two lanes; the second where one is NaN. One instruction, where the standard
/// library's generic `pointwiseMax` is a loop over the lanes (and so would be a generic version here).
@inlinable @inline(__always)
public func lanewiseMax(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
    b.replacing(with: a, where: a .> b)
}

/// The larger of each two lanes.
@inlinable @inline(__always)
public func lanewiseMax(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    b.replacing(with: a, where: a .> b)
}

/// The larger of each two lanes.
@inlinable @inline(__always)
public func lanewiseMax(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
    b.replacing(with: a, where: a .> b)
}

/// The smaller of each two lanes; the second where one is NaN.
@inlinable @inline(__always)
public func lanewiseMin(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
    b.replacing(with: a, where: a .< b)
}

/// The smaller of each two lanes.
@inlinable @inline(__always)
public func lanewiseMin(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    b.replacing(with: a, where: a .< b)
}

/// The smaller of each two lanes.
@inlinable @inline(__always)
public func lanewiseMin(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> SIMD4<Float> {
    b.replacing(with: a, where: a .< b)
}

/// e^x in each lane, to 2e-7 relative. Below -87 the result is about 1e-38, never a denormal;
/// above 88 it is about 1e38, never infinite. NaN is not preserved.
///
/// Transparent, as the optimiser calls functions of this size out of line even when they are to be
/// inlined always, and a call moves sixteen lanes through four small registers.
///
/// Range reduction x = n ln 2 + r and a polynomial of degree six in r, after Cephes' `expf`. Rounding
/// to the nearest n is done by adding 1.5 * 2^23, which leaves n in the low bits of the sum.
@_transparent
public func exp(_ x: Lanes) -> Lanes {
    let clamped = x.held(within: -87, 88)
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
@_transparent
public func tanh(_ x: Lanes) -> Lanes {
    let magnitude = x.replacing(with: -x, where: x .< 0)
    let e = exp(magnitude * -2)
    let t = (1 - e) / (1 + e)
    return t.replacing(with: -t, where: x .< 0)
}

/// erf x in each lane, to 5e-7 absolute: Abramowitz and Stegun 7.1.26, whose own error is 1.5e-7.
@_transparent
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
