// SPDX-License-Identifier: Apache-2.0
// The files of one dictionary, whoever wrote them.

import Foundation

/// The files of one dictionary.
public struct DictionaryFiles: Sendable, Equatable {
    /// Holds them all.
    public let folder: URL
    /// What the files are, where they are not SAELens'.
    public let published: PublishedDictionary?
    /// Of what the dictionary is, as far as its configuration or names say.
    let hook: HookName?
    /// What it is of, where it explains no attention.
    let otherPlace: String?
    let size: DictionarySize

    /// The files of the dictionary in `folder` as SAELens names them, whether they exist or not.
    public init(_ folder: URL) {
        let config = try? SAELensConfig(contentsOf: folder.appending(path: "cfg.json"))
        self.init(folder, config)
    }

    /// The files of a dictionary of SAELens with this configuration.
    init(_ folder: URL, _ config: SAELensConfig?) {
        self.folder = folder
        published = nil
        hook = config?.hookName.flatMap(HookName.init)
        otherPlace = config?.otherPlace
        size = DictionarySize(
            names: [folder.lastPathComponent], width: config?.count, l0: config?.statedK)
    }

    /// The files of a published dictionary.
    init(_ published: PublishedDictionary) {
        folder = published.folder
        self.published = published
        hook = published.hook
        otherPlace = published.otherPlace
        size = published.size
    }

    /// SAELens' configuration.
    public var configuration: URL { folder.appending(path: "cfg.json") }
    /// SAELens' weights.
    public var weights: URL { folder.appending(path: "sae_weights.safetensors") }
    /// What the dictionary itself consists of: configuration and weights.
    public var files: [URL] { published?.files ?? [configuration, weights] }

    /// Loads the dictionary.
    ///
    /// - Parameters:
    ///   - place: what it has to be of.
    ///   - width: of the model's vectors there.
    ///   - layers, usesLayerNorm: as of `FeatureDictionary.init(contentsOf:dModel:layers:usesLayerNorm:)`.
    public func dictionary(
        _ place: DictionaryPlace, width: Int, layers: Int, usesLayerNorm: Bool
    ) throws -> FeatureDictionary {
        guard let published else {
            return try FeatureDictionary(
                contentsOf: folder, of: place, dModel: width, layers: layers,
                usesLayerNorm: usesLayerNorm)
        }
        return try FeatureDictionary(
            published, of: place,
            named: HookName.layer(ofFolder: folder.lastPathComponent, place), width: width,
            layers: layers)
    }

    /// The block of the model that the dictionary's own names say, such as 4 for `blocks.4.hook_resid_post`.
    public var block: Int? { hook?.block }

    /// Whether there is something to load, complete or not.
    var exist: Bool { files.contains { FileManager.default.fileExists(atPath: $0.path) } }

    var hasConfiguration: Bool { FileManager.default.fileExists(atPath: configuration.path) }

    /// For messages.
    var path: String { published?.weights.path ?? folder.path }
    var nameAndSize: String { size.description.isEmpty ? path : "\(path) (\(size))" }
}
