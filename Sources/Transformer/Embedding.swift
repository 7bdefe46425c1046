// SPDX-License-Identifier: Apache-2.0
// From token ids to the residual stream before the first block.

import Checkpoints
import Tensors

/// The vectors of a vocabulary's tokens in the residual stream's width.
public protocol TokenVectors: Sendable {
    /// The width of the residual stream.
    var dModel: Int { get }
    /// Tokens of the vocabulary.
    var dVocab: Int { get }
    /// Writes the vectors of consecutive tokens, [tokens.count, dModel].
    func read(_ tokens: Range<Int>, into rows: UnsafeMutablePointer<Float>)
}

/// The embedding tables, read row by row where they lie.
public struct Embedding: TokenVectors {
    private let tokens: StoredTensor
    private let positions: StoredTensor?
    /// Row 0 of the token types; empty when there are none.
    private let tokenType: [Float]
    private let norm: NormWeights?
    private let scale: Float
    public let dModel: Int
    public let dVocab: Int
    /// The embeddings' own width, and what leads from it to the residual stream; empty where it is the same.
    private let dEmbedding: Int
    private let projection: [Float]
    private let positionOffset: Int

    /// The embedding of a model.
    public init(_ model: Model) throws {
        let d = model.description
        let names = model.tensors
        dModel = d.dModel
        dVocab = d.dVocab
        scale = d.embeddingScale
        dEmbedding = d.dEmbedding ?? d.dModel
        positionOffset = d.positionOffset
        tokens = try model.stored(names.tokenEmbedding, shape: [d.dVocab, dEmbedding])
        positions = try names.positionEmbedding.map { name throws in
            try model.stored(name, shape: [d.nCtx + d.positionOffset, d.dModel])
        }
        projection =
            try names.embeddingProjection.map { names throws in
                try model.stored(names.parts[0]).widened()
            } ?? []
        tokenType =
            try names.tokenTypeEmbedding.map { name throws in
                try Self.firstRow(name, model)
            } ?? []
        if let epsilon = d.embeddingNormEpsilon {
            norm = try model.norm(NormTensors(kind: .rootMeanSquare(epsilon: epsilon)))
        } else {
            norm = try names.embeddingNorm.map { try model.norm($0) }
        }
    }

    private static func firstRow(_ name: String, _ model: Model) throws -> [Float] {
        let dModel = model.description.dModel
        let stored = try model.typeEmbedding(name)
        var row = [Float](repeating: 0, count: dModel)
        row.withUnsafeMutableBufferPointer { row in
            if let row = row.baseAddress { stored.widen(row: 0, into: row) }
        }
        return row
    }

    /// Writes the embeddings of a sequence, [ids.count, dModel].
    func embed(_ ids: some Collection<Int32>, into x: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(dModel, dEmbedding)) { buffer in
            guard let position = buffer.baseAddress else { return }
            for (p, id) in ids.enumerated() {
                let row = x + p * dModel
                embed(token: Int(id), into: row, scratch: position)
                if let positions {
                    positions.widen(row: p + positionOffset, into: position)
                    add(position, to: row, dModel)
                }
                if !tokenType.isEmpty { add(tokenType, to: row, dModel) }
            }
        }
        if let norm { _ = norm.normalize(ids.count, x, dModel, into: x, dModel) }
    }

    /// What a token brings into the residual stream by itself, [dModel], before positions and norm.
    private func embed(
        token: Int, into row: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        if projection.isEmpty {
            tokens.widen(row: token, into: row)
        } else {
            tokens.widen(row: token, into: scratch)
            multiply(
                1, dModel, dEmbedding, scratch, dEmbedding, .asStored, projection, dEmbedding,
                .transposed, into: row, dModel)
        }
        if scale != 1 { for i in 0..<dModel { row[i] *= scale } }
    }

    /// The embeddings of a range of the vocabulary without positions, [tokens.count, dModel]; normalised where
    /// the model normalises its embeddings.
    public func read(_ tokens: Range<Int>, into x: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: dEmbedding) { scratch in
            guard let scratch = scratch.baseAddress else { return }
            for (i, token) in tokens.enumerated() {
                embed(token: token, into: x + i * dModel, scratch: scratch)
            }
        }
        if let norm { _ = norm.normalize(tokens.count, x, dModel, into: x, dModel) }
    }
}
