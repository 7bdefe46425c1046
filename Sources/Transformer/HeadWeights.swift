// SPDX-License-Identifier: Apache-2.0
// One head's share of its layer's attention, for what takes scores and outputs apart.

/// The weights of one head, widened: from the residual stream to q, k and v, and from z back.
public struct HeadWeights: Sendable {
    /// How q, k or v is read off the normalised residual stream: x W^T + b.
    public struct Projection: Sendable {
        /// W, [dHead, dModel].
        public let matrix: [Float]
        /// b, [dHead]; empty when there is none.
        public let bias: [Float]
        /// Multiplies the root-mean-square normalised vector, [dHead]; empty without such a norm.
        public let norm: [Float]
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
        let d = model.description
        precondition(address.layer < d.nLayers && address.head < d.nHeads)
        self.address = address
        let layer = LayerWeights(model)
        try layer.load(address.layer, attentionOnly: true, workers: 1, checked: true)
        let keyValue = d.kvHead(of: address.head)
        inputNorm = layer.inputNorm
        query = Self.projection(
            layer, d, vector: address.head, norm: layer.queryNorm, head: address.head)
        key = Self.projection(
            layer, d, vector: d.nHeads + keyValue, norm: layer.keyNorm, head: keyValue)
        value = Self.projection(
            layer, d, vector: d.nHeads + d.nKVHeads + keyValue, norm: nil, head: keyValue)
        output = try model.outputWeights(of: address)
        let names = model.tensors.layers[address.layer]
        guard let norm = try layer.norm(names.attentionOutputNorm) else {
            outputNorm = nil
            return
        }
        var whole: [Float] = []
        for head in 0..<d.nHeads {
            whole += try model.outputWeights(of: HeadAddress(layer: address.layer, head: head))
        }
        outputNorm = OutputNorm(norm: norm, output: whole, bias: try layer.bias(names.output))
    }

    /// - Parameters:
    ///   - vector: which of the layer's q, k and v vectors, counted through.
    ///   - head: which of the vectors of its kind, for a norm over all of them.
    private static func projection(
        _ layer: LayerWeights, _ d: ModelDescription, vector: Int, norm: NormWeights?, head: Int
    ) -> Projection {
        let rows = vector * d.dHead..<(vector + 1) * d.dHead
        let slice = head * d.dHead..<(head + 1) * d.dHead
        let weight = norm?.weight ?? []
        return withExtendedLifetime(layer) {
            Projection(
                matrix: Array(
                    UnsafeBufferPointer(
                        start: layer.qkv + rows.lowerBound * d.dModel,
                        count: d.dHead * d.dModel)),
                bias: layer.qkvBias.isEmpty ? [] : Array(layer.qkvBias[rows]),
                norm: weight.count > d.dHead ? Array(weight[slice]) : weight)
        }
    }
}

extension Model {
    /// Whether what a head adds to the residual stream depends on its whole layer's output.
    public var normalizesAttentionOutput: Bool {
        tensors.layers.contains { $0.attentionOutputNorm != nil }
    }
}
