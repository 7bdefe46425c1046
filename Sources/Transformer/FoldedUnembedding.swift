// SPDX-License-Identifier: Apache-2.0
// From the residual stream to logits as one matrix, the final norm's scale left out.

import Checkpoints
import Tensors

/// The unembedding with the final norm's gain in it.
public struct FoldedUnembedding: TokenVectors {
    private let stored: StoredTensor
    /// The final norm; nil where there is none.
    let norm: NormWeights?
    /// From the residual stream to the embeddings' own width, [dEmbedding, dModel]; empty where they are the same.
    private let narrowing: [Float]
    /// The width of the residual stream.
    public let dModel: Int
    /// Tokens of the vocabulary.
    public let dVocab: Int
    private let dEmbedding: Int
    private let logitScale: Float

    /// Nil where there is none, or where something nonlinear stands before it (masked language models).
    public init?(_ model: Model) throws {
        let d = model.description
        guard let head = model.tensors.unembedding, head.transform == nil else { return nil }
        stored = try model.stored(head.projection.parts[0])
        norm = try head.norm.map { try model.norm($0) }
        narrowing = try head.narrowing.map { try model.stored($0.parts[0]).widened() } ?? []
        dModel = d.dModel
        dVocab = d.dVocab
        dEmbedding = d.dEmbedding ?? d.dModel
        logitScale = d.logitScale
    }

    /// What logits of a part of the residual stream x are multiplied by when the final norm's scale is held as it
    /// was for all of x, [dModel]; before any soft cap.
    public func scale(at x: [Float]) -> Double {
        guard let norm else { return Double(logitScale) }
        let values = x.map(Double.init)
        let count = Double(x.count)
        let mean = norm.isCentred ? values.reduce(0, +) / count : 0
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let epsilon =
            switch norm.kind {
            case .layer(let epsilon, _), .rootMeanSquare(let epsilon, _): Double(epsilon)
            }
        return Double(logitScale) / (square + epsilon).squareRoot()
    }

    /// Rows of W_U, [tokens.count, dModel].
    public func read(_ tokens: some Collection<Int>, into u: UnsafeMutablePointer<Float>) {
        var rows = [Float](repeating: 0, count: tokens.count * dEmbedding)
        for (i, token) in tokens.enumerated() {
            rows.withUnsafeMutableBufferPointer {
                guard let rows = $0.baseAddress else { return }
                stored.widen(row: token, into: rows + i * dEmbedding)
            }
        }
        if !narrowing.isEmpty {
            var wide = [Float](repeating: 0, count: tokens.count * dModel)
            multiply(
                tokens.count, dModel, dEmbedding, rows, dEmbedding, .asStored, narrowing, dModel,
                .asStored, into: &wide, dModel)
            rows = wide
        }
        if let norm { rows.fold(norm) }
        u.update(from: rows, count: rows.count)
    }
}

extension Model {
    /// W_O of a head, [dValue, dModel], with the gain of the norm of the attention's output folded in, where there
    /// is one.
    public func foldedOutputWeights(of head: HeadAddress) throws -> [Float] {
        var output = try outputWeights(of: head)
        if let names = tensors.layers[head.layer].attentionOutputNorm {
            output.foldWritten(try norm(names))
        }
        return output
    }
}
