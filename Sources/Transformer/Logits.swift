// SPDX-License-Identifier: Apache-2.0
// From the residual stream after the last block to logits over the vocabulary.

import Tensors

extension Model {
    /// The logits of every position.
    ///
    /// - Parameter residual: [length, dModel], the output of the last block.
    /// - Returns: [length, vocabulary], or nil for a checkpoint without an unembedding.
    public func logits(_ residual: [Float], length: Int) throws -> [Float]? {
        let d = description
        guard let head = tensors.unembedding else { return nil }
        var x = residual
        if let norm = head.norm { x = try normalized(x, norm, length) }
        if let narrowing = head.narrowing {
            x = try product(x, narrowing, length: length, columns: d.dModel)
        }
        if let transform = head.transform {
            x = try product(x, transform, length: length, columns: d.dModel)
            x.withUnsafeMutableBufferPointer { x in
                guard let x = x.baseAddress else { return }
                d.activation.apply(
                    x, rows: length, hidden: d.dModel, stride: d.dModel, isGated: false)
            }
            if let norm = head.transformNorm { x = try normalized(x, norm, length) }
        }
        var logits = try product(
            x, head.projection, length: length, columns: d.dEmbedding ?? d.dModel)
        if d.logitScale != 1 { for i in logits.indices { logits[i] *= d.logitScale } }
        if let cap = d.logitSoftCap {
            for i in logits.indices { logits[i] = cap * tanh(Lanes(repeating: logits[i] / cap))[0] }
        }
        return logits
    }

    private func normalized(
        _ x: [Float], _ names: NormTensors, _ length: Int
    ) throws -> [Float] {
        let dModel = description.dModel
        let norm = try norm(names)
        var y = x
        y.withUnsafeMutableBufferPointer { y in
            guard let y = y.baseAddress else { return }
            _ = norm.normalize(length, y, dModel, into: y, dModel)
        }
        return y
    }

    /// x W^T + bias for a projection of one part.
    private func product(
        _ x: [Float], _ projection: Projection, length: Int, columns: Int
    ) throws -> [Float] {
        let part = projection.parts[0]
        let matrix = try stored(part.tensor, shape: part.storedShape).widened()
        var y = [Float](repeating: 0, count: length * part.rows)
        BLAS.prepare()
        multiply(
            length, part.rows, columns, x, columns, .asStored, matrix, columns, .transposed,
            into: &y, part.rows)
        if let bias = projection.bias.first {
            let values = try vector(bias.tensor, count: bias.storedShape[0])
            for i in y.indices { y[i] += values[i % part.rows] }
        }
        return y
    }
}
