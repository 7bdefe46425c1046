// SPDX-License-Identifier: Apache-2.0
// Which features of the outputs of a layer's heads fire at a query, and what one head has of them, key by key.
//
// With a normalisation of the input held as it was, what an encoder reads of z is linear in it. z of a head is
// the sum of A[q,k] v over keys, and so the encoder's sum p falls into a part of each head and key, and a constant
// ("direct feature attribution", Kissane et al. 2024, Interpreting Attention Layer Outputs with Sparse Autoencoders).

import FeatureDictionaries

/// Features that fire in the outputs of a layer's heads at an edge's query.
public struct WrittenFeatures: Sendable, Equatable {
    /// A feature: `head`, `otherHeads` and `constant` add up to what its activation follows from.
    public struct Feature: Sendable, Equatable {
        public var feature: Int32
        public var activation: Float
        /// What the edge's head adds to the encoder's sum, over all keys.
        public var head: Double
        /// What it adds from the edge's key.
        public var key: Double
        /// What the layer's other heads add.
        public var otherHeads: Double
        /// What is added whatever the heads put out: the encoder's bias less what is taken off its input.
        public var constant: Double
        /// The keys from which the head adds most, strongest first.
        public var keys: [KeyShare]
    }

    /// What a head adds to a feature from one key.
    public struct KeyShare: Sendable, Equatable {
        public var key: Int
        public var score: Double
    }

    /// A[query, key] of the edge.
    public var attention: Float
    /// By what the head adds, strongest first.
    public var features: [Feature]

    /// What the head of `observation` has of each feature that fires at its query.
    ///
    /// - Parameters:
    ///   - observation: of an edge whose layer's heads were asked for.
    ///   - dictionary: of the outputs of the layer's heads.
    public init(
        at observation: EdgeObservation, _ dictionary: FeatureDictionary,
        limits: AttributionLimits = AttributionLimits()
    ) {
        attention = observation.attention
        let z = observation.layerOutput
        precondition(dictionary.dModel == z.count && !observation.visibleKeys.isEmpty)
        let codes = FeatureEncoder(dictionary).decompose(z)
        let dValue = observation.v.count
        let own = observation.edge.head.head * dValue..<(observation.edge.head.head + 1) * dValue
        let keyOutputs = Matrix(columns: dValue, observation.keyOutputs)
        let all = zip(codes.features, codes.activations).map { feature, activation in
            let (direction, constant) = dictionary.encoderReading(of: Int(feature), at: z)
            let sum = zip(direction, z).reduce(0.0) { $0 + $1.0 * Double($1.1) }
            let shares = (0..<keyOutputs.rows).map { dot(direction[own], keyOutputs[$0]) }
            let head = shares.reduce(0, +)
            let key = observation.edge.key - observation.visibleKeys.lowerBound
            return Feature(
                feature: feature, activation: activation, head: head,
                key: shares.indices.contains(key) ? shares[key] : 0, otherHeads: sum - head,
                constant: constant,
                keys: strongest(limits.interactions, of: shares.count) { shares[$0] }.map {
                    KeyShare(key: observation.visibleKeys.lowerBound + $0.index, score: $0.value)
                })
        }
        features = strongest(limits.marginals, of: all.count) { all[$0].head }.map { all[$0.index] }
    }
}
