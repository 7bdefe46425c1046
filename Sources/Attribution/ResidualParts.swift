// SPDX-License-Identifier: Apache-2.0
// A residual stream as the sum of what a dictionary finds in it.

import FeatureDictionaries

/// What a term of an attribution belongs to, on one side.
public enum PartKind: String, Sendable, CaseIterable {
    /// Features of the dictionary.
    case features
    /// What the dictionary decodes without any feature.
    case bias
    /// What the dictionary leaves unexplained.
    case error
    /// What the head adds itself, whatever the residual stream.
    case headBias = "head bias"
}

/// The residual stream at one position, taken apart: the rows of `vectors` add up to it.
public struct ResidualParts: Sendable {
    /// The features that fire, one a row.
    public let features: [Int32]
    /// Parallel to `features`.
    public let activations: [Float]
    /// [features.count + 2, dModel]: features, bias, error.
    let vectors: Matrix

    /// What the dictionary of `encoder` finds in x, [dModel].
    public init(_ x: [Float], _ encoder: FeatureEncoder) {
        let parts = encoder.decompose(x)
        features = parts.features
        activations = parts.activations
        var vectors: [Double] = []
        vectors.reserveCapacity((features.count + 2) * x.count)
        for (feature, activation) in zip(features, activations) {
            let factor = Double(activation) * Double(parts.scale)
            vectors += encoder.dictionary.direction(of: Int(feature)).lazy.map {
                factor * Double($0)
            }
        }
        vectors += parts.bias.lazy.map(Double.init)
        vectors += parts.error.lazy.map(Double.init)
        self.vectors = Matrix(columns: x.count, vectors)
    }

    /// The kind of each row, and of one more row that a head may add.
    func kind(ofRow row: Int) -> PartKind {
        switch row - features.count {
        case ..<0: .features
        case 0: .bias
        case 1: .error
        default: .headBias
        }
    }
}

extension FeatureDictionary {
    /// d_f, [dModel].
    func direction(of feature: Int) -> ArraySlice<Float> {
        decoder[feature * dModel..<(feature + 1) * dModel]
    }
}
