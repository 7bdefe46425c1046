// SPDX-License-Identifier: Apache-2.0
// The dictionaries of the studied layers, loaded when they are asked for.

import Attribution
import Explanations
import FeatureDictionaries
import Foundation

/// Loads dictionaries on a thread of its own and keeps those that were asked for last.
actor DictionaryShelf {
    private struct Entry {
        let layer: Int
        let modelHash: String
        let states: [FileState?]
        let dictionaries: LayerDictionaries
    }

    private nonisolated let executor = QueueExecutor("headvis.dictionaries")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private nonisolated let folder: DictionaryFolder
    private nonisolated let work: URL
    /// The latest at the end.
    private var entries: [Entry] = []

    /// Two gigabytes of dictionaries are kept, and always the last one.
    private static let keptFloats = 1 << 29

    /// - Parameters:
    ///   - url: holds a folder for each layer.
    ///   - choice: of several for a layer, and of descriptions.
    ///   - work: the work files, with the evidence of features.
    init(_ url: URL, choice: DictionaryChoice, work: URL) {
        folder = DictionaryFolder(url, choice: choice)
        self.work = work
    }

    /// Whether there is any dictionary.
    nonisolated func hasDictionary(for layers: some Sequence<Int>) -> Bool {
        layers.contains { (try? folder.hasDictionary(forLayer: $0)) == true }
    }

    /// The dictionaries of a layer as they are on disk now.
    ///
    /// - Throws: also when they do not explain this kind of attribution, with what would train one that does.
    func dictionaries(
        ofLayer layer: Int, for kind: AttributionKind, _ model: ReadyModel
    ) throws -> LayerDictionaries {
        let dictionaries = try dictionaries(ofLayer: layer, model)
        guard dictionaries.kinds.contains(kind) else {
            throw APIError.notImplemented("\(folder.lacking(layer: layer))")
        }
        return dictionaries
    }

    private func dictionaries(
        ofLayer layer: Int, _ model: ReadyModel
    ) throws -> LayerDictionaries {
        do {
            let states = try files(ofLayer: layer).map { FileState(path: $0.path) }
            if let known = entries.first(where: {
                $0.layer == layer && $0.states == states && $0.modelHash == model.sha256
            }) {
                return known.dictionaries
            }
            let dictionaries = try LayerDictionaries(
                ofLayer: layer, in: folder, work: work, of: model.loaded.model.description)
            keep(
                Entry(
                    layer: layer, modelHash: model.sha256, states: states,
                    dictionaries: dictionaries))
            return dictionaries
        } catch { throw APIError.notImplemented("\(error)") }
    }

    /// All that the dictionaries of a layer are read from, whether it exists or not.
    private func files(ofLayer layer: Int) throws -> [URL] {
        // Without one, loading says what to do.
        let residual =
            try folder.locate(layer: layer) ?? DictionaryFiles(folder.folder(forLayer: layer))
        let found = [residual, try folder.locate(layer: layer, of: .headOutputs)].compactMap { $0 }
        return try found.flatMap { try $0.files + folder.descriptions(of: $0) }
            + [.residualStream, .headOutputs].map {
                LayerDictionary.evidence(ofLayer: layer, of: $0, in: work)
            }
    }

    private func keep(_ entry: Entry) {
        entries.removeAll { $0.layer == entry.layer }
        entries.append(entry)
        while entries.count > 1, keptFloats > Self.keptFloats { entries.removeFirst() }
    }

    private var keptFloats: Int {
        entries.reduce(0) { $0 + $1.dictionaries.size }
    }
}
