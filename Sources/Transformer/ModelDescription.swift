// SPDX-License-Identifier: Apache-2.0
// The one description that every model family maps to, and that the one block implementation runs.

/// What a transformer computes, apart from its weights.
public struct ModelDescription: Sendable, Equatable {
    /// The family's name, `model_type` in a Hugging Face config.
    public var family: String
    /// Number of blocks.
    public var nLayers: Int
    /// Query heads in a layer.
    public var nHeads: Int
    /// Key/value heads in a layer; query head h reads key/value head h / (nHeads / nKVHeads).
    public var nKVHeads: Int
    /// Width of one head's q, k, v and z.
    public var dHead: Int
    /// Width of the residual stream (d_model).
    public var dModel: Int
    /// Width of the MLP's hidden layer.
    public var dMLP: Int
    /// Rows of the embedding.
    public var dVocab: Int
    /// The longest sequence the model was made for.
    public var nCtx: Int
    /// The beginning-of-sequence token that the config names.
    public var beginningOfSequence: Int32?

    /// Whether a query sees only keys up to its own position.
    public var isCausal = true
    /// Multiplies the token embeddings.
    public var embeddingScale: Float = 1
    /// The norm of every place that has one.
    public var norm: Norm
    /// The MLP's activation.
    public var activation: Activation
    /// Whether the MLP is activation(gate) * up instead of activation(up).
    public var isGated: Bool
    /// Whether attention and MLP read the same block input and are added together.
    public var hasParallelResidual = false
    /// Normalisation of queries and keys before rotary.
    public var queryKeyNorm: QueryKeyNorm = .none
    /// Multiplies q·k.
    public var scoreScale: Float
    /// c in score = c tanh(score / c).
    public var scoreSoftCap: Float?
    /// c in logit = c tanh(logit / c).
    public var logitSoftCap: Float?
    /// What differs between layers; nLayers entries.
    public var layers: [LayerKind]
    /// The rotary embeddings that `layers` point into.
    public var rotaries: [Rotary] = []

    /// How a layer's attention sees positions.
    public struct LayerKind: Sendable, Equatable {
        /// Key k is visible from query q only if q - window < k.
        public var window: Int?
        /// Index into `rotaries`, nil without rotary embedding.
        public var rotary: Int?
    }

    /// The normalisation of a vector x of width n.
    public enum Norm: Sendable, Equatable {
        /// (x - mean) / sqrt(var + epsilon) * weight + bias.
        case layer(epsilon: Float)
        /// x / sqrt(mean(x^2) + epsilon) * (weight + offset); the offset is 1 in Gemma.
        case rootMeanSquare(epsilon: Float, weightOffset: Float = 0)
    }

    /// Over what queries and keys are normalised (always by root mean square).
    public enum QueryKeyNorm: Sendable, Equatable {
        case none
        /// Over each head's own vector.
        case perHead
        /// Over all heads' vectors together.
        case allHeads
    }

    /// Key/value head that a query head reads.
    public func kvHead(of head: Int) -> Int { head / (nHeads / nKVHeads) }

    /// Rows of the stacked q, k, v projection: (nHeads + 2 nKVHeads) dHead.
    public var qkvWidth: Int { (nHeads + 2 * nKVHeads) * dHead }

    /// Rows of the MLP's first projection: gate and up, or up alone.
    public var upWidth: Int { isGated ? 2 * dMLP : dMLP }

    /// The floating-point operations one token costs in one layer's four weight products.
    public var flopsPerTokenPerLayer: Double {
        2 * Double(dModel) * Double(qkvWidth + nHeads * dHead + upWidth + dMLP)
    }
}

/// The MLP's elementwise function.
public enum Activation: String, Sendable, Equatable {
    /// x / (1 + e^-x).
    case silu
    /// x/2 (1 + erf(x / sqrt 2)).
    case gelu
    /// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    case geluTanh
}
