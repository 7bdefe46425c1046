// SPDX-License-Identifier: Apache-2.0
// The one description that every model family maps to, and that the one block implementation runs.

import Foundation

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

    /// Width of one head's v and z where it is not that of q and k.
    public var dValue: Int?

    /// Whether a query sees only keys up to its own position.
    public var isCausal = true
    /// Whether sequences longer than `nCtx` cannot run: positions have a table, or other frequencies.
    public var limitsPositions = false
    /// Multiplies the token embeddings.
    public var embeddingScale: Float = 1
    /// Width of the token embeddings where a projection leads from them to the residual stream.
    public var dEmbedding: Int?
    /// The row of the position embeddings that belongs to position 0.
    public var positionOffset = 0
    /// Root-mean-square norm without weights of the token embeddings; its epsilon.
    public var embeddingNormEpsilon: Float?
    /// The norm of every place that has one.
    public var norm: Norm
    /// The MLP's activation.
    public var activation: Activation
    /// Whether the MLP is activation(gate) * up instead of activation(up).
    public var isGated: Bool
    /// Whether the two have norms of their own where the residual is parallel.
    public var parallelNorms = false
    /// Whether norms follow what they normalise instead of preceding it.
    public var normsFollow = false
    /// Whether attention and MLP read the same block input and are added together.
    public var hasParallelResidual = false
    /// Whether what attention and MLP are added to is their normalised input.
    public var addsToNormedInput = false
    /// Multiplies what attention and MLP add to the residual stream.
    public var residualScale: Float = 1
    /// Normalisation of queries and keys.
    public var queryKeyNorm: QueryKeyNorm = .none
    /// Whether queries and keys are normalised after rotary instead of before.
    public var normalizesAfterRotary = false
    /// c: queries, keys and values are clipped to -c...c before rotary.
    public var qkvClip: Float?
    /// Values are divided by their root mean square; the norm's epsilon.
    public var valueNormEpsilon: Float?
    /// Whether layers with the second rotary embedding take their keys, before norm and rotary, as values.
    public var keysAreValues = false
    /// Added to the scores by head and key.
    public var keyBias: KeyBias?
    /// Whether z is multiplied by the sigmoid of a projection of the attention's input.
    public var gatesOutput = false
    /// Queries, keys and values through low-rank vectors (DeepSeek).
    public var latent: LatentAttention?
    /// The mixture of experts of the layers that have one.
    public var experts: Experts?
    /// The linear attention of the layers that have it instead of heads.
    public var deltaNet: DeltaNet?
    /// Width of the embedding that each layer adds of its own; nil without.
    public var dPerLayerInput: Int?
    /// Multiplies q·k.
    public var scoreScale: Float
    /// c in score = c tanh(score / c).
    public var scoreSoftCap: Float?
    /// c in logit = c tanh(logit / c).
    public var logitSoftCap: Float?
    /// Epsilon of the norms of what attention and MLP add, where it is another.
    public var postNormEpsilon: Float?
    /// Multiplies the logits.
    public var logitScale: Float = 1
    /// Whether the config says that the unembedding is the embedding; nil where it says nothing.
    public var tiesEmbeddings: Bool?
    /// What differs between layers; nLayers entries.
    public var layers: [LayerKind]
    /// The rotary embeddings that `layers` point into.
    public var rotaries: [Rotary] = []

    /// What differs between the layers of a model.
    public struct LayerKind: Sendable, Equatable {
        /// Key k is visible from query q only if q - window < k.
        public var window: Int?
        /// Index into `rotaries`, nil without rotary embedding.
        public var rotary: Int?
        /// Key k is visible from query q only if |q - k| <= halfWindow (models that are not causal).
        public var halfWindow: Int?
        /// Key k is visible from query q only if both lie in the same chunk of so many positions.
        public var chunk: Int?
        /// Whether the layer has attention heads; otherwise it has the description's `deltaNet`.
        public var hasAttention = true
        /// The layer's own width of a head, where it differs.
        public var dHead: Int?
        /// The layer's own number of key/value heads, where it differs.
        public var nKVHeads: Int?
        /// The layer whose keys and values this one reads instead of its own.
        public var keysFrom: Int?
        /// The layer's own width of the MLP, where it differs.
        public var dMLP: Int?
        /// Whether the layer has an MLP, beside or without experts.
        public var hasMLP = true
        /// Whether the layer has the description's mixture of experts.
        public var hasExperts = false
        /// What queries are multiplied by.
        public var queryScale = QueryScale()

        public init(window: Int? = nil, rotary: Int? = nil) {
            self.window = window
            self.rotary = rotary
        }
    }

    /// A factor of queries: factor (1 + rate ln(1 + floor((position + offset) / period))).
    public struct QueryScale: Sendable, Equatable {
        public var factor: Float = 1
        public var rate: Double = 0
        public var offset: Double = 0
        public var period: Double = 1

        public init() {}

        /// The factor at a position.
        public func callAsFunction(_ position: Int) -> Float {
            rate == 0
                ? factor
                : factor
                    * Float(
                        1 + rate * log(1 + ((Double(position) + offset) / period).rounded(.down)))
        }
    }

    /// Where a layer's q, k and v stand in a row of their projection: all q, all k, all v.
    public struct HeadShape: Sendable, Equatable {
        public let nHeads: Int
        public let nKVHeads: Int
        /// Width of q and k.
        public let dHead: Int
        /// Width of v and z.
        public let dValue: Int

        /// Key/value head that a query head reads.
        public func kvHead(of head: Int) -> Int { head / (nHeads / nKVHeads) }
        /// Where the keys of a key/value head begin in a row.
        public func keyOffset(_ kv: Int) -> Int { (nHeads + kv) * dHead }
        /// Where the values of a key/value head begin in a row.
        public func valueOffset(_ kv: Int) -> Int { (nHeads + nKVHeads) * dHead + kv * dValue }
        /// Width of a row of q, k and v.
        public var qkvWidth: Int { (nHeads + nKVHeads) * dHead + nKVHeads * dValue }
        /// Width of a row of z.
        public var zWidth: Int { nHeads * dValue }
    }

    /// The shape of a layer's heads.
    public func shape(of layer: Int) -> HeadShape {
        let kind = layers[layer]
        let dHead = kind.dHead ?? dHead
        return HeadShape(
            nHeads: nHeads, nKVHeads: kind.nKVHeads ?? nKVHeads, dHead: dHead,
            dValue: dValue ?? dHead)
    }

    /// The shapes that occur.
    public var headShapes: [HeadShape] { layers.indices.map(shape(of:)) }

    /// The widest q and k, and the widest v and z, of any layer.
    public var largestDHead: Int { headShapes.map { max($0.dHead, $0.dValue) }.max() ?? dHead }

    /// The layers that have attention heads.
    public var attentionLayers: [Int] { layers.indices.filter { layers[$0].hasAttention } }

    /// The normalisation of a vector x of width n.
    public enum Norm: Sendable, Equatable {
        /// (x - mean) / sqrt(var + epsilon) * (weight + offset) + bias; the offset is 1 in Nemotron.
        case layer(epsilon: Float, weightOffset: Float = 0)
        /// x / sqrt(mean(x^2) + epsilon) * (weight + offset); the offset is 1 in Gemma.
        case rootMeanSquare(epsilon: Float, weightOffset: Float = 0)
    }

    /// Over what queries and keys are normalised.
    public enum QueryKeyNorm: Sendable, Equatable {
        case none
        /// Over each head's own vector.
        case perHead
        /// Over all heads' vectors together.
        case allHeads
    }

    /// Width of a layer's MLP; 0 without one.
    public func dMLP(of layer: Int) -> Int {
        layers[layer].hasMLP ? layers[layer].dMLP ?? dMLP : 0
    }

    /// Rows of the MLP's first projection: gate and up, or up alone.
    func upWidth(of layer: Int) -> Int { isGated ? 2 * dMLP(of: layer) : dMLP(of: layer) }

    /// The floating-point operations one token costs in a layer's weight products.
    public func flopsPerToken(of layer: Int) -> Double {
        let shape = shape(of: layer)
        var columns = upWidth(of: layer) + dMLP(of: layer)
        if layers[layer].hasAttention { columns += shape.qkvWidth + shape.zWidth }
        if layers[layer].hasExperts, let experts {
            columns += experts.count + 3 * (experts.chosen * experts.dExpert + experts.dShared)
        }
        return 2 * Double(dModel) * Double(columns)
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
    /// max(x, 0).
    case relu
    /// max(x, 0)^2.
    case reluSquared
}
