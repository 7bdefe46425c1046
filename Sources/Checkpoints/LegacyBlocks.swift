// SPDX-License-Identifier: Apache-2.0
// ggml's block types of 32 elements: one scale a block, in some a minimum too.
//
// Layouts are those of `block_q4_0` ... `block_q8_0` in ggml-common.h, values those of the
// `dequantize_row_*` functions in ggml-quants.c. Element j of the first sixteen is the low half of
// byte j of `qs`, element j + 16 the high half. Scales are half-precision and quants have at most
// eight bits, so each product is exact in Float32 and only the final sum is rounded: a fused
// multiply-add gives the very same number as the two steps.

// The types keep the names ggml and its tools use, underscores and capitals included.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Tensors

/// Q4_0, 18 bytes: { half d; uint8 qs[16] }, value = (q - 8) d.
func widenQ4_0(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 18
        let output = destination + index &* 32
        let d = half(block, 0)
        let qs = bytes(block, 2)
        output.store((floats(qs & 15) - 8) * d, at: 0)
        output.store((floats(qs &>> 4) - 8) * d, at: 16)
    }
}

/// Q4_1, 20 bytes: { half d; half m; uint8 qs[16] }, value = q d + m.
func widenQ4_1(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 20
        let output = destination + index &* 32
        let d = Lanes(repeating: half(block, 0))
        let m = Lanes(repeating: half(block, 2))
        let qs = bytes(block, 4)
        output.store(m.addingProduct(floats(qs & 15), d), at: 0)
        output.store(m.addingProduct(floats(qs &>> 4), d), at: 16)
    }
}

/// Q5_0, 22 bytes: { half d; uint8 qh[4]; uint8 qs[16] }, value = (q - 16) d. Bit j of `qh` is the
/// fifth bit of element j.
func widenQ5_0(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 22
        let output = destination + index &* 32
        let d = half(block, 0)
        let qh = block.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
        let qs = bytes(block, 6)
        output.store((floats(qs & 15 | fifthBits(qh)) - 16) * d, at: 0)
        output.store((floats(qs &>> 4 | fifthBits(qh &>> 16)) - 16) * d, at: 16)
    }
}

/// Q5_1, 24 bytes: { half d; half m; uint8 qh[4]; uint8 qs[16] }, value = q d + m.
func widenQ5_1(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 24
        let output = destination + index &* 32
        let d = Lanes(repeating: half(block, 0))
        let m = Lanes(repeating: half(block, 2))
        let qh = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let qs = bytes(block, 8)
        output.store(m.addingProduct(floats(qs & 15 | fifthBits(qh)), d), at: 0)
        output.store(m.addingProduct(floats(qs &>> 4 | fifthBits(qh &>> 16)), d), at: 16)
    }
}

/// Q8_0, 34 bytes: { half d; int8 qs[32] }, value = q d.
func widenQ8_0(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        let block = source + index &* 34
        let output = destination + index &* 32
        let d = half(block, 0)
        let low = block.loadUnaligned(fromByteOffset: 2, as: SIMD16<Int8>.self)
        let high = block.loadUnaligned(fromByteOffset: 18, as: SIMD16<Int8>.self)
        output.store(floats(low) * d, at: 0)
        output.store(floats(high) * d, at: 16)
    }
}

/// Lane j is 16 where bit j of `bits` is set, else 0.
@inline(__always)
private func fifthBits(_ bits: UInt32) -> SIMD16<UInt8> {
    var result = SIMD16<UInt8>()
    for lane in 0..<laneCount {
        result[lane] =
            UInt8(truncatingIfNeeded: (bits &>> UInt32(truncatingIfNeeded: lane)) & 1) &<< 4
    }
    return result
}
