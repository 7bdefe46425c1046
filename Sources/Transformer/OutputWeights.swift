// SPDX-License-Identifier: Apache-2.0
// A head's own share of the output projection.

extension Model {
    /// The same with rows of zeros up to the widest head of the model, so that all heads' are of one shape.
    public func paddedOutputWeights(of head: HeadAddress) throws -> [Float] {
        let d = description
        let rows = d.largestDHead - d.shape(of: head.layer).dValue
        return try outputWeights(of: head) + repeatElement(0, count: rows * d.dModel)
    }

    /// W_O of one query head: what maps its z to its contribution to the residual stream.
    ///
    /// - Returns: [dValue, dModel], row-major.
    public func outputWeights(of head: HeadAddress) throws -> [Float] {
        let d = description
        let part = tensors.layers[head.layer].output.parts[0]
        let stored = try stored(part.tensor, shape: part.storedShape)
        let dValue = d.shape(of: head.layer).dValue
        let columns = head.head * dValue..<(head.head + 1) * dValue
        return [Float](unsafeUninitializedCapacity: dValue * d.dModel) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            switch part.layout {
            case .columns:
                // Stored as [in, out]: the head's rows are W_O as it is wanted.
                stored.widen(rows: columns, into: base)
            default:
                stored.widenTransposed(columns: columns, into: base)
            }
            if d.residualScale != 1 {
                for i in 0..<dValue * d.dModel { base[i] *= d.residualScale }
            }
            count = dValue * d.dModel
        }
    }

    /// What the output projection of a layer's attention adds by itself, [dModel]; empty when nothing.
    public func outputBias(ofLayer layer: Int) throws -> [Float] {
        let bias = try bias(tensors.layers[layer].output)
        let scale = description.residualScale
        return scale == 1 ? bias : bias.map { $0 * scale }
    }

    /// The norm of what a layer's attention adds to the residual stream; nil where it is added as it is.
    public func attentionOutputNorm(ofLayer layer: Int) throws -> NormWeights? {
        try tensors.layers[layer].attentionOutputNorm.map { try norm($0) }
    }
}
