// SPDX-License-Identifier: Apache-2.0
// How much a head writes into the residual stream when it attends to a key.

import Tensors
import Transformer

/// G = W_O W_O^T of one head, by which |v W_O| = sqrt(v G v^T) without the residual stream's width.
public struct OutputGram: Sendable {
    /// [dHead, dHead], symmetric.
    private let gram: [Float]
    private let dHead: Int

    /// - Parameter output: [dHead, dModel], the head's output projection W_O.
    public init(output: [Float], dHead: Int, dModel: Int) {
        self.dHead = dHead
        var gram = [Float](repeating: 0, count: dHead * dHead)
        multiply(
            dHead, dHead, dModel, output, dModel, .asStored, output, dModel, .transposed,
            into: &gram, dHead)
        self.gram = gram
    }

    /// |v W_O| for each of `count` vectors, followed by sixteen zeros.
    ///
    /// - Parameters:
    ///   - v: [count, stride]; the first `dHead` entries of a row are the vector.
    func norms(of v: UnsafePointer<Float>, count: Int, stride: Int) -> [Float] {
        var product = [Float](repeating: 0, count: count * dHead)
        multiply(
            count, dHead, dHead, v, stride, .asStored, gram, dHead, .asStored,
            into: &product, dHead)
        return (0..<count + laneCount).map { i in
            guard i < count else { return 0 }
            var square: Float = 0
            for j in 0..<dHead { square += product[i * dHead + j] * v[i * stride + j] }
            return max(0, square).squareRoot()
        }
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
