// SPDX-License-Identifier: Apache-2.0
// ggml's IQ4 types: quants are places in a table of sixteen values, denser around zero.
//
// Layouts are those of `block_iq4_nl` and `block_iq4_xs` in ggml-common.h, values those of the
// `dequantize_row_*` functions in ggml-quants.c.

// The types keep the names ggml and its tools use, underscores and capitals included.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Tensors

/// IQ4_NL, 18 bytes: { half d; uint8 qs[16] }, value = d table[q]. Elements lie as in Q4_0.
func widenIQ4_NL(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    let table = valuesIQ4()
    for index in 0..<count {
        let block = source + index &* 18
        widenNonlinear(
            bytes(block, 2), table * half(block, 0), destination + index &* 32)
    }
}

/// IQ4_XS, 136 bytes: { half d; uint16 scales_h; uint8 scales_l[4]; uint8 qs[128] }.
///
/// Group g of 32: value = d (scale[g] - 32) table[q]. The low four bits of scale g are half g % 2 of
/// `scales_l` byte g / 2, the high two are bits 2g, 2g + 1 of `scales_h`.
func widenIQ4_XS(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    let table = valuesIQ4()
    for index in 0..<count {
        let block = source + index &* 136
        let d = half(block, 0)
        let high = UInt32(block.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        let low = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        for group in 0..<8 {
            let place = UInt32(truncatingIfNeeded: group)
            let scale = (low &>> (4 &* place)) & 15 | ((high &>> (2 &* place)) & 3) &<< 4
            widenNonlinear(
                bytes(block, 8 &+ group &* 16), table * (d * (Float(scale) - 32)),
                destination + (index &* 256 &+ group &* 32))
        }
    }
}

/// `kvalues_iq4nl` in ggml-common.h.
@inline(__always)
private func valuesIQ4() -> Lanes {
    Lanes(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
}

/// Writes the table's values at the low halves of `qs`, then those at the high halves.
@inline(__always)
private func widenNonlinear(
    _ qs: SIMD16<UInt8>, _ table: Lanes, _ destination: UnsafeMutablePointer<Float>
) {
    for lane in 0..<laneCount {
        destination[lane] = table[Int(qs[lane] & 15)]
        destination[lane &+ 16] = table[Int(qs[lane] &>> 4)]
    }
}
