// SPDX-License-Identifier: Apache-2.0
// Every two heads of a model, by their weights.
//
//     composition(1, 2) = ||W_2 W_1|| / (||W_2|| ||W_1||), Frobenius norms       (Elhage et al. 2021)
//
// W_1 is the earlier head's W_V^T W_O; W_2 the later head's W_V^T W_O for values, W_Q^T W_K for keys and its transpose for
// queries.
//
//     kernel(1, 2) = ||B_2 B_1^T||²: the sum of the squared cosines of the principal angles between what the first
//     writes and what a side of the second reads            (projection kernel: arXiv 2601.10266)
//
//     likeness(1, 2) = <W_1, W_2> / (||W_1|| ||W_2||) of the same circuit of both, -1 to 1
//
// With <A_1^T B_1, A_2^T B_2> = sum of (A_1 A_2^T) ∘ (B_1 B_2^T), all of it comes from the products of bases that
// `HeadSubspaces` explains.

import Tensors
import Transformer

/// What the weights of every two heads have to do with each other.
public struct HeadPairs: Sendable {
    /// In the order in which they were given.
    public let heads: [HeadAddress]
    /// By side, [writer, reader]; 0 where the writer does not stand in an earlier layer.
    public private(set) var composition: [ReadingSide: [Float]]
    /// The projection kernel, likewise.
    public private(set) var kernel: [ReadingSide: [Float]]
    /// By circuit, [head, head].
    public private(set) var likeness: [WeightCircuit: [Float]]
    /// By side and head, how many dimensions the side reads.
    public private(set) var readDimensions: [ReadingSide: [Int]]
    /// By head, how many dimensions it writes.
    public private(set) var writtenDimensions: [Int]

    /// Compares the heads of every two layers; as many layers at a time are held as fit, and two at least.
    ///
    /// - Parameters:
    ///   - heads: layer by layer.
    ///   - memory: bytes that the held layers may take.
    ///   - load: gives the heads of one of the layers; called again for layers that could not be held.
    ///   - progress: hears how many pairs of layers are done, of n (n + 1) / 2.
    public init(
        _ heads: [HeadAddress], workers: Int, memory: Int,
        load: (_ layer: Int) throws -> [FoldedHead], progress: (_ pairs: Int) -> Void = { _ in }
    ) throws {
        self.init(of: heads)
        let first = Dictionary(
            heads.enumerated().map { ($1.layer, $0) }, uniquingKeysWith: { first, _ in first })
        let layers = first.keys.sorted()
        var done = 0
        func compare(_ earlier: LayerSubspaces, _ later: LayerSubspaces) {
            let pairs = LayerPair(earlier: earlier, later: later).compare(workers: workers)
            store(
                pairs, first[earlier.heads[0].layer] ?? 0, first[later.heads[0].layer] ?? 0,
                readers: later.heads.count)
            done += 1
            progress(done)
        }
        var start = 0
        while start < layers.count {
            var held: [LayerSubspaces] = []
            while start + held.count < layers.count,
                held.isEmpty || held.reduce(0, { $0 + $1.bytes }) < memory
            {
                let next = try LayerSubspaces(load(layers[start + held.count]))
                note(next, at: first[layers[start + held.count]] ?? 0)
                held.append(next)
                for earlier in held { compare(earlier, next) }
            }
            for layer in layers[..<start] {
                let earlier = try LayerSubspaces(load(layer))
                for later in held { compare(earlier, later) }
            }
            start += held.count
        }
    }

    private init(of heads: [HeadAddress]) {
        self.heads = heads
        let zeros = [Float](repeating: 0, count: heads.count * heads.count)
        composition = Dictionary(uniqueKeysWithValues: ReadingSide.allCases.map { ($0, zeros) })
        kernel = composition
        likeness = Dictionary(uniqueKeysWithValues: WeightCircuit.allCases.map { ($0, zeros) })
        writtenDimensions = Array(repeating: 0, count: heads.count)
        readDimensions = Dictionary(
            uniqueKeysWithValues: ReadingSide.allCases.map {
                ($0, Array(repeating: 0, count: heads.count))
            })
    }

    private mutating func note(_ layer: LayerSubspaces, at place: Int) {
        for head in layer.heads.indices {
            writtenDimensions[place + head] = layer.output.parts[head].rank
            for side in ReadingSide.allCases {
                readDimensions[side]?[place + head] = layer[side].parts[head].rank
            }
        }
    }

    private mutating func store(
        _ pairs: [LayerPair.Numbers], _ firstWriter: Int, _ firstReader: Int, readers: Int
    ) {
        let n = heads.count
        for (i, pair) in pairs.enumerated() {
            let (writer, reader) = (firstWriter + i / readers, firstReader + i % readers)
            for (place, side) in ReadingSide.allCases.enumerated() {
                composition[side]?[writer * n + reader] = pair.composition[place]
                kernel[side]?[writer * n + reader] = pair.kernel[place]
            }
            for (place, circuit) in WeightCircuit.allCases.enumerated() {
                likeness[circuit]?[writer * n + reader] = pair.likeness[place]
                likeness[circuit]?[reader * n + writer] = pair.likeness[place]
            }
        }
    }
}
