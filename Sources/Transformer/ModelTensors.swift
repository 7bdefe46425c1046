// SPDX-License-Identifier: Apache-2.0
// Where each weight of the block stands in a checkpoint: names and layouts, without the numbers.

/// Everything the forward pass reads from a checkpoint.
public struct ModelTensors: Sendable, Equatable {
    /// [vocabulary, dModel].
    public var tokenEmbedding: String
    /// [context, dModel], for learned positions.
    public var positionEmbedding: String?
    /// [types, dModel]; row 0 is added to every token.
    public var tokenTypeEmbedding: String?
    /// Normalises the embeddings before the first block.
    public var embeddingNorm: NormTensors?
    /// Each block's weights.
    public var layers: [LayerTensors]
    /// What turns the last residual stream into logits; nil where the checkpoint has no such head.
    public var unembedding: UnembeddingTensors?
}

/// The weights of one block. Six places can hold a norm; a family names those it has.
public struct LayerTensors: Sendable, Equatable {
    /// Of the residual stream, before q, k and v.
    public var inputNorm: NormTensors?
    /// Of the attention's output, before it is added to the residual stream.
    public var attentionOutputNorm: NormTensors?
    /// Of the residual stream, after the attention's output was added (post-LN).
    public var afterAttentionNorm: NormTensors?
    /// Of the residual stream, before the MLP.
    public var feedForwardNorm: NormTensors?
    /// Of the MLP's output, before it is added to the residual stream.
    public var feedForwardOutputNorm: NormTensors?
    /// Of the residual stream, after the MLP's output was added (post-LN).
    public var afterFeedForwardNorm: NormTensors?
    /// Weights of the norms of queries and keys.
    public var queryNorm: String?
    /// Weights of the norm of keys.
    public var keyNorm: String?

    /// [q rows, k rows, v rows] x width.
    public var qkv: Projection
    /// width x (nHeads dHead).
    public var output: Projection
    /// [gate rows, up rows] x width, or up alone.
    public var up: Projection
    /// width x dMLP.
    public var down: Projection
}

/// A norm's weight, and its bias in layer norm.
public struct NormTensors: Sendable, Equatable {
    public var weight: String
    public var bias: String?
}

/// A matrix stacked from parts by rows, [out, in], and its bias, empty when there is none.
public struct Projection: Sendable, Equatable {
    public var parts: [TensorPart]
    public var bias: [TensorPart] = []
}

/// A run of output rows taken from one stored tensor.
public struct TensorPart: Sendable, Equatable {
    /// The stored tensor's name.
    public var tensor: String
    /// How many output rows it gives.
    public var rows: Int
    /// The whole stored tensor's shape (one number for a bias).
    public var storedShape: [Int]
    /// Which stored row gives which output row.
    public var layout: Layout = .rows(from: 0)

    /// The ways in which checkpoints lay out rows.
    public enum Layout: Sendable, Equatable {
        /// Output row r is stored row from + r.
        case rows(from: Int)
        /// Stored as [in, out] (GPT-2's Conv1D): output row r is stored column from + r.
        case columns(from: Int)
        /// Rows come per head as q, k, v (GPT-NeoX): output row (head h, i) is stored row
        /// h * 3 dHead + part * dHead + i.
        case perHead(part: Int, dHead: Int)
        /// The two halves of a rotary head are interleaved (llama.cpp's llama): output row
        /// (head h, half c, i) is stored row h * dHead + 2 i + c.
        case interleavedHalves(dHead: Int)
    }

    /// The stored row (or column) of output row r.
    func storedRow(of r: Int) -> Int {
        switch layout {
        case .rows(let from), .columns(let from):
            return from + r
        case .perHead(let part, let dHead):
            return (r / dHead) * 3 * dHead + part * dHead + r % dHead
        case .interleavedHalves(let dHead):
            let (head, inside) = (r / dHead, r % dHead)
            let (half, i) = (inside / (dHead / 2), inside % (dHead / 2))
            return head * dHead + 2 * i + half
        }
    }
}

/// The model's last norm and the projection to logits.
public struct UnembeddingTensors: Sendable, Equatable {
    /// Normalises the last residual stream.
    public var norm: NormTensors?
    /// An extra dense layer with activation and norm before the projection (BERT's MLM head).
    public var transform: Projection?
    /// The norm after `transform`.
    public var transformNorm: NormTensors?
    /// [vocabulary, dModel].
    public var projection: Projection
}
