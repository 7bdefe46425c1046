// SPDX-License-Identifier: Apache-2.0
// Functions of sixteen lanes, as exact as moving a point needs.

import Tensors

typealias IntegerLanes = SIMD16<Int32>

extension Lanes {
    /// Each lane, but within `low`...`high`: two instructions, where the standard library's `clamped` is
    /// a loop over the lanes.
    @inline(__always)
    func held(within low: Float, _ high: Float) -> Lanes {
        let (low, high) = (Lanes(repeating: low), Lanes(repeating: high))
        let raised = replacing(with: low, where: self .< low)
        return raised.replacing(with: high, where: raised .> high)
    }

    /// The sum of the lanes, in pairs: four steps deep, where the standard library's `sum` is fifteen.
    @inline(__always)
    var total: Float {
        let eight = lowHalf + highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }
}

/// log2 x in each lane, to 2e-6 absolute, for positive normal x. For 0 the result is about -127.
///
/// x = 2^e m with m in [sqrt 1/2, sqrt 2), and log2 m = t P(t) for t = m - 1, P fitted at Chebyshev's
/// points. The integer e becomes a Float by setting it in the low bits of 1.5 * 2^23.
@inline(__always)
package func log2(_ x: Lanes) -> Lanes {
    let bits = unsafeBitCast(x, to: IntegerLanes.self)
    let exponent = (bits &- 0x3F35_04F3) &>> 23
    let mantissa = unsafeBitCast(bits &- (exponent &<< 23), to: Lanes.self)
    let e = unsafeBitCast(exponent &+ 0x4B40_0000, to: Lanes.self) - 12_582_912
    let t = mantissa - 1
    var p = Lanes(repeating: 0.172128737)
    p = Lanes(repeating: -0.269506276).addingProduct(p, t)
    p = Lanes(repeating: 0.295633614).addingProduct(p, t)
    p = Lanes(repeating: -0.359350652).addingProduct(p, t)
    p = Lanes(repeating: 0.480629146).addingProduct(p, t)
    p = Lanes(repeating: -0.721364021).addingProduct(p, t)
    p = Lanes(repeating: 1.44269645).addingProduct(p, t)
    return e.addingProduct(p, t)
}

/// 2^x in each lane, to 3e-6 relative, for x in -126...126; beyond, that of the nearer end.
@inline(__always)
package func exp2(_ x: Lanes) -> Lanes {
    let clamped = x.held(within: -126, 126)
    let shifted = clamped + 12_582_912
    let f = clamped - (shifted - 12_582_912)
    var p = Lanes(repeating: 0.00967603736)
    p = Lanes(repeating: 0.0559220351).addingProduct(p, f)
    p = Lanes(repeating: 0.240221068).addingProduct(p, f)
    p = Lanes(repeating: 0.693121016).addingProduct(p, f)
    p = Lanes(repeating: 1.00000012).addingProduct(p, f)
    let exponent = unsafeBitCast(shifted, to: IntegerLanes.self) &<< 23
    return unsafeBitCast(
        unsafeBitCast(p, to: IntegerLanes.self) &+ exponent, to: Lanes.self)
}
