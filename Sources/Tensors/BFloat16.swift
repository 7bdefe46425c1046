// SPDX-License-Identifier: Apache-2.0
// bfloat16: the upper half of a Float32, rounded to nearest, ties to even.

/// The bfloat16 next to each lane. A NaN stays one if arithmetic made it.
@inlinable @inline(__always)
public func bfloat16(_ x: Lanes) -> SIMD16<UInt16> {
    let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self)
    let rounded = bits &+ 0x7FFF &+ (bits &>> 16 & 1)
    return SIMD16<UInt16>(truncatingIfNeeded: rounded &>> 16)
}

/// The bfloat16 next to `x`.
@inlinable @inline(__always)
public func bfloat16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

/// `scale` times `count` values, in bfloat16.
func roundToBFloat16(
    _ x: UnsafePointer<Float>, _ count: Int, scale: Float, into y: UnsafeMutablePointer<UInt16>
) {
    var i = 0
    while i + laneCount <= count {
        UnsafeMutableRawPointer(y + i).storeBytes(
            of: bfloat16(x.lanes(at: i) * scale), as: SIMD16<UInt16>.self)
        i += laneCount
    }
    while i < count {
        y[i] = bfloat16(x[i] * scale)
        i += 1
    }
}
