// SPDX-License-Identifier: Apache-2.0
// QK and OV attribution of one edge with one dictionary.

import FeatureDictionaries
import Tensors

/// The two ways an edge is taken apart.
public enum AttributionKind: String, Sendable, CaseIterable {
    /// Its score: which features make the query look at the key.
    case qk
    /// What it moves: which features at the key write into which at the query.
    case ov
}

/// Takes one edge apart into pairs of features of the dictionary of its layer.
public struct EdgeAttributor {
    private let circuit: HeadCircuit
    private let dictionary: FeatureDictionary
    private let limits: AttributionLimits
    private let query: ResidualParts
    private let key: ResidualParts

    /// - Parameters:
    ///   - circuit: the head as it was at `observation`.
    ///   - dictionary: of the residual stream that enters the head's layer.
    public init(
        _ circuit: HeadCircuit, at observation: EdgeObservation, _ dictionary: FeatureDictionary,
        limits: AttributionLimits = AttributionLimits()
    ) {
        precondition(dictionary.dModel == observation.queryResidual.count)
        self.circuit = circuit
        self.dictionary = dictionary
        self.limits = limits
        let encoder = FeatureEncoder(dictionary)
        query = ResidualParts(observation.queryResidual, encoder)
        key = ResidualParts(observation.keyResidual, encoder)
    }

    /// The attribution of this kind.
    public func attribution(_ kind: AttributionKind) -> EdgeAttribution {
        switch kind {
        case .qk: score()
        case .ov: output()
        }
    }

    /// The score before the softmax: features at the query with features at the key.
    private func score() -> EdgeAttribution {
        let sides = circuit.scoreSides(queryParts: query.vectors, keyParts: key.vectors)
        return PartProducts(query, key, sides: sides)
            .attribution(total: circuit.score, attention: circuit.attention, limits)
    }

    /// What the head moves from the key to the query, A[q,k] x_k W_V W_O, along the residual stream that
    /// is at the query: features at the query as directions with features at the key; and, along every
    /// direction of the dictionary, whether it is active at the query or not, in `writes`.
    private func output() -> EdgeAttribution {
        let sides = circuit.outputSides(queryParts: query.vectors, keyParts: key.vectors)
        var attribution = PartProducts(query, key, sides: sides)
            .attribution(
                total: circuit.outputAlongResidual, attention: circuit.attention, limits)
        attribution.writes = writes()
        return attribution
    }

    private func writes() -> [EdgeAttribution.Write] {
        let contributions = circuit.contributions(keyParts: key.vectors)
        let fromFeatures = contributions.prefix(key.features.count).rowSum
        let projections = dictionary.projections(of: fromFeatures.map { Float($0) })
        return strongest(limits.marginals, of: dictionary.dSAE) { Double(projections[$0]) }
            .map { feature, _ in write(Int32(feature), contributions) }
    }

    /// What each part at the key adds along the unit vector of a feature's direction.
    private func write(_ feature: Int32, _ contributions: Matrix) -> EdgeAttribution.Write {
        let direction = dictionary.direction(of: Int(feature)).map(Double.init)
        let length = max(dot(direction, direction).squareRoot(), .leastNormalMagnitude)
        let parts = (0..<contributions.rows).map { dot(direction, contributions[$0]) / length }
        let active = zip(query.features, query.activations).first { $0.0 == feature }
        let interactions = strongest(limits.interactions, of: key.features.count) { parts[$0] }
        let others = parts.indices.dropFirst(key.features.count)
        return EdgeAttribution.Write(
            marginal: .init(
                feature: feature, activation: active?.1 ?? 0,
                score: parts.prefix(key.features.count).reduce(0, +),
                interactions: interactions.map {
                    .init(feature: key.features[$0.index], score: $0.value)
                }),
            total: parts.reduce(0, +),
            errorTerms: others.map {
                .init(query: .features, key: key.kind(ofRow: $0), value: parts[$0])
            })
    }
}

extension FeatureDictionary {
    /// How far x reaches along each feature's direction, taken as a unit vector; [dSAE].
    fileprivate func projections(of x: [Float]) -> [Float] {
        var projections = [Float](repeating: 0, count: dSAE)
        projections.withUnsafeMutableBufferPointer { projections in
            decoder.withUnsafeBufferPointer { decoder in
                x.withUnsafeBufferPointer { x in
                    guard let y = projections.baseAddress, let d = decoder.baseAddress,
                        let x = x.baseAddress
                    else { return }
                    multiply(
                        dSAE, 1, dModel, d, dModel, .asStored, x, dModel, .transposed, into: y, 1)
                    for feature in 0..<dSAE {
                        let square = sumOfSquares(d + feature * dModel, dModel, around: 0)
                        y[feature] = square > 0 ? y[feature] / square.squareRoot() : 0
                    }
                }
            }
        }
        return projections
    }
}
