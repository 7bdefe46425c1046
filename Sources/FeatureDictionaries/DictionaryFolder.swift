// SPDX-License-Identifier: Apache-2.0
// A folder with a dictionary for each of several layers.

import Foundation
import UserErrors

/// The files of one dictionary.
public struct DictionaryFiles: Sendable, Equatable {
    /// Holds them all.
    public let folder: URL
    /// What the files are, where they are not SAELens'.
    public let published: PublishedDictionary?

    /// The files of the dictionary in `folder` as SAELens names them, whether they exist or not.
    public init(_ folder: URL) {
        self.folder = folder
        published = nil
    }

    /// The files of a published dictionary.
    init(_ published: PublishedDictionary) {
        folder = published.folder
        self.published = published
    }

    /// SAELens' configuration.
    public var configuration: URL { folder.appending(path: "cfg.json") }
    /// SAELens' weights.
    public var weights: URL { folder.appending(path: "sae_weights.safetensors") }
    /// Descriptions of features (`FeatureDescriptions`); a dictionary may do without.
    public var descriptions: URL { folder.appending(path: "descriptions.jsonl") }
    /// What the dictionary itself consists of: configuration and weights.
    public var files: [URL] { published?.files ?? [configuration, weights] }
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

    /// The files of the dictionary for `layer`: those in `L<layer>` if there is one, else of this folder or one
    /// below it whose files or names say that layer. Nil when there is none.
    ///
    /// - Throws: if several other than `L<layer>` are for the layer, or a cfg.json cannot be read.
    public func locate(layer: Int) throws -> DictionaryFiles? {
        let own = folder(forLayer: layer)
        let named = DictionaryFiles(own)
        if named.exist { return named }
        if let published = PublishedDictionary.all(in: own, below: url).first {
            return DictionaryFiles(published)
        }
        var found: [DictionaryFiles] = []
        for folder in folders() {
            let candidate = DictionaryFiles(folder)
            let published = PublishedDictionary.all(in: folder, below: url)
            if published.isEmpty, candidate.hasConfiguration {
                let config = try SAELensConfig(contentsOf: candidate.configuration)
                // Dictionaries of other places than the residual stream may lie beside.
                if let hook = config.hookName, ResidualHook.layer(of: hook) == layer {
                    found.append(candidate)
                }
            }
            found += published.filter { $0.layer == layer && $0.otherPlace == nil }
                .map(DictionaryFiles.init)
        }
        guard found.count <= 1 else {
            let names = found.prefix(8).map { $0.published?.weights.path ?? $0.folder.path }
            throw UserError(
                "\(names.joined(separator: " and ")) are \(found.count == 2 ? "both" : "all") dictionaries for layer \(layer); remove all but one, or give one of them a link called \(own.path)."
            )
        }
        return found.first
    }

    /// Loads the dictionary for `layer`; nil when there is none.
    ///
    /// - Parameters: as of `FeatureDictionary.init(contentsOf:dModel:layers:usesLayerNorm:)`.
    public func dictionary(
        forLayer layer: Int, dModel: Int, layers: Int, usesLayerNorm: Bool = true
    ) throws -> FeatureDictionary? {
        guard let files = try locate(layer: layer) else { return nil }
        return try files.dictionary(dModel: dModel, layers: layers, usesLayerNorm: usesLayerNorm)
    }

    /// Publishers nest layer, width and sparsity.
    private static let deepest = 4
    private static let mostFolders = 20_000

    /// This folder and those below it, by name.
    private func folders() -> [URL] {
        var all = [url]
        var level = [url]
        for _ in 0..<Self.deepest {
            var next: [URL] = []
            for folder in level {
                let names =
                    (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
                for name in names.sorted() where !name.hasPrefix(".") {
                    let child = folder.appending(path: name, directoryHint: .isDirectory)
                    var isFolder: ObjCBool = false
                    guard
                        FileManager.default.fileExists(atPath: child.path, isDirectory: &isFolder),
                        isFolder.boolValue
                    else { continue }
                    next.append(child)
                }
            }
            all += next
            guard all.count < Self.mostFolders else { break }
            level = next
        }
        return all
    }
}

extension DictionaryFiles {
    /// Loads the dictionary; parameters as of `FeatureDictionary.init(contentsOf:dModel:layers:usesLayerNorm:)`.
    public func dictionary(
        dModel: Int, layers: Int, usesLayerNorm: Bool
    ) throws -> FeatureDictionary {
        guard let published else {
            return try FeatureDictionary(
                contentsOf: folder, dModel: dModel, layers: layers, usesLayerNorm: usesLayerNorm)
        }
        return try FeatureDictionary(
            published, named: ResidualHook.layer(ofFolder: folder.lastPathComponent),
            dModel: dModel, layers: layers)
    }

    /// Whether there is something to load, complete or not.
    fileprivate var exist: Bool {
        files.contains { FileManager.default.fileExists(atPath: $0.path) }
    }

    fileprivate var hasConfiguration: Bool {
        FileManager.default.fileExists(atPath: configuration.path)
    }
}
