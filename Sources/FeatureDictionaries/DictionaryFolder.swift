// SPDX-License-Identifier: Apache-2.0
// A folder with a dictionary for each of several layers.

import Foundation
import UserErrors

/// The files of one dictionary.
public struct DictionaryFiles: Sendable, Equatable {
    /// Holds them all.
    public let folder: URL

    /// The files of the dictionary in `folder`, whether they exist or not.
    public init(_ folder: URL) { self.folder = folder }

    /// SAELens' configuration.
    public var configuration: URL { folder.appending(path: "cfg.json") }
    /// SAELens' weights.
    public var weights: URL { folder.appending(path: "sae_weights.safetensors") }
    /// Descriptions of features (`FeatureDescriptions`); a dictionary may do without.
    public var descriptions: URL { folder.appending(path: "descriptions.jsonl") }
    /// What the dictionary itself consists of: configuration and weights.
    public var files: [URL] { [configuration, weights] }
}

/// A folder that holds one folder for each layer with a dictionary: `L5`, or any other name.
public struct DictionaryFolder: Sendable, Equatable {
    /// The folder.
    public let url: URL

    /// The folder at `url`, which need not exist.
    public init(_ url: URL) { self.url = url }

    /// Where a dictionary for `layer` is looked for first, and where a trained one belongs.
    public func folder(forLayer layer: Int) -> URL {
        url.appending(path: "L\(layer)", directoryHint: .isDirectory)
    }

    /// The files of the dictionary for `layer`: those of `L<layer>` if there is one, else of the folder,
    /// or of this folder itself, whose cfg.json names that layer's hook. Nil when there is none.
    ///
    /// - Throws: if two folders other than `L<layer>` name the layer, or a cfg.json cannot be read.
    public func locate(layer: Int) throws -> DictionaryFiles? {
        let named = DictionaryFiles(folder(forLayer: layer))
        if named.exist { return named }
        var found: DictionaryFiles?
        for candidate in candidates() {
            let config = try SAELensConfig(contentsOf: candidate.configuration)
            // Dictionaries of other places than the residual stream may lie beside.
            guard let hook = config.hookName, ResidualHook.layer(of: hook) == layer else {
                continue
            }
            if let found {
                throw UserError(
                    "\(found.folder.path) and \(candidate.folder.path) are both dictionaries for "
                        + "layer \(layer); remove one of them.")
            }
            found = candidate
        }
        return found
    }

    /// Loads the dictionary for `layer`; nil when there is none.
    ///
    /// - Parameters: as of `FeatureDictionary.init(contentsOf:dModel:layers:usesLayerNorm:)`.
    public func dictionary(
        forLayer layer: Int, dModel: Int, layers: Int, usesLayerNorm: Bool = true
    ) throws -> FeatureDictionary? {
        guard let files = try locate(layer: layer) else { return nil }
        return try FeatureDictionary(
            contentsOf: files.folder, dModel: dModel, layers: layers, usesLayerNorm: usesLayerNorm)
    }

    /// This folder and those in it, by name, as far as they have a cfg.json.
    private func candidates() -> [DictionaryFiles] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        let folders = names.sorted().map { url.appending(path: $0, directoryHint: .isDirectory) }
        return ([url] + folders).map(DictionaryFiles.init).filter(\.hasConfiguration)
    }
}

extension DictionaryFiles {
    /// Whether there is something to load, complete or not.
    fileprivate var exist: Bool {
        files.contains { FileManager.default.fileExists(atPath: $0.path) }
    }

    fileprivate var hasConfiguration: Bool {
        FileManager.default.fileExists(atPath: configuration.path)
    }
}
