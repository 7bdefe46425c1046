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
    private let width: Int

    init(_ model: Model) throws(ModelError) {
        let d = model.description
        let names = model.tensors
        width = d.width
        scale = d.embeddingScale
        tokens = try model.stored(names.tokenEmbedding, shape: [d.vocabularySize, d.width])
        positions = try names.positionEmbedding.map { name throws(ModelError) in
            try model.stored(name, shape: [d.contextLength, d.width])
        }
        tokenType =
            try names.tokenTypeEmbedding.map { name throws(ModelError) in
                try Self.firstRow(name, model)
            } ?? []
        norm = try names.embeddingNorm.map { names throws(ModelError) in
            NormWeights(
                kind: d.norm, weight: try model.vector(names.weight, count: d.width),
                bias: try names.bias.map { name throws(ModelError) in
                    try model.vector(name, count: d.width)
                } ?? [])
        }
    }

    private static func firstRow(_ name: String, _ model: Model) throws(ModelError) -> [Float] {
        let width = model.description.width
        let stored = try model.typeEmbedding(name)
        var row = [Float](repeating: 0, count: width)
        row.withUnsafeMutableBufferPointer { row in
            if let row = row.baseAddress { stored.widen(row: 0, into: row) }
        }
        return row
    }

    /// Writes the embeddings of a sequence, [ids.count, width].
    func embed(_ ids: some Collection<Int32>, into x: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { buffer in
            guard let position = buffer.baseAddress else { return }
            for (p, id) in ids.enumerated() {
                let row = x + p * width
                tokens.widen(row: Int(id), into: row)
                if scale != 1 { for i in 0..<width { row[i] *= scale } }
                if let positions {
                    positions.widen(row: p, into: position)
                    add(position, to: row, width)
                }
                if !tokenType.isEmpty { add(tokenType, to: row, width) }
            }
        }
        if let norm { _ = norm.normalize(ids.count, x, width, into: x, width) }
    }
}
