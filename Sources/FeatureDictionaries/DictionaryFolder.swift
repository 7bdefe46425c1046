// SPDX-License-Identifier: Apache-2.0
// A folder with a dictionary for each of several layers.

import Foundation
import UserErrors

/// A folder that holds one folder for each layer with a dictionary: `L5`, or any other name; `Z5` for one of the
/// outputs of the layer's heads.
public struct DictionaryFolder: Sendable, Equatable {
    /// The folder.
    public let url: URL
    /// Which of several for a layer.
    public let choice: DictionaryChoice

    /// The folder at `url`, which need not exist.
    public init(_ url: URL, choice: DictionaryChoice = DictionaryChoice()) {
        self.url = url
        self.choice = choice
    }

    /// Where a dictionary for `layer` is looked for first, and where a trained one belongs.
    public func folder(
        forLayer layer: Int, of place: DictionaryPlace = .residualStream
    ) -> URL {
        url.appending(path: Self.name(ofLayer: layer, of: place), directoryHint: .isDirectory)
    }

    /// What the folder of a layer is called: `L5`, or `Z5` for the outputs of its heads.
    public static func name(
        ofLayer layer: Int, of place: DictionaryPlace = .residualStream
    ) -> String { "\(HookName.letter(of: place))\(layer)" }

    /// The files of the dictionary for `layer`: those in its own folder (`L<layer>`) if there are any, else of this
    /// folder or one below it whose files or names say that layer, and that is of the chosen width and sparsity.
    /// Nil when there is none.
    ///
    /// - Throws: if several other than in `L<layer>` can be meant, or a cfg.json cannot be read.
    public func locate(
        layer: Int, of place: DictionaryPlace = .residualStream
    ) throws -> DictionaryFiles? {
        let own = folder(forLayer: layer, of: place)
        let published = PublishedDictionary.all(in: own, below: url)
        if let files = published.first(where: { $0.hook?.layer == layer }) ?? published.first {
            return DictionaryFiles(files)
        }
        let named = DictionaryFiles(own)
        if named.exist { return named }
        let found = try dictionaries().filter {
            $0.otherPlace == nil && $0.hook?.place == place && $0.hook?.layer == layer
        }
        let meant = found.filter { choice.allows($0.size) }
        guard meant.count <= 1, meant.count == 1 || found.isEmpty else {
            let names = (meant.isEmpty ? found : meant).map(\.nameAndSize)
            let listed =
                names.prefix(24).joined(separator: "; ")
                + (names.count > 24 ? "; and \(names.count - 24) more" : "")
            throw UserError(
                meant.isEmpty
                    ? "\(url.path): no dictionary for layer \(layer) has \(choice.words), only these are there: \(listed); choose with DICTIONARY_WIDTH and DICTIONARY_L0."
                    : "\(url.path): there are \(meant.count) dictionaries for layer \(layer): \(listed); choose with DICTIONARY_WIDTH and DICTIONARY_L0, or give one of them a link called \(own.path)."
            )
        }
        return meant.first
    }

    /// Loads the dictionary of the residual stream for `layer`; nil when there is none.
    ///
    /// - Parameters: as of `FeatureDictionary.init(contentsOf:dModel:layers:usesLayerNorm:)`.
    public func dictionary(
        forLayer layer: Int, dModel: Int, layers: Int, usesLayerNorm: Bool = true
    ) throws -> FeatureDictionary? {
        guard let files = try locate(layer: layer) else { return nil }
        return try files.dictionary(
            .residualStream, width: dModel, layers: layers, usesLayerNorm: usesLayerNorm)
    }

    /// What is here of the layer's block but explains no attention, for the refusal: path and place.
    func others(layer: Int) -> [(path: String, place: String)] {
        let found = (try? dictionaries()) ?? []
        return found.compactMap { files in
            guard let place = files.otherPlace,
                files.hook.map({ (layer - 1...layer).contains($0.block) }) ?? true
            else { return nil }
            return (files.path, place)
        }
    }

    /// Where descriptions of a dictionary's features are; empty if there are none.
    ///
    /// - Throws: if several sources can be meant, or what DESCRIPTIONS names does not exist.
    public func descriptions(of files: DictionaryFiles) throws -> [URL] {
        guard let named = choice.descriptions else {
            return try DescriptionFiles.find(in: files.folder, block: files.hook?.block)
        }
        guard FileManager.default.fileExists(atPath: named.path) else {
            throw UserError("\(named.path): does not exist; DESCRIPTIONS names a file or a folder.")
        }
        return try DescriptionFiles.find(in: named, block: files.hook?.block)
    }

    /// All dictionaries in this folder and below it.
    private func dictionaries() throws -> [DictionaryFiles] {
        try folders().flatMap { folder in
            let published = PublishedDictionary.all(in: folder, below: url)
            guard published.isEmpty else { return published.map(DictionaryFiles.init) }
            let candidate = DictionaryFiles(folder)
            guard candidate.hasConfiguration else { return [] }
            let config = try SAELensConfig(contentsOf: candidate.configuration)
            return [DictionaryFiles(folder, config)]
        }
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
