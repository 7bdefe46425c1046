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
    /// dModel x dEmbedding, where embeddings are of another width.
    public var embeddingProjection: Projection?
    /// What every layer's own embeddings are made of (Gemma 4).
    public var perLayerInput: PerLayerInputTensors?
    /// Each block's weights.
    public var layers: [LayerTensors]
    /// Tensors inside blocks that checkpoints hold and the family does not read.
    public var ignored: [String] = []
    /// What turns the last residual stream into logits; nil where the checkpoint has no such head.
    public var unembedding: UnembeddingTensors?
}

/// The weights of one block. A family names the places that it has.
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
    /// Of queries and keys.
    public var queryNorm: HeadNormTensors?
    public var keyNorm: HeadNormTensors?
    /// Of what the experts and their router read, and of the outputs of MLP and experts before they are
    /// added (Gemma 4); nil: the experts read what the MLP would.
    public var expertsNorm: NormTensors?
    public var routerNorm: NormTensors?
    public var expertsOutputNorm: NormTensors?
    public var denseOutputNorm: NormTensors?
    /// Of what a layer's own embedding adds to the residual stream.
    public var perLayerOutputNorm: NormTensors?

    /// [q rows, k rows, v rows] x dModel; q rows alone where the keys are another layer's.
    public var qkv: Projection
    /// dModel x (nHeads dValue).
    public var output: Projection
    /// [gate rows, up rows] x dModel, or up alone.
    public var up: Projection
    /// dModel x dMLP.
    public var down: Projection
    /// The other matrices.
    public var others: [MatrixRole: Projection] = [:]
    /// Up and down of each expert.
    public var experts: [ExpertTensors] = []

    /// [nHeads]: a logit for each head that takes part in the softmax of every row and has no value.
    public var sinks: String?
    /// [1]: multiplies the residual stream at the end of the block.
    public var outputScale: String?
    /// [experts]: added to scores for the choice, and what multiplies the weights.
    public var routerCorrection: String?
    public var expertScales: String?
    /// The vectors and filters of a delta net.
    public var deltaNet: DeltaNetTensors?
    /// The norms inside latent attention.
    public var latentQueryNorm: String?
    public var latentKeyValueNorm: String?

    init(
        inputNorm: NormTensors? = nil, afterAttentionNorm: NormTensors? = nil,
        feedForwardNorm: NormTensors? = nil, afterFeedForwardNorm: NormTensors? = nil,
        qkv: Projection = Projection(), output: Projection = Projection(),
        up: Projection = Projection(), down: Projection = Projection()
    ) {
        self.inputNorm = inputNorm
        self.afterAttentionNorm = afterAttentionNorm
        self.feedForwardNorm = feedForwardNorm
        self.afterFeedForwardNorm = afterFeedForwardNorm
        self.qkv = qkv
        self.output = output
        self.up = up
        self.down = down
    }

    /// The norms of vectors as wide as the residual stream.
    var residualNorms: [NormTensors] {
        [
            inputNorm, attentionOutputNorm, afterAttentionNorm, feedForwardNorm,
            feedForwardOutputNorm, afterFeedForwardNorm, expertsNorm, routerNorm, expertsOutputNorm,
            denseOutputNorm, perLayerOutputNorm,
        ].compactMap { $0 }
    }

    /// The matrix with this role; nil where the layer has none.
    func projection(_ role: MatrixRole) -> Projection? {
        switch role {
        case .qkv: qkv.orNil
        case .output: output.orNil
        case .up: up.orNil
        case .down: down.orNil
        default: others[role]
        }
    }

    /// All matrices but the experts'.
    var projections: [Projection] { MatrixRole.allCases.compactMap(projection) }

    /// Every vector outside the residual norms, with its shape.
    func vectors(_ d: ModelDescription, layer: Int) -> [(name: String, shape: [Int])] {
        let shape = d.shape(of: layer)
        var all: [(String, [Int])] = []
        for (norm, heads) in [(queryNorm, shape.nHeads), (keyNorm, shape.nKVHeads)] {
            guard let norm else { continue }
            let width = norm.scope == .allHeads ? heads * shape.dHead : shape.dHead
            all += (norm.weights + norm.biases).map { ($0, [width]) }
        }
        if let sinks { all.append((sinks, [d.nHeads])) }
        if let outputScale { all.append((outputScale, [1])) }
        if let experts = d.experts {
            all += [routerCorrection, expertScales].compactMap { $0 }.map { ($0, [experts.count]) }
        }
        if let latent = d.latent {
            if let name = latentQueryNorm { all.append((name, [latent.queryRank ?? 0])) }
            if let name = latentKeyValueNorm { all.append((name, [latent.keyValueRank])) }
        }
        if let net = d.deltaNet, let names = deltaNet {
            all.append((names.decay, [net.nValueHeads]))
            all.append((names.timeBias, [net.nValueHeads]))
            all.append((names.norm, [net.dValue]))
            all.append((names.convolution, [net.convolvedWidth, 1, net.kernel]))
        }
        return all
    }
}

