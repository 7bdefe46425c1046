// SPDX-License-Identifier: Apache-2.0
// ggml's "K" types: blocks of 256 elements in groups of 16 or 32 with small integer scales.
//
// Layouts are those of `block_q2_K` ... `block_q6_K` in ggml-common.h, values those of the
// `dequantize_row_*` functions in ggml-quants.c. A half-precision block scale times a group scale
// times a quant has at most 24 significant bits, so the products are exact in Float32 in any order,
// and a fused multiply-add gives the very same number as the two steps.

// The types keep the names ggml and its tools use, underscores and capitals included.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Tensors

/// Q2_K, 84 bytes: { uint8 scales[16]; uint8 qs[64]; half d; half dmin }.
///
/// Group g of sixteen: value = d (scales[g] & 15) q - dmin (scales[g] >> 4). Each half of 128
/// elements has 32 bytes of `qs`; its groups 2s and 2s + 1 take bits 2s, 2s + 1 of them.
func widenQ2_K(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 84
        let output = destination + index &* 256
        let scales = bytes(block, 0)
        let multipliers = floats(scales & 15) * half(block, 80)
        let minima = floats(scales &>> 4) * -half(block, 82)
        for group in 0..<16 {
            let qs = bytes(block, 16 &+ (group &>> 3) &* 32 &+ (group & 1) &* 16)
            let shift = UInt8(truncatingIfNeeded: group & 6)
            output.store(
                Lanes(repeating: minima[group]).addingProduct(
                    floats((qs &>> SIMD16(repeating: shift)) & 3),
                    Lanes(repeating: multipliers[group])),
                at: group &* 16)
        }
    }
}

/// Q3_K, 110 bytes: { uint8 hmask[32]; uint8 qs[64]; uint8 scales[12]; half d }.
///
/// Group g of sixteen: value = d (scale[g] - 32) (q - 4). The low two bits of q lie as in Q2_K, the
/// third is bit g / 2 of `hmask` byte j (+ 16 in odd groups). The scales have six bits: the low four
/// of scale g in the halves of bytes 0..7, the high two in bytes 8..11.
func widenQ3_K(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 110
        let output = destination + index &* 256
        let multipliers = (floats(scalesQ3_K(block + 96)) - 32) * half(block, 108)
        for group in 0..<16 {
            let qs = bytes(block, 32 &+ (group &>> 3) &* 32 &+ (group & 1) &* 16)
            let masks = bytes(block, (group & 1) &* 16)
            let low = (qs &>> SIMD16(repeating: UInt8(truncatingIfNeeded: group & 6))) & 3
            let high =
                (masks &>> SIMD16(repeating: UInt8(truncatingIfNeeded: group &>> 1))) & 1
            output.store(
                (floats(low | high &<< 2) - 4) * multipliers[group], at: group &* 16)
        }
    }
}

/// The sixteen six-bit scales packed in twelve bytes.
@inline(__always)
private func scalesQ3_K(_ packed: UnsafeRawPointer) -> SIMD16<UInt8> {
    let low = packed.loadUnaligned(as: UInt64.self)
    let high = UInt64(packed.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    let nibbles: UInt64 = 0x0f0f_0f0f_0f0f_0f0f
    let pairs: UInt64 = 0x0303_0303_0303_0303
    // Bytes 8..11 hold the high bits of scales g, g + 4, g + 8, g + 12 from the low end up.
    let first = (high | (high &>> 2) &<< 32) & pairs
    let second = ((high &>> 4) | (high &>> 6) &<< 32) & pairs
    return unsafeBitCast(
        SIMD2<UInt64>(
            (low & nibbles) | first &<< 4, ((low &>> 4) & nibbles) | second &<< 4),
        to: SIMD16<UInt8>.self)
}

/// Q4_K, 144 bytes: { half d; half dmin; uint8 scales[12]; uint8 qs[128] }.
///
/// Group g of 32: value = d scale[g] q - dmin min[g]. Groups 2p and 2p + 1 are the low and the high
/// halves of the 32 bytes p of `qs`.
func widenQ4_K(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 144
        let output = destination + index &* 256
        let (multipliers, minima) = scalesAndMinima(block)
        for pair in 0..<4 {
            let low = Lanes(repeating: multipliers[2 &* pair])
            let high = Lanes(repeating: multipliers[2 &* pair &+ 1])
            let lowMinimum = Lanes(repeating: minima[2 &* pair])
            let highMinimum = Lanes(repeating: minima[2 &* pair &+ 1])
            for part in 0..<2 {
                let qs = bytes(block, 16 &+ pair &* 32 &+ part &* 16)
                let target = output + (pair &* 64 &+ part &* 16)
                target.store(lowMinimum.addingProduct(floats(qs & 15), low), at: 0)
                target.store(highMinimum.addingProduct(floats(qs &>> 4), high), at: 32)
            }
        }
    }
}

