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
    /// A features-L<l>.h5, or -Z<l>.h5 for the outputs of heads, with the features' evidence; nil if there is none.
    public let evidence: URL?
    /// Of configuration and weights.
    public let sha256: String
    /// Of evidence and descriptions, as far as they exist.
    public let explanationsSHA256: String

    /// Loads what a folder has for a layer's residual stream.
    ///
    /// - Parameters:
    ///   - folder: holds dictionaries, one a layer.
    ///   - work: the work files, with the evidence of features.
    /// - Throws: also when there is none, with what would train one.
    public init(
        ofLayer layer: Int, in folder: DictionaryFolder, work: URL, of model: ModelDescription
    ) throws {
        try self.init(
            folder.open(layer: layer, of: model), in: folder,
            evidence: Self.existing(Self.evidence(ofLayer: layer, in: work)))
    }

    /// Loads what a folder has for the outputs of a layer's heads; nil when it has nothing.
    public static func headOutputs(
        ofLayer layer: Int, in folder: DictionaryFolder, work: URL, of model: ModelDescription
    ) throws -> LayerDictionary? {
        try folder.openHeadOutputs(layer: layer, of: model).map {
            let evidence = Self.evidence(ofLayer: layer, of: .headOutputs, in: work)
            return try LayerDictionary($0, in: folder, evidence: existing(evidence))
        }
    }

    private static func existing(_ file: URL) -> URL? {
        FileManager.default.fileExists(atPath: file.path) ? file : nil
    }

    private init(
        _ opened: (files: DictionaryFiles, dictionary: FeatureDictionary),
        in folder: DictionaryFolder, evidence: URL?
    ) throws {
        (files, dictionary) = opened
        self.evidence = evidence
        let told = try folder.descriptions(of: files)
        descriptions = try FeatureDescriptions(
            contentsOf: told, count: opened.dictionary.dSAE, block: files.block)
        sha256 = try Digests.sha256(of: files.files)
        explanationsSHA256 = try Digests.sha256(of: [evidence].compactMap { $0 } + told)
    }

    /// The name of its folder.
    public var name: String { files.folder.lastPathComponent }

    /// The file in a work folder with the evidence of a layer's features.
    public static func evidence(
        ofLayer layer: Int, of place: DictionaryPlace = .residualStream, in work: URL
    ) -> URL {
        work.appending(path: "features-\(DictionaryFolder.name(ofLayer: layer, of: place)).h5")
    }
}
