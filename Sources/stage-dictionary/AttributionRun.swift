// SPDX-License-Identifier: Apache-2.0
// Computes attributions of many edges and stores them as the server would.

import AttentionStats
import Attribution
import DataTree
import Digests
import Explanations
import FeatureDictionaries
import Foundation
import Stages
import Transformer
import UserErrors
import WorkFiles

/// Attributions of the heads of one tree.
struct AttributionRun {
    private let loaded: LoadedModel
    private let modelSHA256: String
    private let scan: ScanFile
    private let sample: SampleReader
    private let work: URL
    private let data: URL
    private let dictionaries: DictionaryFolder
    private let workers: Int

    /// Edges between two writings of the manifest.
    private static let batch = 256
    /// Dictionaries of several layers are held, up to 2 GiB, so that one pass serves them all.
    private static let heldFloats = 1 << 29

    /// One edge of a sequence of the scan.
    private struct Task {
        let edge: Edge
        /// Its number in the scan.
        let sequence: Int

        var head: HeadAddress { edge.head }

        init(_ head: HeadAddress, sequence: Int, _ pair: AttentionPair) {
            self.sequence = sequence
            edge = Edge(
                head, .corpus(sequence), query: Int(pair.query), key: Int(pair.key))
        }
    }

    /// A layer's dictionaries with what is known of their features.
    private struct Layer {
        let dictionaries: LayerDictionaries
        /// By the dictionary's digest.
        private let cards: [String: FeatureCards]

        init(_ dictionaries: LayerDictionaries) throws {
            self.dictionaries = dictionaries
            let both = [dictionaries.residual, dictionaries.headOutputs].compactMap { $0 }
            cards = try Dictionary(
                uniqueKeysWithValues: both.map { ($0.sha256, try FeatureCards($0)) })
        }

        /// What people see of features of one of them.
        func cards(
            of features: Set<Int32>, _ dictionary: LayerDictionary
        ) throws -> [Int32: FeatureCard] {
            try cards[dictionary.sha256]?.cards(of: features) ?? [:]
        }
    }

    /// - Throws: when the tree, the work files and the model do not belong together.
    init(
        loaded: LoadedModel, work: URL, data: URL, dictionaries: DictionaryFolder, workers: Int
    ) throws {
        self.loaded = loaded
        self.work = work
        self.data = data
        self.dictionaries = dictionaries
        self.workers = workers
        guard FileManager.default.fileExists(atPath: data.appending(path: "config.json").path)
        else { throw UserError("\(data.path): there is no data tree; run make data first.") }
        scan = try ScanFile(work.appending(path: "scan.h5").path)
        sample = try SampleReader(work.appending(path: "sample.h5").path, of: scan)
        modelSHA256 = try sha256(of: loaded.model.checkpoint.files)
        guard scan.header.provenance.text("model_sha256") == modelSHA256 else {
            throw UserError(
                "\(loaded.name): is not the model of \(work.path)/scan.h5; give the model of the scan."
            )
        }
        guard sample.heads == scan.header.heads else {
            throw UserError("\(work.path)/sample.h5: is of another scan; run make data again.")
        }
    }

    /// Stores the attributions of the chosen edges of the chosen heads, as far as their layers have
    /// dictionaries.
    ///
    /// - Parameter shard: the piece of their sequences to take; nil takes all.
    func write(_ choice: EdgeChoice, layers: String, heads: String, shard: Shard?) throws {
        let d = loaded.model.description
        let chosen =
            layers.isEmpty && heads.isEmpty
            ? sample.heads
            : try HeadSelection(layers: layers, heads: heads, of: d).heads
                .filter(Set(sample.heads).contains)
        guard !chosen.isEmpty else {
            throw UserError("none of these heads is in the tree; leave out --layers and --heads.")
        }
        let wanted = Set(chosen.map(\.layer)).sorted()
        let known = try wanted.filter(dictionaries.hasDictionary(forLayer:))
        let missing = wanted.filter { !known.contains($0) }.map(String.init)
            .joined(separator: " ")
        if !missing.isEmpty {
            let sentence =
                "\(dictionaries.url.path): has no dictionary for layers \(missing); make dictionary LAYERS=\"\(missing)\" trains them."
            guard !known.isEmpty else { throw UserError(sentence) }
            note(sentence)
        }
        var tasks: [Task] = []
        for (index, head) in sample.heads.enumerated()
        where chosen.contains(head) && known.contains(head.layer) {
            tasks += choice.pairs(of: try sample.sample(ofHead: index))
                .map { Task(head, sequence: $0.sequence, $0.pair) }
        }
        if let shard { tasks = Self.piece(shard, of: tasks) }
        var progress = Progress("attributing", unit: "edges", total: tasks.count)
        var done = 0
        var rest = known[...]
        while !rest.isEmpty {
            let layers = try open(&rest)
            let own = tasks.filter { layers[$0.head.layer] != nil }
                .sorted { ($0.sequence, $0.head) < ($1.sequence, $1.head) }
            for start in stride(from: 0, to: own.count, by: Self.batch) {
                let batch = Array(own[start..<min(start + Self.batch, own.count)])
                try write(batch, layers)
                done += batch.count
                progress.update(done)
            }
        }
        progress.finish(done)
    }