/// Q5_K, 176 bytes: { half d; half dmin; uint8 scales[12]; uint8 qh[32]; uint8 qs[128] }.
///
/// As Q4_K, with bit g of `qh` byte j as the fifth bit of element j of group g.
func widenQ5_K(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 176
        let output = destination + index &* 256
        let (multipliers, minima) = scalesAndMinima(block)
        for pair in 0..<4 {
            let low = Lanes(repeating: multipliers[2 &* pair])
            let high = Lanes(repeating: multipliers[2 &* pair &+ 1])
            let lowMinimum = Lanes(repeating: minima[2 &* pair])
            let highMinimum = Lanes(repeating: minima[2 &* pair &+ 1])
            let shift = SIMD16(repeating: UInt8(truncatingIfNeeded: 2 &* pair))
            for part in 0..<2 {
                let qs = bytes(block, 48 &+ pair &* 32 &+ part &* 16)
                let qh = bytes(block, 16 &+ part &* 16) &>> shift
                let target = output + (pair &* 64 &+ part &* 16)
                let first = qs & 15 | (qh & 1) &<< 4
                let second = qs &>> 4 | (qh & 2) &<< 3
                target.store(lowMinimum.addingProduct(floats(first), low), at: 0)
                target.store(highMinimum.addingProduct(floats(second), high), at: 32)
            }
        }
    }
}

/// d scale[g] and -dmin min[g] of the eight groups of a Q4_K or Q5_K block, which both begin with
/// { half d; half dmin; uint8 scales[12] }.
///
/// Six bits each: scales 0..3 are the low bits of bytes 0..3, minima 0..3 those of bytes 4..7; the
/// low four bits of scales and minima 4..7 are the halves of bytes 8..11, their high two bits the top
/// of bytes 0..3 and 4..7 (`get_scale_min_k4` in ggml-quants.c).
@inline(__always)
private func scalesAndMinima(
    _ block: UnsafeRawPointer
) -> (multipliers: SIMD8<Float>, minima: SIMD8<Float>) {
    let first = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    let second = block.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let third = block.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    let scalesLow = first & 0x3f3f_3f3f
    let minimaLow = second & 0x3f3f_3f3f
    let scalesHigh = third & 0x0f0f_0f0f | (first &>> 2) & 0x3030_3030
    let minimaHigh = (third &>> 4) & 0x0f0f_0f0f | (second &>> 2) & 0x3030_3030
    let all = floats(
        unsafeBitCast(
            SIMD4<UInt32>(scalesLow, scalesHigh, minimaLow, minimaHigh), to: SIMD16<UInt8>.self))
    return (all.lowHalf * half(block, 0), all.highHalf * -half(block, 2))
}

/// Q6_K, 210 bytes: { uint8 ql[128]; uint8 qh[64]; int8 scales[16]; half d }.
///
/// Group g of sixteen: value = d scales[g] (q - 32). Each half of 128 elements has 64 bytes of `ql`
/// and 32 of `qh`: quarters 0 and 1 are the low halves of the two 32 bytes of `ql`, quarters 2 and 3
/// the high halves; bits 2k, 2k + 1 of `qh` are the top bits of quarter k.
func widenQ6_K(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 210
        let output = destination + index &* 256
        let scales = block.loadUnaligned(fromByteOffset: 192, as: SIMD16<Int8>.self)
        let multipliers = floats(scales) * half(block, 208)
        for part in 0..<4 {
            let (side, odd) = (part &>> 1, part & 1)
            let low = bytes(block, side &* 64 &+ odd &* 16)
            let high = bytes(block, side &* 64 &+ 32 &+ odd &* 16)
            let qh = bytes(block, 128 &+ side &* 32 &+ odd &* 16)
            let target = output + (side &* 128 &+ odd &* 16)
            let group = side &* 8 &+ odd
            let q0 = floats(low & 15 | (qh & 3) &<< 4) - 32
            let q1 = floats(high & 15 | (qh & 12) &<< 2) - 32
            let q2 = floats(low &>> 4 | qh & 48) - 32
            let q3 = floats(high &>> 4 | (qh & 192) &>> 2) - 32
            target.store(q0 * multipliers[group], at: 0)
            target.store(q1 * multipliers[group &+ 2], at: 32)
            target.store(q2 * multipliers[group &+ 4], at: 64)
            target.store(q3 * multipliers[group &+ 6], at: 96)
        }
    }
}
