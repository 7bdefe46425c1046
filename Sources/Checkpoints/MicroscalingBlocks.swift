// SPDX-License-Identifier: Apache-2.0
// MXFP4: blocks of 32 four-bit floats that share a power of two.
// Reference: OCP Microscaling Formats (MX) Specification 1.0; transformers, integrations/mxfp4.py; ggml, ggml-common.h
// (block_mxfp4).

/// The sixteen values of a four-bit float with two exponent bits and one of mantissa.
private let values: [Float] = [
    0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6,
]

/// Widens blocks of 16 bytes, whose low half-bytes come first, times 2^(scale - 127).
///
/// - Parameters:
///   - blocks: [count, 16].
///   - scales: [count].
///   - destination: [count, 32].
func widenMXFP4(
    _ blocks: UnsafeRawPointer, scales: UnsafeRawPointer, count: Int,
    into destination: UnsafeMutablePointer<Float>
) {
    values.withUnsafeBufferPointer { values in
        for block in 0..<count {
            let scale = power(scales.load(fromByteOffset: block, as: UInt8.self))
            for i in 0..<16 {
                let byte = Int(blocks.load(fromByteOffset: block * 16 + i, as: UInt8.self))
                destination[block * 32 + 2 * i] = values[byte & 15] * scale
                destination[block * 32 + 2 * i + 1] = values[byte >> 4] * scale
            }
        }
    }
}

/// Widens GGUF's blocks of 17 bytes: the scale, then the low half-bytes of all 16, then the high ones.
///
/// - Parameters:
///   - source: [count, 17].
///   - destination: [count, 32].
func widenMXFP4(
    _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>
) {
    values.withUnsafeBufferPointer { values in
        for block in 0..<count {
            let bytes = source + block * 17
            let scale = power(bytes.load(as: UInt8.self))
            for i in 0..<16 {
                let byte = Int(bytes.load(fromByteOffset: 1 + i, as: UInt8.self))
                // ggml knows no negative zero.
                destination[block * 32 + i] = values[byte & 15] * scale + 0
                destination[block * 32 + 16 + i] = values[byte >> 4] * scale + 0
            }
        }
    }
}

/// 2^(scale - 127).
@inline(__always)
private func power(_ scale: UInt8) -> Float {
    // 2^-127 is below the smallest normal Float, which this still gives exactly.
    Float(sign: .plus, exponent: Int(scale) - 127, significand: 1)
}

extension Checkpoint {
    /// Tensors whose 4-bit blocks and scales are stored apart, under the name of the blocks.
    static func joiningMXFP4(_ tensors: [String: StoredTensor]) -> [String: StoredTensor] {
        var joined = tensors
        for (name, blocks) in tensors where name.hasSuffix("_blocks") {
            guard let scales = tensors[name.dropLast("blocks".count) + "scales"],
                blocks.type == .u8, scales.type == .u8, blocks.shape.count >= 3,
                blocks.shape.last == 16, Array(blocks.shape.dropLast()) == scales.shape
            else { continue }
            joined[name] = StoredTensor(mxfp4: blocks, scales: scales)
        }
        return joined
    }
}
