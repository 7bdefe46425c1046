// SPDX-License-Identifier: Apache-2.0
// Why this edge? A score, or a feature's activation, by the components that wrote what is read there.

import Attribution
import FeatureDictionaries
import Transformer
import UserErrors

/// How much of an edge's score comes from each component at the key, the query held, and at the query, the key held.
/// Or, with `feature`: who wrote a feature of the layer's dictionary at either end.
public struct SourcesQuestion: LabQuestion, Equatable {
    public static let kind = "sources"

    public var layer: Int
    public var head: Int
    public var prompt: PromptSource
    public var query: Mark
    public var key: Mark
    /// How many of their own keys earlier heads are opened by.
    public var keys: Int?
    /// A feature of the dictionary instead of the score.
    public var feature: Int?

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var sources: [PromptSource] { [prompt] }
    public var dictionaryLayer: Int? { feature == nil ? nil : layer }

    /// The parts of both sides: those of a side, with the constant among them, add up to its total.
    public struct Answer: Codable, Sendable, Equatable {
        public var tokens: [String]
        public var query: MarkedToken
        public var key: MarkedToken
        /// Before the softmax, without what the model adds for the key's position alone (ALiBi).
        public var score: Double
        public var attention: Double
        public var querySide: Side
        public var keySide: Side
    }

    public struct Side: Codable, Sendable, Equatable {
        public var total: Double
        /// From the embedding to the last layer before the head.
        public var parts: [Part]
    }

    public struct Part: Codable, Sendable, Equatable {
        /// embedding, head, mlp, ...
        public var kind: String
        public var layer: Int?
        public var head: Int?
        public var value: Double
        /// Of a head: its strongest keys.
        public var keys: [Key]?
    }

    public struct Key: Codable, Sendable, Equatable {
        public var position: Int
        public var attention: Float
        public var value: Double
    }

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let keys = keys ?? 5
        guard (0...100_000).contains(keys) else {
            throw UserError("keys must be from 0 to 100000.")
        }
        let prompt = try lab.prompt(prompt)
        let (query, key) = (try query.position(in: prompt), try key.position(in: prompt))
        let weights = try HeadWeights(address, of: lab.model)
        // What comes after the edge changes nothing if the model only looks back.
        let end = lab.description.isCausal ? max(query, key) + 1 : prompt.ids.count
        var request = SequenceRequest(prompt.ids[..<end])
        request.edges = [HeadEdge(address, query: query, key: key)]
        request.followed = [query, key]
        request.through = layer
        request.heads = lab.earlierHeads(than: address)
        return Inquiry(looks: [Look(request: request)]) { found in
            let seen = found[0].seen
            guard let trace = seen.trace else { preconditionFailure("the stream is followed") }
            let circuit = try HeadCircuit(weights, of: lab.description, at: seen.edges[0])
            let readings =
                try feature.map {
                    try lab.readings(ofFeature: $0, layer: layer, at: seen.edges[0])
                } ?? circuit.scoreReadings()
            let sides = try trace.split(
                [readings.query, readings.key], of: lab.model, keys: keys)
            return Answer(
                tokens: prompt.tokens, query: MarkedToken(query, of: prompt),
                key: MarkedToken(key, of: prompt), score: circuit.score,
                attention: circuit.attention, querySide: Side(sides[0]), keySide: Side(sides[1]))
        }
    }
}

extension SourcesQuestion.Side {
    init(_ parts: [SourcePart]) {
        total = parts.reduce(0) { $0 + $1.value }
        self.parts = parts.map { part in
            SourcesQuestion.Part(
                kind: part.component.kind.rawValue, layer: part.component.layer,
                head: part.component.head, value: part.value,
                keys: part.component.kind == .head
                    ? part.keys.map {
                        .init(position: $0.position, attention: $0.attention, value: $0.value)
                    } : nil)
        }
    }
}

extension Laboratory {
    /// All heads that write before a head reads, and the head.
    func earlierHeads(than head: HeadAddress) -> HeadSelection {
        let isWhole = model.normalizesAttentionOutput
        return HeadSelection(
            description.attentionLayers.filter { $0 <= head.layer }.flatMap { layer in
                layer < head.layer || isWhole
                    ? (0..<description.nHeads).map { HeadAddress(layer: layer, head: $0) } : [head]
            })
    }

    /// A feature's product with the encoder at both ends of an edge.
    fileprivate func readings(
        ofFeature feature: Int, layer: Int, at edge: EdgeObservation
    ) throws -> (query: ResidualReading, key: ResidualReading) {
        let dictionary = try dictionary(ofLayer: layer)
        guard (0..<dictionary.dSAE).contains(feature) else {
            throw UserError(
                "the dictionary of layer \(layer) has no feature \(feature); it has \(dictionary.dSAE)."
            )
        }
        func reading(_ x: [Float]) -> ResidualReading {
            let (direction, constant) = dictionary.encoderReading(of: feature, at: x)
            return ResidualReading(direction: direction, constant: constant)
        }
        return (reading(edge.queryResidual), reading(edge.keyResidual))
    }
}