/// What a layer's matrices are for; all are [out, in].
public enum MatrixRole: Int, CaseIterable, Sendable {
    case qkv, output, up, down
    /// Of the attention's input: what gates z.
    case outputGate
    /// Latent attention: to the vectors of low rank, and from them.
    case latentQuery, latentKeyValue, latentQueryUp, latentKeyValueUp
    /// Delta net: q, k and v; z; b and a of each value head.
    case deltaQKV, deltaZ, deltaBA
    /// Mixture of experts.
    case router, sharedUp, sharedDown, sharedGate
    /// A layer's own embeddings.
    case perLayerContext, perLayerGate, perLayerUp
}

/// One expert's matrices.
public struct ExpertTensors: Sendable, Equatable {
    public var up: Projection
    public var down: Projection
}

/// What a delta net has besides matrices.
public struct DeltaNetTensors: Sendable, Equatable {
    /// [value heads]: A_log and dt_bias.
    public var decay: String
    public var timeBias: String
    /// [dValue].
    public var norm: String
    /// [channels, 1, kernel].
    public var convolution: String
}

/// A norm's weight, nil for none, and its bias in layer norm.
public struct NormTensors: Sendable, Equatable {
    public var weight: String?
    public var bias: String?
    /// What is computed, where it is not the description's norm.
    public var kind: ModelDescription.Norm?

    /// The names of its tensors.
    var names: [String] { [weight, bias].compactMap { $0 } }
}

/// The norm of queries or keys.
public struct HeadNormTensors: Sendable, Equatable {
    /// One for all heads, one a head, or none.
    public var weights: [String]
    public var biases: [String] = []
    /// What is computed, where it is not the description's norm.
    public var kind: ModelDescription.Norm?
    public var scope = ModelDescription.QueryKeyNorm.perHead
}

/// A matrix stacked from parts by rows, [out, in], and its bias, empty when there is none.
public struct Projection: Sendable, Equatable {
    public var parts: [TensorPart] = []
    public var bias: [TensorPart] = []

    /// Nil without parts.
    var orNil: Projection? { parts.isEmpty ? nil : self }
    /// Output rows.
    var rows: Int { parts.reduce(0) { $0 + $1.rows } }
    /// The names of its tensors.
    var names: [String] { (parts + bias).map(\.tensor) }
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
    /// Index along the first dimension of a stored tensor that holds one matrix for each expert.
    public var expert: Int?

    /// Columns of the matrix.
    var columns: Int {
        if case .columns = layout { return storedShape[storedShape.count - 2] }
        return storedShape[storedShape.count - 1]
    }

    /// The ways in which checkpoints lay out rows.
    public enum Layout: Sendable, Equatable {
        /// Output row r is stored row from + r.
        case rows(from: Int)
        /// Stored as [in, out] (GPT-2's Conv1D): output row r is stored column from + r.
        case columns(from: Int)
        /// Rows come per head as q, k, v (GPT-NeoX): output row (head h, i) is stored row
        /// h * 3 dHead + part * dHead + i.
        case perHead(part: Int, dHead: Int)
        /// Rows come in groups of `group` rows, of which this part has `count` from `from` on.
        case grouped(from: Int, count: Int, group: Int)
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
        case .grouped(let from, let count, let group):
            return r / count * group + from + r % count
        case .interleavedHalves(let dHead):
            let (head, inside) = (r / dHead, r % dHead)
            let (half, i) = (inside / (dHead / 2), inside % (dHead / 2))
            return head * dHead + 2 * i + half
        }
    }
}

/// The embeddings that layers add of their own: [layers, dPerLayerInput] for each token.
public struct PerLayerInputTensors: Sendable, Equatable {
    /// [vocabulary, layers dPerLayerInput].
    public var embedding: String
    /// [dPerLayerInput].
    public var norm: String
}

/// The model's last norm and the projection to logits.
public struct UnembeddingTensors: Sendable, Equatable {
    /// Normalises the last residual stream.
    public var norm: NormTensors?
    /// To the width of the embeddings, where they are of another.
    public var narrowing: Projection?
    /// An extra dense layer with activation and norm before the projection (BERT's MLM head).
    public var transform: Projection?
    /// The norm after `transform`.
    public var transformNorm: NormTensors?
    /// [vocabulary, dModel].
    public var projection: Projection
}
