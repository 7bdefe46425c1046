// SPDX-License-Identifier: Apache-2.0
// A worker's own memory for the activations of one sequence in one block.

/// Buffers for one sequence of up to `maxLength` tokens.
final class Workspace {
    /// [length, width]: normalised residual stream.
    let normed: UnsafeMutablePointer<Float>
    /// [length, qkvWidth].
    let qkv: UnsafeMutablePointer<Float>
    /// [length, scoreStride]: one head's scores, then attention.
    let scores: UnsafeMutablePointer<Float>
    /// [length, nHeads headSize].
    let z: UnsafeMutablePointer<Float>
    /// [length, upWidth].
    let hidden: UnsafeMutablePointer<Float>
    /// [length, width]: a projection's output where it cannot be added to the residual at once.
    let projected: UnsafeMutablePointer<Float>
    /// Distance between rows of scores: room for sixteen more, and no power of two, so that rows
    /// do not fall into the same cache sets.
    let scoreStride: Int
    private let slab: UnsafeMutablePointer<Float>

    init(_ d: ModelDescription, maxLength: Int) {
        scoreStride = (maxLength + 15) / 16 * 16 + 16
        let sizes = [
            maxLength * d.width, maxLength * d.qkvWidth, maxLength * scoreStride,
            maxLength * d.nHeads * d.headSize, maxLength * d.upWidth, maxLength * d.width,
        ]
        // Sixteen floats after each buffer, for reads of whole lanes at the end of a row.
        let total = sizes.reduce(0) { $0 + $1 + 16 }
        slab = .allocate(capacity: total)
        slab.initialize(repeating: 0, count: total)
        var next = slab
        func take(_ size: Int) -> UnsafeMutablePointer<Float> {
            defer { next += size + 16 }
            return next
        }
        normed = take(sizes[0])
        qkv = take(sizes[1])
        scores = take(sizes[2])
        z = take(sizes[3])
        hidden = take(sizes[4])
        projected = take(sizes[5])
    }

    deinit { slab.deallocate() }
}
