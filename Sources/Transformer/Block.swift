// SPDX-License-Identifier: Apache-2.0
// One transformer block on one sequence: the only implementation, for every family.

import Tensors

/// Everything a block needs besides the residual stream it changes.
struct Block {
    let description: ModelDescription
    let weights: LayerWeights
    let rotary: RotaryTable?
    let workspace: Workspace

    /// Normalises into q, k and v: the part of a block that even the last studied layer needs.
    ///
    /// - Parameter x: [length, dModel], the residual stream.
    /// - Returns: the input of the projections, [length, dModel]; nil if a value was not finite.
    func project(_ x: UnsafeMutablePointer<Float>, length: Int) -> UnsafePointer<Float>? {
        let d = description
        var input = UnsafePointer(x)
        if let norm = weights.inputNorm {
            guard norm.normalize(length, x, d.dModel, into: workspace.normed, d.dModel) else {
                return nil
            }
            input = UnsafePointer(workspace.normed)
        }
        multiply(
            length, d.qkvWidth, d.dModel, input, d.dModel, .asStored, weights.qkv, d.dModel,
            .transposed, into: workspace.qkv, d.qkvWidth)
        addBias(weights.qkvBias, to: workspace.qkv, rows: length)
        guard normalizeQueriesAndKeys(length) else { return nil }
        if let rotary {
            for position in 0..<length {
                // Keys follow the queries in the row, so one call turns both.
                rotary.rotate(
                    workspace.qkv + position * d.qkvWidth, heads: d.nHeads + d.nKVHeads,
                    dHead: d.dHead, position: position)
            }
        }
        return input
    }

    private func normalizeQueriesAndKeys(_ length: Int) -> Bool {
        guard let queryNorm = weights.queryNorm, let keyNorm = weights.keyNorm else { return true }
        let d = description
        var isFinite = true
        func normalize(_ norm: NormWeights, from offset: Int, vectors: Int) {
            for i in 0..<vectors {
                let start = workspace.qkv + offset + i * norm.weight.count
                isFinite =
                    norm.normalize(length, start, d.qkvWidth, into: start, d.qkvWidth) && isFinite
            }
        }
        let perHead = d.queryKeyNorm == .perHead
        normalize(queryNorm, from: 0, vectors: perHead ? d.nHeads : 1)
        normalize(keyNorm, from: d.nHeads * d.dHead, vectors: perHead ? d.nKVHeads : 1)
        return isFinite
    }

    /// Adds attention's output (from z) and the MLP to the residual stream.
    ///
    /// - Parameter x: [length, dModel].
    /// - Returns: whether every value was finite.
    func finish(_ x: UnsafeMutablePointer<Float>, length: Int) -> Bool {
        let d = description
        var isFinite = true
        // A parallel MLP reads the residual stream as it was before attention is added.
        if d.hasParallelResidual {
            isFinite = normalize(weights.feedForwardNorm, x, length, into: workspace.normed)
        }
        addProjection(
            workspace.z, d.nHeads * d.dHead, weights.output, stride: d.nHeads * d.dHead,
            bias: weights.outputBias, norm: weights.attentionOutputNorm, to: x, length: length,
            &isFinite)
        isFinite = normalize(weights.afterAttentionNorm, x, length, into: x) && isFinite
        var input = UnsafePointer(x)
        if weights.feedForwardNorm != nil {
            if !d.hasParallelResidual {
                isFinite =
                    normalize(weights.feedForwardNorm, x, length, into: workspace.normed)
                    && isFinite
            }
            input = UnsafePointer(workspace.normed)
        }
        multiply(
            length, d.upWidth, d.dModel, input, d.dModel, .asStored, weights.up, d.dModel,
            .transposed, into: workspace.hidden, d.upWidth)
        addBias(weights.upBias, to: workspace.hidden, rows: length)
        d.activation.apply(
            workspace.hidden, rows: length, hidden: d.dMLP, stride: d.upWidth,
            isGated: d.isGated)
        addProjection(
            workspace.hidden, d.dMLP, weights.down, stride: d.upWidth,
            bias: weights.downBias, norm: weights.feedForwardOutputNorm, to: x, length: length,
            &isFinite)
        return normalize(weights.afterFeedForwardNorm, x, length, into: x) && isFinite
    }

    /// x += norm(input W^T + bias); without a norm the product adds to x directly.
    private func addProjection(
        _ input: UnsafePointer<Float>, _ inputWidth: Int, _ matrix: UnsafePointer<Float>,
        stride: Int, bias: [Float], norm: NormWeights?, to x: UnsafeMutablePointer<Float>,
        length: Int, _ isFinite: inout Bool
    ) {
        let dModel = description.dModel
        guard let norm else {
            multiply(
                length, dModel, inputWidth, input, stride, .asStored, matrix, inputWidth,
                .transposed, into: x, dModel, beta: 1)
            addBias(bias, to: x, rows: length)
            return
        }
        multiply(
            length, dModel, inputWidth, input, stride, .asStored, matrix, inputWidth,
            .transposed, into: workspace.projected, dModel)
        addBias(bias, to: workspace.projected, rows: length)
        isFinite =
            norm.normalize(length, workspace.projected, dModel, into: workspace.projected, dModel)
            && isFinite
        add(workspace.projected, to: x, length * dModel)
    }

    /// Normalises rows of the residual stream's width if there is a norm.
    private func normalize(
        _ norm: NormWeights?, _ x: UnsafePointer<Float>, _ length: Int,
        into y: UnsafeMutablePointer<Float>
    ) -> Bool {
        guard let norm else { return true }
        return norm.normalize(length, x, description.dModel, into: y, description.dModel)
    }

    /// Adds a bias, if there is one, to contiguous rows of its width.
    private func addBias(_ bias: [Float], to x: UnsafeMutablePointer<Float>, rows: Int) {
        let dModel = bias.count
        bias.withUnsafeBufferPointer { bias in
            guard let bias = bias.baseAddress else { return }
            for row in 0..<rows { add(bias, to: x + row * dModel, dModel) }
        }
    }
}
