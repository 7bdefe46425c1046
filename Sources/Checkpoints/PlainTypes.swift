// SPDX-License-Identifier: Apache-2.0
// Widening of the floating point types, and the choice of the loop for each type.

// The types keep the names ggml and its tools use, underscores and capitals included.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Tensors

extension StoredType {
    /// Widens `count` blocks (of this type's size; one element for plain types) that begin at
    /// `source`, whatever its alignment.
    ///
    /// - Precondition: the type `widens`.
    func widen(
        _ source: UnsafeRawPointer, _ count: Int, into destination: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .f64: widenF64(source, count, destination)
        case .f32:
            UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: 4 * count)
        case .f16: widenF16(source, count, destination)
        case .bf16: widenBF16(source, count, destination)
        case .q4_0: widenQ4_0(source, count, destination)
        case .q4_1: widenQ4_1(source, count, destination)
        case .q5_0: widenQ5_0(source, count, destination)
        case .q5_1: widenQ5_1(source, count, destination)
        case .q8_0: widenQ8_0(source, count, destination)
        case .q2_K: widenQ2_K(source, count, destination)
        case .q3_K: widenQ3_K(source, count, destination)
        case .q4_K: widenQ4_K(source, count, destination)
        case .q5_K: widenQ5_K(source, count, destination)
        case .q6_K: widenQ6_K(source, count, destination)
        case .iq4_nl: widenIQ4_NL(source, count, destination)
        case .mxfp4:
            preconditionFailure("blocks whose scales lie apart are widened by their tensor")
        case .mxfp4_ggml: widenMXFP4(source, count, destination)
        case .iq4_xs: widenIQ4_XS(source, count, destination)
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool, .unsupported:
            preconditionFailure("elements of type \(self) are not widened")
        }
    }
}

// Int8, UInt8 and UInt16 lanes are converted lane by lane: the compiler turns these loops into one
// extension and one conversion instruction, while the standard library's conversions between vector
// types are calls.

/// Each lane as a Float32.
@inline(__always)
func floats(_ lanes: SIMD16<UInt8>) -> Lanes {
    var result = Lanes()
    for lane in 0..<laneCount { result[lane] = Float(lanes[lane]) }
    return result
}

/// Each lane as a Float32.
@inline(__always)
func floats(_ lanes: SIMD16<Int8>) -> Lanes {
    var result = Lanes()
    for lane in 0..<laneCount { result[lane] = Float(lanes[lane]) }
    return result
}

/// The half-precision number at `offset`.
@inline(__always)
func half(_ source: UnsafeRawPointer, _ offset: Int) -> Float {
    Float(source.loadUnaligned(fromByteOffset: offset, as: Float16.self))
}

/// The sixteen bytes at `offset`.
@inline(__always)
func bytes(_ source: UnsafeRawPointer, _ offset: Int) -> SIMD16<UInt8> {
    source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
}

private func widenF64(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    for index in 0..<count {
        destination[index] = Float(
            source.loadUnaligned(fromByteOffset: 8 &* index, as: Double.self))
    }
}

private func widenF16(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    var index = 0
    while index &+ laneCount <= count {
        let halves = source.loadUnaligned(fromByteOffset: 2 &* index, as: SIMD16<Float16>.self)
        destination.store(Lanes(halves), at: index)
        index &+= laneCount
    }
    while index < count {
        destination[index] = half(source, 2 &* index)
        index &+= 1
    }
}

/// A bfloat16 is the upper half of a Float32.
private func widenBF16(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    var index = 0
    while index &+ laneCount <= count {
        let halves = source.loadUnaligned(fromByteOffset: 2 &* index, as: SIMD16<UInt16>.self)
        var words = SIMD16<UInt32>()
        for lane in 0..<laneCount { words[lane] = UInt32(halves[lane]) }
        destination.store(unsafeBitCast(words &<< 16, to: Lanes.self), at: index)
        index &+= laneCount
    }
    while index < count {
        let bits = source.loadUnaligned(fromByteOffset: 2 &* index, as: UInt16.self)
        destination[index] = Float(bitPattern: UInt32(bits) << 16)
        index &+= 1
    }
}
