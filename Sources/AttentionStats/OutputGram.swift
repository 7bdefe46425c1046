// SPDX-License-Identifier: Apache-2.0
// How much a head writes into the residual stream.

import Tensors
import Transformer

/// G = W_O W_O^T of one head, by which |v W_O| = sqrt(v G v^T) without the residual stream's width.
public struct OutputGram: Sendable {
    /// [dHead, dHead], symmetric.
    let gram: [Float]
    let dHead: Int

    /// - Parameter output: [dHead, dModel], the head's output projection W_O.
    public init(output: [Float], dHead: Int, dModel: Int) {
        self.dHead = dHead
        var gram = [Float](repeating: 0, count: dHead * dHead)
        multiply(
            dHead, dHead, dModel, output, dModel, .asStored, output, dModel, .transposed,
            into: &gram, dHead)
        self.gram = gram
    }
}

/// The norms of what a head writes, by position, in memory that is used again for every head.
final class OutputNorms {
    private let maxLength: Int
    /// [maxLength + 16]: norms, followed by zeros.
    private let norms: UnsafeMutablePointer<Float>
    /// [maxLength, width]: rows as W_O reads them, and their products with G; padded by sixteen.
    private var rows: [Float] = []
    private var products: [Float] = []

    init(maxLength: Int) {
        self.maxLength = maxLength
        norms = .allocate(capacity: maxLength + laneCount)
    }

    deinit { norms.deallocate() }

    /// |v_k W_O| for every position k of the head, followed by sixteen zeros; valid until the next call.
    func ofValues(of head: HeadView, _ gram: OutputGram) -> UnsafePointer<Float> {
        compute(gram, count: head.length) { row, position in
            row.update(from: head.v + position * head.qkvStride, count: gram.dHead)
        }
        return UnsafePointer(norms)
    }

    /// Σ |z_q W_O| over all positions q, z as W_O reads it; 0 if z was not computed.
    func sum(of head: HeadView, _ gram: OutputGram) -> Double {
        guard let z = head.z else { return 0 }
        compute(gram, count: head.length) { row, position in
            row.update(from: z + position * head.zStride, count: gram.dHead)
            guard let gate = head.gate else { return }
            for i in 0..<gram.dHead { row[i] *= gate[position * head.zStride + i] }
        }
        return (0..<head.length).reduce(0) { $0 + Double(norms[$1]) }
    }

    private func compute(
        _ gram: OutputGram, count: Int,
        fill: (_ row: UnsafeMutablePointer<Float>, _ position: Int) -> Void
    ) {
        let width = gram.dHead
        reserve(maxLength * width + laneCount)
        rows.withUnsafeMutableBufferPointer { rows in
            products.withUnsafeMutableBufferPointer { products in
                guard let rows = rows.baseAddress, let products = products.baseAddress else {
                    return
                }
                for position in 0..<count { fill(rows + position * width, position) }
                multiply(
                    count, width, width, rows, width, .asStored, gram.gram, width, .asStored,
                    into: products, width)
                for position in 0..<count {
                    let square = dot(rows + position * width, products + position * width, width)
                    norms[position] = max(0, square).squareRoot()
                }
            }
        }
        (norms + count).update(repeating: 0, count: laneCount)
    }

    private func reserve(_ count: Int) {
        guard rows.count < count else { return }
        rows = [Float](repeating: 0, count: count)
        products = rows
    }
}

extension Model {
    /// The Gram matrix of every studied head's output projection, in the selection's order.
    public func outputGrams(_ selection: HeadSelection) throws -> [OutputGram] {
        var grams: [OutputGram] = []
        for head in selection.heads {
            grams.append(
                OutputGram(
                    output: try outputWeights(of: head),
                    dHead: description.shape(of: head.layer).dValue,
                    dModel: description.dModel))
        }
        return grams
    }
}
