// SPDX-License-Identifier: Apache-2.0
// What the vocabulary contributes to circuits from token to token: two products over all of its tokens.
//
// The circuits are vocabulary x vocabulary matrices, but of the rank of a head; their eigenvalues are those
// of a small matrix in which the vocabulary stands only as W_E^T W_E and W_E^T W_U.

import Checkpoints
import Tensors

/// Products of the embedding and the unembedding over the vocabulary, both with their mean over the vocabulary
/// taken off: a softmax does not see what is added to all logits, or to all scores of a query. (Embeddings share
/// a large mean, whose one eigenvalue would drown the others.) It is enough to take it off one side of a
/// product.
public struct VocabularyProducts: Sendable {
    /// W_E^T W_E, [dModel, dModel].
    public let embeddings: [Float]
    /// W_E^T W_U, [dModel, dModel]; nil for a model whose logits are no linear map of its last residual stream.
    public let embeddingsToLogits: [Float]?

    /// Computes both in two walks over the vocabulary.
    ///
    /// W_E holds tokens as they enter the residual stream, without positions; W_U has the gain of the final norm
    /// folded in.
    public init(_ model: Model, workers: Int) throws {
        BLAS.prepare()
        let d = model.description
        let width = d.dModel
        let embedding = try Embedding(model)
        let unembedding = try FoldedUnembedding(model)
        let mean = Self.mean(embedding, d.dVocab, width, workers)
        var gram = [Float](repeating: 0, count: width * width)
        var written = [Float](repeating: 0, count: unembedding == nil ? 0 : width * width)
        var e = [Float](repeating: 0, count: Self.rows * width)
        var u = [Float](repeating: 0, count: unembedding == nil ? 0 : Self.rows * width)
        for tokens in Self.chunks(d.dVocab) {
            e.withUnsafeMutableBufferPointer { e in
                guard let e = e.baseAddress else { return }
                Self.read(tokens, workers) { part, offset in
                    let rows = e + offset * width
                    embedding.read(part, into: rows)
                    for i in 0..<part.count * width { rows[i] -= mean[i % width] }
                }
                Self.accumulate(e, e, tokens.count, width, workers, into: &gram)
                guard let unembedding else { return }
                u.withUnsafeMutableBufferPointer { u in
                    guard let u = u.baseAddress else { return }
                    Self.read(tokens, workers) { part, offset in
                        unembedding.read(part, into: u + offset * width)
                    }
                    Self.accumulate(e, u, tokens.count, width, workers, into: &written)
                }
            }
        }
        embeddings = gram
        embeddingsToLogits = unembedding == nil ? nil : written
    }

    /// Tokens that are widened at a time.
    private static let rows = 1024

    private static func chunks(_ dVocab: Int) -> [Range<Int>] {
        stride(from: 0, to: dVocab, by: rows).map { $0..<min($0 + rows, dVocab) }
    }

    /// Calls `body` with parts of `tokens` and where they begin in it.
    private static func read(
        _ tokens: Range<Int>, _ workers: Int, _ body: (_ part: Range<Int>, _ offset: Int) -> Void
    ) {
        eachBlock(of: tokens.count, workers) { part in
            body(
                tokens.lowerBound + part.lowerBound..<tokens.lowerBound + part.upperBound,
                part.lowerBound)
        }
    }

    /// The mean embedding, [dModel].
    private static func mean(_ embedding: Embedding, _ dVocab: Int, _ width: Int, _ workers: Int)
        -> [Float]
    {
        var sums = [Double](repeating: 0, count: width)
        var e = [Float](repeating: 0, count: rows * width)
        for tokens in chunks(dVocab) {
            e.withUnsafeMutableBufferPointer { e in
                guard let e = e.baseAddress else { return }
                read(tokens, workers) { part, offset in
                    embedding.read(part, into: e + offset * width)
                }
                for i in 0..<tokens.count * width { sums[i % width] += Double(e[i]) }
            }
        }
        return sums.map { Float($0 / Double(dVocab)) }
    }

    /// sum += a^T b, of [count, width] each; a block of the sum's rows at a time, so that the order of the terms
    /// does not depend on the workers.
    private static func accumulate(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int, _ width: Int,
        _ workers: Int, into sum: inout [Float]
    ) {
        sum.withUnsafeMutableBufferPointer { buffer in
            guard let target = buffer.baseAddress else { return }
            eachBlock(of: width, workers) { part in
                multiply(
                    part.count, width, count, a + part.lowerBound, width, .transposed, b, width,
                    .asStored, into: target + part.lowerBound * width, width, beta: 1)
            }
        }
    }
}

/// Calls `body` for blocks of 0..<count, several at the same time.
private func eachBlock(of count: Int, _ workers: Int, _ body: (Range<Int>) -> Void) {
    let size = 64
    share((count + size - 1) / size, among: workers) { _, block in
        body(block * size..<min((block + 1) * size, count))
    }
}
