// SPDX-License-Identifier: Apache-2.0
// Embeddings that each layer adds of its own (Gemma 3n, Gemma 4): one of the token, one of the first
// residual stream. Reference: transformers, models/gemma4/modeling_gemma4.py.

import Checkpoints
import Tensors

/// What layers read to make their own embeddings.
struct PerLayerInput {
    private let tokens: StoredTensor
    /// The embedding that the first block reads.
    let embedding: Embedding
    let norm: NormWeights
    let width: Int

    /// Nil for a model without such embeddings.
    init?(_ model: Model, _ embedding: Embedding) throws {
        let d = model.description
        guard let names = model.tensors.perLayerInput, let width = d.dPerLayerInput else {
            return nil
        }
        self.embedding = embedding
        self.width = width
        tokens = try model.stored(names.embedding, shape: [d.dVocab, d.nLayers * width])
        norm = NormWeights(kind: d.norm, weight: try model.finite(names.norm, shape: [width]))
    }

    /// A token's embedding for a layer, [width].
    func embed(_ token: Int32, layer: Int, into row: UnsafeMutablePointer<Float>) {
        tokens.widen(row: Int(token), columns: layer * width..<(layer + 1) * width, into: row)
    }
}

extension Block {
    /// x += norm(W (activation(G x) * e)) with e = (norm(P x_0 / sqrt(dModel)) + token sqrt(width)) / sqrt 2, where
    /// x_0 is what the first block read.
    ///
    /// - Returns: whether every value was finite.
    func add(
        _ input: PerLayerInput, of tokens: ArraySlice<Int32>, to x: UnsafeMutablePointer<Float>
    ) -> Bool {
        let (dModel, width, length) = (description.dModel, input.width, tokens.count)
        let (context, gate) = (workspace.scratch, workspace.scratch + length * width)
        let token = gate + length * width
        input.embedding.embed(tokens, into: workspace.projected)
        product(
            workspace.projected, dModel, .perLayerContext, rows: width, into: context,
            length: length)
        let scale = 1 / Float(dModel).squareRoot()
        for i in 0..<length * width { context[i] *= scale }
        var isFinite = input.norm.normalize(length, context, width, into: context, width)
        product(x, dModel, .perLayerGate, rows: width, into: gate, length: length)
        description.activation.apply(
            gate, rows: length, hidden: width, stride: width, isGated: false)
        let root = Float(width).squareRoot()
        for (position, id) in tokens.enumerated() {
            input.embed(id, layer: layer, into: token)
            let row = position * width
            for i in 0..<width {
                gate[row + i] *= (context[row + i] + token[i] * root) * Float(0.5).squareRoot()
            }
        }
        product(gate, width, .perLayerUp, rows: dModel, into: workspace.projected, length: length)
        isFinite =
            normalize(
                weights.perLayerOutputNorm, workspace.projected, length, into: workspace.projected)
            && isFinite
        Tensors.add(workspace.projected, to: x, length * dModel)
        return isFinite
    }
}
