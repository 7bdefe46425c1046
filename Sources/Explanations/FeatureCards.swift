// SPDX-License-Identifier: Apache-2.0
// What people see of features: their descriptions and text where they fire.

import FeatureDictionaries
import Foundation
import UserErrors
import WorkFiles

/// What people see of a feature.
public struct FeatureCard: Sendable, Equatable {
    public var description: String
    /// Text where it fires, strongest first.
    public var snippets: [FeatureSnippet]

    /// What people see of a feature.
    public init(description: String, snippets: [FeatureSnippet]) {
        self.description = description
        self.snippets = snippets
    }

    /// `count` of the snippets, from the strongest to the weakest.
    func spread(_ count: Int) -> [FeatureSnippet] {
        guard snippets.count > count, count > 1 else { return Array(snippets.prefix(count)) }
        return (0..<count).map { snippets[$0 * (snippets.count - 1) / (count - 1)] }
    }

    /// The card of a feature that nothing is known of.
    init(unknown feature: Int32) {
        self.init(description: "feature \(feature)", snippets: [])
    }
}

/// Reads what is known of a dictionary's features. Uses HDF5, so one thread at a time.
public final class FeatureCards {
    private let layer: LayerDictionary
    private let evidence: FeaturesFile?

    /// Opens the evidence, if there is any.
    ///
    /// - Throws: also when it is of another dictionary.
    public init(_ layer: LayerDictionary) throws {
        self.layer = layer
        evidence = try layer.evidence.map { try FeaturesFile($0.path) }
        guard let evidence else { return }
        guard evidence.provenance.text("dictionary_sha256") == layer.sha256,
            evidence.features == layer.dictionary.dSAE
        else {
            throw UserError(
                "\(layer.evidence?.path ?? ""): is of another dictionary than \(layer.files.folder.path); run make evidence LAYERS=\(layer.dictionary.layer) again."
            )
        }
    }

    /// The cards of some features of the dictionary.
    public func cards(of features: some Sequence<Int32>) throws -> [Int32: FeatureCard] {
        var cards: [Int32: FeatureCard] = [:]
        for feature in features {
            var card = FeatureCard(unknown: feature)
            if let evidence {
                card.description = try evidence.summary(of: Int(feature)).description
                card.snippets = try evidence.snippets(of: Int(feature))
            }
            if let told = layer.descriptions[Int(feature)] { card.description = told }
            cards[feature] = card
        }
        return cards
    }
}
