// SPDX-License-Identifier: Apache-2.0
// The answer about one edge, as clients and the data tree have it.

import Attribution
import DataTree
import Digests
import JSON
import Stages
import WorkFiles

/// What an attribution was made from: those of one edge with equal sources are equal.
public struct AttributionSource: Sendable {
    /// The dictionaries of the edge's layer.
    let layer: LayerDictionaries
    private let modelSHA256: String
    private let tokensSHA256: String

    /// - Parameters:
    ///   - modelSHA256: of the model's files.
    ///   - tokens: the ids of the whole sequence.
    public init(_ layer: LayerDictionaries, modelSHA256: String, tokens: [Int32]) {
        self.layer = layer
        self.modelSHA256 = modelSHA256
        tokensSHA256 = tokens.withUnsafeBytes { hexadecimal(SHA256.hash($0)) }
    }

    /// Raised when the same sources give another answer.
    private static let version = 1

    /// With what every answer made from this begins, and no other.
    public var prefix: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("dictionary")
            json.object { json in
                if let residual = layer.residual {
                    json.member("name", residual.name)
                    json.member("layer", residual.dictionary.layer)
                    json.member("features", residual.dictionary.dSAE)
                    json.member("sha256", residual.sha256)
                    json.member("explanations_sha256", residual.explanationsSHA256)
                }
                json.member("model_sha256", modelSHA256)
                json.member("tokens_sha256", tokensSHA256)
                if let heads = layer.headOutputs {
                    json.member("head_outputs_sha256", heads.sha256)
                    json.member("head_outputs_explanations_sha256", heads.explanationsSHA256)
                }
                json.member("version", Self.version)
            }
        }
        return json.bytes.dropLast() + [UInt8(ascii: ",")]
    }
}

/// An edge's attribution with what people need to understand its features.
public struct AttributionAnswer: Sendable {
    private let source: AttributionSource
    /// Nil without a dictionary of the residual stream.
    private let attribution: EdgeAttribution?
    /// Of every feature that `attribution` names.
    private let cards: [Int32: FeatureCard]
    /// Features of the outputs of the layer's heads; nil without a dictionary of them.
    private let written: Written?

    private struct Written {
        /// The dictionary's name.
        let dictionary: String
        let features: WrittenFeatures
        let cards: [Int32: FeatureCard]
    }

    /// Snippets of a feature of a pair or marginal, and of a marginal's partner.
    private static let snippets = (own: 5, partner: 2)

    /// What is told of one kind about an edge.
    ///
    /// - Parameter cards: gives what people see of features of one of the source's dictionaries.
    public init(
        _ kind: AttributionKind, of edge: ExplainedEdge, source: AttributionSource,
        cards: (_ features: Set<Int32>, _ dictionary: LayerDictionary) throws -> [Int32:
            FeatureCard]
    ) rethrows {
        self.source = source
        attribution = edge.attributions[kind]
        if let attribution, let residual = source.layer.residual {
            self.cards = try cards(attribution.features, residual)
        } else {
            self.cards = [:]
        }
        if kind == .ov, let features = edge.written, let heads = source.layer.headOutputs {
            let named = Set(features.features.map(\.feature))
            written = Written(
                dictionary: heads.name, features: features, cards: try cards(named, heads))
        } else {
            written = nil
        }
    }

