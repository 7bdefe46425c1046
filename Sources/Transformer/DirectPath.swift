// SPDX-License-Identifier: Apache-2.0
// From what a head adds to the residual stream straight to logits, past all later layers.

import Tensors
import UserErrors

/// Direct logit attribution (Elhage et al. 2021; Wang et al. 2022): what is added to the residual stream reaches the
/// logits by the residual stream alone as well, where it is a linear map once the final norm's scale is held.
///
/// With y added at a position, the logit of token t gains y · U[t] / s there: U has the final norm's gain in it (and its
/// centring) and its mean over the vocabulary taken off, as a softmax does not see what all logits gain; s is the
/// scale by which the final norm divided at that position.
public struct DirectPath: Sendable {
    private let unembedding: FoldedUnembedding
    /// [dModel]: the mean of the unembedding's rows.
    private let mean: [Float]
    private let logitScale: Float

    /// - Throws: `UserError` for a model in which what a head adds does not reach the end as it is.
    public init(_ model: Model) throws {
        let d = model.description
        let unembedding = try FoldedUnembedding(model)
        let layers = model.tensors.layers
        let reason: String? =
            if unembedding == nil {
                "its logits are no linear map of the residual stream"
            } else if model.normalizesAttentionOutput {
                "what its heads write is normalised as a whole"
            } else if layers.contains(where: {
                $0.afterAttentionNorm != nil || $0.afterFeedForwardNorm != nil
            }) || d.addsToNormedInput {
                "its residual stream is normalised between layers"
            } else if layers.contains(where: { $0.outputScale != nil }) {
                "its layers scale the residual stream"
            } else if d.gatesOutput {
                "what its heads write is gated"
            } else {
                nil
            }
        guard let unembedding, reason == nil else {
            throw UserError(
                "\(model.url.path): has no direct path from heads to logits, as \(reason ?? ""); set LENS=0."
            )
        }
        self.unembedding = unembedding
        logitScale = d.logitScale
        mean = Self.mean(unembedding)
    }

    private static func mean(_ unembedding: FoldedUnembedding) -> [Float] {
        let (width, rows) = (unembedding.dModel, 1024)
        var sums = [Double](repeating: 0, count: width)
        var u = [Float](repeating: 0, count: rows * width)
        for first in stride(from: 0, to: unembedding.dVocab, by: rows) {
            let tokens = first..<min(first + rows, unembedding.dVocab)
            u.withUnsafeMutableBufferPointer { u in
                guard let u = u.baseAddress else { return }
                unembedding.read(tokens, into: u)
                for row in 0..<tokens.count {
                    for i in 0..<width { sums[i] += Double(u[row * width + i]) }
                }
            }
        }
        return sums.map { Float($0 / Double(unembedding.dVocab)) }
    }

    /// U of each token, [tokens.count, dModel].
    public func directions(of tokens: some Collection<Int32>) -> [Float] {
        let width = unembedding.dModel
        return [Float](unsafeUninitializedCapacity: tokens.count * width) { buffer, count in
            count = tokens.count * width
            guard let u = buffer.baseAddress else { return }
            unembedding.read(tokens.map(Int.init), into: u)
            for i in 0..<count { u[i] -= mean[i % width] }
        }
    }

    /// For each position, what y · U is multiplied by: 1 / s, and the model's own factor of logits.
    ///
    /// - Parameter residual: [length, dModel], the residual stream after the last layer.
    public func scales(_ residual: [Float], length: Int) -> [Float] {
        let width = unembedding.dModel
        return residual.withUnsafeBufferPointer { residual in
            (0..<length).map { position in
                guard let norm = unembedding.norm, let x = residual.baseAddress else {
                    return logitScale
                }
                return logitScale * norm.moments(x + position * width, width).scale
            }
        }
    }
}
