// SPDX-License-Identifier: Apache-2.0
// One head's share of its layer's attention, for what takes scores and outputs apart.

import UserErrors

/// The weights of one head, widened: from the residual stream to q, k and v, and from z back.
public struct HeadWeights: Sendable {
    /// How q, k or v is read off the normalised residual stream: x W^T + b.
    public struct Projection: Sendable {
        /// W, [dHead, dModel].
        public let matrix: [Float]
        /// b, [dHead]; empty when there is none.
        public let bias: [Float]
        /// Multiplies the normalised vector, [dHead]; empty without a norm. What the norm adds is `normBias`.
        public let norm: [Float]
        public let normBias: [Float]
        /// Whether the norm takes the mean off, as layer norm does.
        public let normIsCentred: Bool
    }

    /// The norm of what the whole layer's attention adds to the residual stream.
    public struct OutputNorm: Sendable {
        public let norm: NormWeights
        /// W_O of all heads, [nHeads dHead, dModel].
        public let output: [Float]
        /// Added to z W_O; empty when there is none.
        public let bias: [Float]
    }

    /// The head.
    public let address: HeadAddress
    /// Of the residual stream, before the projections; nil where there is none.
    public let inputNorm: NormWeights?
    public let query: Projection
    public let key: Projection
    public let value: Projection
    /// W_O: z W_O is what the head adds to the residual stream, [dHead, dModel].
    public let output: [Float]
    /// Nil where the sum of the heads is added as it is.
    public let outputNorm: OutputNorm?

    /// Reads and widens the weights of `address`.
    public init(_ address: HeadAddress, of model: Model) throws {
        precondition(address.layer < model.description.nLayers)
        try model.refuseToTakeApart(layer: address.layer)
        let layer = LayerWeights(model)
        try layer.load(address.layer, attentionOnly: true, workers: 1, checked: true)
        self = try Self(address, of: model, in: layer, outputNorm: Self.outputNorm(model, layer))
    }

    /// Reads and widens the weights of all heads of a layer, each tensor once.
    ///
    /// - Throws: `UserError` for a layer whose heads cannot be taken apart.
    public static func all(ofLayer index: Int, of model: Model, workers: Int) throws
        -> [HeadWeights]
    {
        try model.refuseToTakeApart(layer: index)
        let layer = LayerWeights(model)
        try layer.load(index, attentionOnly: true, workers: workers, checked: true)
        let norm = try outputNorm(model, layer)
        return try (0..<model.description.shape(of: index).nHeads).map {
            try HeadWeights(
                HeadAddress(layer: index, head: $0), of: model, in: layer, outputNorm: norm)
        }
    }

    private init(
        _ address: HeadAddress, of model: Model, in layer: LayerWeights, outputNorm: OutputNorm?
    ) throws {
        let d = model.description
        let shape = d.shape(of: address.layer)
        precondition(address.head < shape.nHeads)
        self.address = address
        let keyValue = shape.kvHead(of: address.head)
        // Where the stream itself becomes its norm, heads read it as it is.
        inputNorm = d.addsToNormedInput ? nil : layer.inputNorm
        query = Self.projection(
            layer, d, from: address.head * shape.dHead, count: shape.dHead, norm: layer.queryNorm,
            head: address.head)
        key = Self.projection(
            layer, d, from: shape.keyOffset(keyValue), count: shape.dHead, norm: layer.keyNorm,
            head: keyValue)
        value = Self.projection(
            layer, d, from: shape.valueOffset(keyValue), count: shape.dValue, norm: nil,
            head: keyValue)
        output = try model.outputWeights(of: address)
        self.outputNorm = outputNorm
    }

    private static func outputNorm(_ model: Model, _ layer: LayerWeights) throws -> OutputNorm? {
        let names = model.tensors.layers[layer.layer]
        guard let norm = try layer.norm(names.attentionOutputNorm) else { return nil }
        var whole: [Float] = []
        for head in 0..<model.description.shape(of: layer.layer).nHeads {
            whole += try model.outputWeights(of: HeadAddress(layer: layer.layer, head: head))
        }
        return OutputNorm(norm: norm, output: whole, bias: try layer.bias(names.output))
    }

    /// - Parameters:
    ///   - from: the first of the `count` rows of the layer's q, k and v.
    ///   - head: which of the vectors of its kind, for its norm.
    private static func projection(
        _ layer: LayerWeights, _ d: ModelDescription, from: Int, count: Int,
        norm: HeadNormWeights?, head: Int
    ) -> Projection {
        let own = norm.map { $0.coversAllHeads ? $0.norms[0] : $0.norm(of: head) }
        func part(_ values: [Float]) -> [Float] {
            values.count > count ? Array(values[head * count..<(head + 1) * count]) : values
        }
        var isCentred = false
        if case .layer = own?.kind { isCentred = true }
        return withExtendedLifetime(layer) {
            Projection(
                matrix: Array(
                    UnsafeBufferPointer(
                        start: layer.qkv + from * d.dModel, count: count * d.dModel)),
                bias: layer.qkvBias.isEmpty ? [] : Array(layer.qkvBias[from..<from + count]),
                norm: part(own?.weight ?? []), normBias: part(own?.bias ?? []),
                normIsCentred: isCentred)
        }
    }
}

extension Model {
    /// Whether what a head adds to the residual stream depends on its whole layer's output.
    public var normalizesAttentionOutput: Bool {
        tensors.layers.contains { $0.attentionOutputNorm != nil }
    }
}

extension Model {
    /// Refuses, by a `UserError`, layers whose scores are no bilinear form of two residual streams once norms are held.
    public func refuseToTakeApart(layer: Int) throws {
        let d = description
        let kind = d.layers[layer]
        let reason: String? =
            if !kind.hasAttention {
                "it has no attention heads"
            } else if d.latent != nil {
                "its queries and keys come out of low-rank vectors with norms of their own"
            } else if d.qkvClip != nil {
                "its queries, keys and values are clipped"
            } else if let source = kind.keysFrom {
                "its keys and values are those of layer \(source)"
            } else if d.valueNormEpsilon != nil {
                "its values are normalised"
            } else {
                nil
            }
        guard let reason else { return }
        throw UserError(
            "\(url.path): the heads of layer \(layer) cannot be taken apart, as \(reason); choose another layer or model."
        )
    }
}
