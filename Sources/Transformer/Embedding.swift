// SPDX-License-Identifier: Apache-2.0
// From token ids to the residual stream before the first block.

import Checkpoints
import Tensors

/// The embedding tables, read row by row where they lie.
struct Embedding: Sendable {
    private let tokens: StoredTensor
    private let positions: StoredTensor?
    /// Row 0 of the token types; empty when there are none.
    private let tokenType: [Float]
    private let norm: NormWeights?
    private let scale: Float
    private let dModel: Int

    init(_ model: Model) throws {
        let d = model.description
        let names = model.tensors
        dModel = d.dModel
        scale = d.embeddingScale
        tokens = try model.stored(names.tokenEmbedding, shape: [d.dVocab, d.dModel])
        positions = try names.positionEmbedding.map { name throws in
            try model.stored(name, shape: [d.nCtx, d.dModel])
        }
        tokenType =
            try names.tokenTypeEmbedding.map { name throws in
                try Self.firstRow(name, model)
            } ?? []
        norm = try names.embeddingNorm.map { names throws in
            NormWeights(
                kind: d.norm, weight: try model.vector(names.weight, count: d.dModel),
                bias: try names.bias.map { name throws in
                    try model.vector(name, count: d.dModel)
                } ?? [])
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
        withUnsafeTemporaryAllocation(of: Float.self, capacity: dModel) { buffer in
            guard let position = buffer.baseAddress else { return }
            for (p, id) in ids.enumerated() {
                let row = x + p * dModel
                tokens.widen(row: Int(id), into: row)
                if scale != 1 { for i in 0..<dModel { row[i] *= scale } }
                if let positions {
                    positions.widen(row: p, into: position)
                    add(position, to: row, dModel)
                }
                if !tokenType.isEmpty { add(tokenType, to: row, dModel) }
            }
        }
        if let norm { _ = norm.normalize(ids.count, x, dModel, into: x, dModel) }
    }
}