    /// The edges of every n-th of the sequences, so that a sequence's pass is made once.
    private static func piece(_ shard: Shard, of tasks: [Task]) -> [Task] {
        let sequences = Set(tasks.map(\.sequence)).sorted()
        let own = Set(
            stride(from: shard.index - 1, to: sequences.count, by: shard.count).map {
                sequences[$0]
            })
        return tasks.filter { own.contains($0.sequence) }
    }

    /// Opens dictionaries from the front, as many as may be held.
    private func open(_ rest: inout ArraySlice<Int>) throws -> [Int: Layer] {
        var layers: [Int: Layer] = [:]
        var floats = 0
        while let next = rest.first, floats < Self.heldFloats {
            let layer = try LayerDictionaries(
                ofLayer: next, in: dictionaries, work: work, of: loaded.model.description)
            if let residual = layer.residual, residual.evidence == nil {
                note(
                    "layer \(next): there is no evidence of what its features mean; make dictionary LAYERS=\(next) collects it."
                )
            }
            layers[next] = try Layer(layer)
            floats += layer.size
            rest.removeFirst()
        }
        return layers
    }

    private func write(_ batch: [Task], _ layers: [Int: Layer]) throws {
        let sources = sources(of: batch, layers)
        var answers: [(name: StoredAttributions.Name, bytes: [UInt8])] = []
        var present: [StoredAttributions.Name] = []
        var missing: [Int] = []
        for i in batch.indices {
            let names = kinds(of: batch[i], layers).map { (kind: $0, edge: batch[i].edge) }
            if names.allSatisfy({ isStored($0, sources[i]) }) {
                present += names
            } else {
                missing.append(i)
            }
        }
        for (i, explained) in zip(missing, try explain(missing.map { batch[$0] }, layers)) {
            guard let layer = layers[batch[i].head.layer] else { continue }
            for kind in layer.dictionaries.kinds {
                let answer = try AttributionAnswer(
                    kind, of: explained, source: sources[i], cards: layer.cards(of:_:))
                answers.append(((kind, batch[i].edge), answer.json()))
            }
        }
        let tree = data.resolvingSymlinksInPath()
        let lock = try TreeLock(tree)
        try withExtendedLifetime(lock) {
            try StoredAttributions(tree).write(answers, present: present)
        }
    }

    /// What the dictionaries of an edge's layer explain of it.
    private func kinds(of task: Task, _ layers: [Int: Layer]) -> [AttributionKind] {
        layers[task.head.layer]?.dictionaries.kinds ?? []
    }

    private func sources(of batch: [Task], _ layers: [Int: Layer]) -> [AttributionSource] {
        batch.compactMap { task in
            layers[task.head.layer].map { layer in
                AttributionSource(
                    layer.dictionaries, modelSHA256: modelSHA256,
                    tokens: Array(scan.tokens(of: task.sequence)))
            }
        }
    }

    private func isStored(_ name: StoredAttributions.Name, _ source: AttributionSource) -> Bool {
        let prefix = source.prefix
        let url = data.appending(path: StoredAttributions.path(name))
        guard let file = try? FileHandle(forReadingFrom: url),
            let start = try? file.read(upToCount: prefix.count)
        else { return false }
        return start.elementsEqual(prefix)
    }

    /// What there is to say of each edge, from one pass over their sequences.
    private func explain(_ tasks: [Task], _ layers: [Int: Layer]) throws -> [ExplainedEdge] {
        guard !tasks.isEmpty else { return [] }
        let bySequence = Dictionary(grouping: tasks.indices) { tasks[$0].sequence }
            .sorted { $0.key < $1.key }
        let explainer = EdgeExplainer(
            loaded.model, layers.mapValues(\.dictionaries), kinds: AttributionKind.allCases)
        let explained = try explainer.explain(
            bySequence.map { $0.value.map { HeadEdge(tasks[$0].edge) } },
            on: bySequence.map { scan.tokens(of: $0.key) }
        ) { heads, length in
            try ForwardPass(loaded.model, selection: heads, maxLength: length, workers: workers)
        }
        return zip(bySequence, explained).flatMap { zip($0.value, $1) }
            .sorted { $0.0 < $1.0 }.map(\.1)
    }
}
