// SPDX-License-Identifier: Apache-2.0
// The dictionaries of the studied layers, loaded when they are asked for.

import Explanations
import FeatureDictionaries
import Foundation

/// Loads dictionaries on a thread of its own and keeps those that were asked for last.
actor DictionaryShelf {
    private struct Entry {
        let layer: Int
        let modelHash: String
        let states: [FileState?]
        let dictionary: LayerDictionary
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
    ///   - work: the work files, with the evidence of features.
    init(_ url: URL, work: URL) {
        folder = DictionaryFolder(url)
        self.work = work
    }

    /// Whether there is any dictionary.
    nonisolated func hasDictionary(for layers: some Sequence<Int>) -> Bool {
        layers.contains { (try? folder.locate(layer: $0)) != nil }
    }

    /// The dictionary of a layer as it is on disk now.
    func dictionary(ofLayer layer: Int, _ model: ReadyModel) throws -> LayerDictionary {
        do {
            // Without one, loading says what to do.
            let files =
                try folder.locate(layer: layer) ?? DictionaryFiles(folder.folder(forLayer: layer))
            let evidence = LayerDictionary.evidence(ofLayer: layer, in: work)
            let states = (files.files + [files.descriptions, evidence]).map {
                FileState(path: $0.path)
            }
            if let known = entries.first(where: {
                $0.layer == layer && $0.states == states && $0.modelHash == model.sha256
            }) {
                return known.dictionary
            }
            let dictionary = try LayerDictionary(
                ofLayer: layer, in: folder, work: work, of: model.loaded.model.description)
            keep(
                Entry(
                    layer: layer, modelHash: model.sha256, states: states, dictionary: dictionary))
            return dictionary
        } catch { throw APIError.notImplemented("\(error)") }
    }

    private func keep(_ entry: Entry) {
        entries.removeAll { $0.layer == entry.layer }
        entries.append(entry)
        while entries.count > 1, keptFloats > Self.keptFloats { entries.removeFirst() }
    }

    private var keptFloats: Int {
        entries.reduce(0) { $0 + 2 * $1.dictionary.dictionary.encoder.count }
    }
}
