// SPDX-License-Identifier: Apache-2.0
// The dictionary of one layer of a model, with what is known of its features.

import Digests
import FeatureDictionaries
import Foundation
import Stages
import Transformer

/// What explains one layer's attention.
public struct LayerDictionary: Sendable {
    public let files: DictionaryFiles
    public let dictionary: FeatureDictionary
    /// What people or models say of features; none if there is no file of them.
    public let descriptions: FeatureDescriptions
    /// A features-L<l>.h5 with the features' evidence; nil if there is none.
    public let evidence: URL?
    /// Of configuration and weights.
    public let sha256: String
    /// Of evidence and descriptions, as far as they exist.
    public let explanationsSHA256: String

    /// Loads the dictionary of a layer.
    ///
    /// - Parameters:
    ///   - folder: holds dictionaries, one a layer.
    ///   - work: the work files, with the evidence of features.
    /// - Throws: also when there is none, with what would train one.
    public init(
        ofLayer layer: Int, in folder: DictionaryFolder, work: URL, of model: ModelDescription
    ) throws {
        func ifThere(_ url: URL) -> URL? {
            FileManager.default.fileExists(atPath: url.path) ? url : nil
        }
        let opened = try folder.open(layer: layer, of: model)
        (files, dictionary) = opened
        evidence = ifThere(Self.evidence(ofLayer: layer, in: work))
        let told = ifThere(files.descriptions)
        descriptions =
            try told.map {
                try FeatureDescriptions(contentsOf: $0, count: opened.dictionary.count)
            } ?? FeatureDescriptions()
        sha256 = try Digests.sha256(of: files.files)
        explanationsSHA256 = try Digests.sha256(of: [evidence, told].compactMap { $0 })
    }

    /// The name of its folder.
    public var name: String { files.folder.lastPathComponent }

    /// The file in a work folder with the evidence of a layer's features.
    public static func evidence(ofLayer layer: Int, in work: URL) -> URL {
        work.appending(path: "features-L\(layer).h5")
    }
}
