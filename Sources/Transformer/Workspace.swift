// SPDX-License-Identifier: Apache-2.0
// A worker's own memory for the activations of one sequence in one block.

/// Buffers for one sequence of up to `maxLength` tokens.
final class Workspace {
    /// [length, dModel]: normalised residual stream.
    let normed: UnsafeMutablePointer<Float>
    /// [length, qkvWidth].
    let qkv: UnsafeMutablePointer<Float>
    /// [length, scoreStride]: one head's scores, then attention.
    let scores: UnsafeMutablePointer<Float>
    /// [length, nHeads dValue].
    let z: UnsafeMutablePointer<Float>
    /// [length, upWidth].
    let hidden: UnsafeMutablePointer<Float>
    /// [length, dModel]: a projection's output where it cannot be added to the residual at once.
    let projected: UnsafeMutablePointer<Float>
    /// [length, nHeads dValue]: what z is multiplied by, where it is gated.
    let gate: UnsafeMutablePointer<Float>
    /// For parts that only some families have; see `scratchCount`.
    let scratch: UnsafeMutablePointer<Float>
    /// Distance between rows of scores: room for sixteen more, and no power of two, so that rows
    /// do not fall into the same cache sets.
    let scoreStride: Int
    private let slab: UnsafeMutablePointer<Float>

    private static func stride(_ maxLength: Int) -> Int { (maxLength + 15) / 16 * 16 + 16 }

    /// The buffers' sizes in floats, in the order of the properties.
    private static func sizes(_ d: ModelDescription, maxLength: Int) -> [Int] {
        let shapes = d.headShapes
        let zWidth = shapes.map(\.zWidth).max() ?? 0
        let upWidth = d.layers.indices.map(d.upWidth).max() ?? 0
        let perToken = [
            d.dModel, shapes.map(\.qkvWidth).max() ?? 0, stride(maxLength),
            max(zWidth, d.deltaNet?.outputWidth ?? 0), max(upWidth, 2 * (d.experts?.dShared ?? 0)),
            d.dModel, d.gatesOutput ? zWidth : 0,
        ]
        return perToken.map { $0 * maxLength } + [scratchCount(d, maxLength: maxLength)]
    }

    /// The largest that any one part uses.
    private static func scratchCount(_ d: ModelDescription, maxLength: Int) -> Int {
        var largest = 0
        if let latent = d.latent {
            let low = latent.keyValueRank + latent.dRotary
            let spread = d.nHeads * (latent.dOwn + (d.dValue ?? d.dHead))
            largest = max(largest, maxLength * max(low + spread, latent.queryRank ?? 0))
        }
        if let net = d.deltaNet {
            let perToken = 2 * net.convolvedWidth + net.outputWidth + 2 * net.nValueHeads
            largest = max(largest, maxLength * perToken + (net.dKey + 1) * net.dValue)
        }
        if let experts = d.experts { largest = max(largest, maxLength * max(experts.count, 1)) }
        if let width = d.dPerLayerInput { largest = max(largest, (2 * maxLength + 1) * width) }
        return largest
    }

    /// Floats in a workspace. Sixteen follow each buffer, for reads of whole lanes at the end of a row.
    static func count(_ d: ModelDescription, maxLength: Int) -> Int {
        sizes(d, maxLength: maxLength).reduce(0) { $0 + $1 + 16 }
    }

    init(_ d: ModelDescription, maxLength: Int) {
        scoreStride = Self.stride(maxLength)
        let sizes = Self.sizes(d, maxLength: maxLength)
        let total = Self.count(d, maxLength: maxLength)
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
        gate = take(sizes[6])
        scratch = take(sizes[7])
    }

    deinit { slab.deallocate() }
}