    /// The answer as JSON: what contract.md names, and what the sum is made of.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            if let attribution {
                json.member("score", attribution.total)
                json.member("attention", attribution.attention)
                json.member("explained", attribution.explained)
                json.key("error_terms")
                write(attribution.errorTerms, to: &json)
            } else if let written {
                json.member("attention", written.features.attention)
            }
            json.key("pairs")
            json.array { json in
                for pair in attribution?.pairs ?? [] { write(pair, to: &json) }
            }
            for (name, marginals) in [
                ("query_marginals", attribution?.queryMarginals ?? []),
                ("key_marginals", attribution?.keyMarginals ?? []),
            ] {
                json.key(name)
                json.array { json in
                    for marginal in marginals {
                        json.object { json in write(marginal, to: &json) }
                    }
                }
            }
            if let writes = attribution?.writes, !writes.isEmpty { write(writes, to: &json) }
            if let written {
                json.member("head_outputs_dictionary", written.dictionary)
                json.key("written_features")
                json.array { json in
                    for feature in written.features.features {
                        write(feature, written.cards[feature.feature], to: &json)
                    }
                }
            }
        }
        return source.prefix + json.bytes.dropFirst()
    }

    private func write(_ terms: [EdgeAttribution.Term], to json: inout JSONWriter) {
        json.array { json in
            for term in terms {
                json.object { json in
                    json.member("query", term.query.rawValue)
                    json.member("key", term.key.rawValue)
                    json.member("value", term.value)
                }
            }
        }
    }

    private func write(_ pair: EdgeAttribution.Pair, to json: inout JSONWriter) {
        json.object { json in
            json.member("attribution", pair.attribution)
            for (side, feature, activation) in [
                ("query", pair.query, pair.queryActivation), ("key", pair.key, pair.keyActivation),
            ] {
                json.member("\(side)_feature", Int(feature))
                json.member("\(side)_activation", activation)
                json.member("\(side)_description", card(feature).description)
                json.key("\(side)_snippets")
                write(card(feature).spread(Self.snippets.own), to: &json)
            }
        }
    }

    private func write(_ marginal: EdgeAttribution.Marginal, to json: inout JSONWriter) {
        json.member("feature", Int(marginal.feature))
        json.member("activation", marginal.activation)
        json.member("description", card(marginal.feature).description)
        json.member("marginal_score", marginal.score)
        json.key("snippets")
        write(card(marginal.feature).spread(Self.snippets.own), to: &json)
        json.key("top_interactions")
        json.array { json in
            for interaction in marginal.interactions {
                json.object { json in
                    json.member("feature", Int(interaction.feature))
                    json.member("description", card(interaction.feature).description)
                    json.member("pairwise_score", interaction.score)
                    json.key("snippets")
                    write(
                        card(interaction.feature).spread(Self.snippets.partner), to: &json)
                }
            }
        }
    }

    private func write(_ writes: [EdgeAttribution.Write], to json: inout JSONWriter) {
        json.key("writes")
        json.array { json in
            for direction in writes {
                json.object { json in
                    write(direction.marginal, to: &json)
                    json.member("total", direction.total)
                    json.key("error_terms")
                    write(direction.errorTerms, to: &json)
                }
            }
        }
    }

    private func write(
        _ feature: WrittenFeatures.Feature, _ known: FeatureCard?, to json: inout JSONWriter
    ) {
        let card = known ?? FeatureCard(unknown: feature.feature)
        json.object { json in
            json.member("feature", Int(feature.feature))
            json.member("activation", feature.activation)
            json.member("description", card.description)
            json.member("head_score", feature.head)
            json.member("key_score", feature.key)
            json.member("other_heads", feature.otherHeads)
            json.member("constant", feature.constant)
            json.key("top_keys")
            json.array { json in
                for share in feature.keys {
                    json.object { json in
                        json.member("key", share.key)
                        json.member("score", share.score)
                    }
                }
            }
            json.key("snippets")
            write(card.spread(Self.snippets.own), to: &json)
        }
    }

    private func write(_ snippets: some Sequence<FeatureSnippet>, to json: inout JSONWriter) {
        json.array { json in
            for snippet in snippets {
                json.object { json in
                    json.key("tokens")
                    json.strings(snippet.tokens)
                    json.key("activations")
                    json.numbers(snippet.activations.lazy.map(Double.init))
                    json.member("interval", snippet.interval)
                }
            }
        }
    }

    private func card(_ feature: Int32) -> FeatureCard {
        cards[feature] ?? FeatureCard(unknown: feature)
    }
}

extension EdgeAttribution {
    /// Every feature it names.
    var features: Set<Int32> {
        let marginals = queryMarginals + keyMarginals + writes.map(\.marginal)
        return Set(pairs.flatMap { [$0.query, $0.key] }).union(
            marginals.flatMap { [$0.feature] + $0.interactions.map(\.feature) })
    }
}
