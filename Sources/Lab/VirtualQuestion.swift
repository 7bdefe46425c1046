// SPDX-License-Identifier: Apache-2.0
// Which features would it match? A head's weights between the features of a dictionary, without a prompt.
//
// Virtual weights (Elhage et al. 2021): for feature directions d and g, scale (R W_Q d) · (W_K g) at an offset, and
// (d W_V W_O) · g for what is written. Gains of norms are in the weights; their scales, and biases, are not. A direction t
// that is read gives t · u for a random unit vector u the mean 0 and the standard deviation |t| / sqrt(dModel):
// in such units matches are told.

import FeatureDictionaries
import Foundation
import Transformer
import UserErrors
import WeightCircuits

/// The features, or tokens, that a head's weights join with a feature.
public struct VirtualQuestion: LabQuestion, Equatable {
    public static let kind = "virtual"

    /// What is asked of the feature.
    public enum Circuit: String, Codable, Sendable {
        /// At the query: the keys it would attend to.
        case query
        /// At the key: the queries that would attend to it.
        case key
        /// At the key: what is written when it is attended to.
        case output
    }

    public var layer: Int
    public var head: Int
    /// Of the dictionary of the head's layer.
    public var feature: Int
    public var circuit: Circuit
    /// How far the key stands before the query; 1 unless given.
    public var offset: Int?
    /// Told at each end.
    public var count: Int?

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var dictionaryLayer: Int? { layer }
    public var promptCount: Int { 0 }
    public var about: String { "feature \(feature), \(circuit.rawValue)" }

    public struct Answer: Codable, Sendable, Equatable {
        public var feature: Feature
        /// The highest first, and the lowest first; `value` is for directions of length 1.
        public var highest: [Feature]
        public var lowest: [Feature]
        /// The largest deviation that as many random directions as the dictionary has features are expected to have.
        public var chance: Double
        /// Tokens that are raised and lowered, above the mean over the vocabulary; only of `output`.
        public var promotes: [Token]?
        public var suppresses: [Token]?
    }

    public struct Feature: Codable, Sendable, Equatable {
        public var feature: Int
        public var value: Double
        /// In standard deviations of random directions.
        public var deviations: Double
    }

    public struct Token: Codable, Sendable, Equatable {
        public var id: Int32
        public var text: String
        public var logit: Float
    }

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let (offset, count) = (offset ?? 1, count ?? 20)
        guard abs(offset) < 1 << 20, (1...500).contains(count) else {
            throw UserError("offset must be a number of tokens, and count from 1 to 500.")
        }
        let dictionary = try lab.dictionary(ofLayer: layer)
        guard (0..<dictionary.dSAE).contains(feature) else {
            throw UserError(
                "the dictionary of layer \(layer) has no feature \(feature); it has \(dictionary.dSAE)."
            )
        }
        return Inquiry(looks: []) { _ in
            try answer(address, dictionary, offset: offset, count: count, lab)
        }
    }

    private func answer(
        _ address: HeadAddress, _ dictionary: FeatureDictionary, offset: Int, count: Int,
        _ lab: Laboratory
    ) throws -> Answer {
        let d = lab.description
        let folded = FoldedHead(try HeadWeights(address, of: lab.model), dModel: d.dModel)
        let direction = direction(folded, dictionary, d, offset)
        let length = norm(direction)
        var found = (0..<dictionary.dSAE).map { index -> Feature in
            let other = dictionary.decoder[index * d.dModel..<(index + 1) * d.dModel]
            let size = norm(other)
            let value = size > 0 ? product(direction, other) / size : 0
            let unit = length / Double(d.dModel).squareRoot()
            return Feature(
                feature: index, value: value, deviations: unit > 0 ? value / unit : 0)
        }
        let own = found[feature]
        found.sort { ($1.value, $0.feature) < ($0.value, $1.feature) }
        var answer = Answer(
            feature: own, highest: Array(found.prefix(count)),
            lowest: found.suffix(count).reversed(), chance: Self.largest(of: dictionary.dSAE))
        if circuit == .output, let unembedding = try FoldedUnembedding(lab.model) {
            let ranking = TokenRanking.of(
                direction, by: unembedding, count: min(count, unembedding.dVocab),
                workers: lab.workers)[0]
            func tokens(_ list: [TokenRanking.Entry]) -> [Token] {
                list.map {
                    Token(
                        id: $0.token, text: lab.loaded.tokenizer.display($0.token),
                        logit: $0.weight)
                }
            }
            answer.promotes = tokens(ranking.promotes)
            answer.suppresses = tokens(ranking.suppresses)
        }
        return answer
    }

    /// The direction of the residual stream that the feature's unit vector becomes on the other side of the head.
    private func direction(
        _ head: FoldedHead, _ dictionary: FeatureDictionary, _ d: ModelDescription, _ offset: Int
    ) -> [Float] {
        let row = dictionary.decoder[feature * d.dModel..<(feature + 1) * d.dModel]
        let size = norm(row)
        let unit = row.map { size > 0 ? $0 / Float(size) : 0 }
        let rule = ScoreRule(head.address, of: d)
        switch circuit {
        case .query:
            let q = rule.moved(head.query.times(unit), by: offset)
            return head.key.transposedTimes(q, width: d.dModel).map { $0 * d.scoreScale }
        case .key:
            let k = rule.moved(head.key.times(unit), by: -offset)
            return head.query.transposedTimes(k, width: d.dModel).map { $0 * d.scoreScale }
        case .output:
            return head.output.transposedTimes(head.value.times(unit), width: d.dModel)
        }
    }

    /// The expected largest magnitude of n standard normal values (Fisher and Tippett's limit, both ends).
    private static func largest(of n: Int) -> Double {
        let l = (2 * log(2 * Double(max(n, 2)))).squareRoot()
        return l - (log(log(2 * Double(max(n, 2)))) + log(4 * .pi)) / (2 * l) + 0.5772 / l
    }
}

private func product(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

private func norm(_ a: some Sequence<Float>) -> Double { product(a, a).squareRoot() }

extension [Float] {
    /// The rows of this matrix, as wide as x, with x.
    fileprivate func times(_ x: [Float]) -> [Float] {
        stride(from: 0, to: count, by: x.count).map { Float(product(self[$0..<$0 + x.count], x)) }
    }

    /// The transposed matrix, of rows of this width, with x.
    fileprivate func transposedTimes(_ x: [Float], width: Int) -> [Float] {
        var result = [Float](repeating: 0, count: width)
        for (row, factor) in x.enumerated() {
            for i in 0..<width { result[i] += factor * self[row * width + i] }
        }
        return result
    }
}
