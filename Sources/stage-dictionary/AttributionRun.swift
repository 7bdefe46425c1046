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
import Synchronization
import Tensors
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
        var headEdge: HeadEdge { HeadEdge(edge) }

        init(_ head: HeadAddress, sequence: Int, _ pair: AttentionPair) {
            self.sequence = sequence
            edge = Edge(
                head, .corpus(sequence), query: Int(pair.query), key: Int(pair.key))
        }

        func path(_ kind: AttributionKind) -> String {
            AttributionManifest.path(kind.rawValue, of: edge)
        }
    }

    /// A layer's dictionaries with the evidence of their features.
    private struct Layer {
        let dictionaries: LayerDictionaries
        private let residual: FeatureCards?
        private let headOutputs: FeatureCards?

        init(_ dictionaries: LayerDictionaries) throws {
            self.dictionaries = dictionaries
            residual = try dictionaries.residual.map(FeatureCards.init)
            headOutputs = try dictionaries.headOutputs.map(FeatureCards.init)
        }

        /// What people see of features that an attribution names.
        func cards(of attribution: EdgeAttribution?) throws -> [Int32: FeatureCard] {
            try residual?.cards(of: attribution?.features ?? []) ?? [:]
        }

        /// What people see of features that a head writes.
        func answer(
            _ written: WrittenFeatures?
        ) throws -> AttributionAnswer.WrittenAnswer? {
            guard let written, let headOutputs else { return nil }
            return AttributionAnswer.WrittenAnswer(
                dictionary: dictionaries.headOutputs?.name ?? "", written,
                cards: try headOutputs.cards(of: written.features.map(\.feature)))
        }
    }

    /// What is found of one edge.
    private struct Found {
        /// None without a dictionary of the residual stream.
        var attributions: [AttributionKind: EdgeAttribution] = [:]
        var written: WrittenFeatures?
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
        let missing = batch.indices.filter { i in
            !kinds(of: batch[i], layers).allSatisfy { isStored(batch[i].path($0), sources[i]) }
        }
        let attributions = try attributions(of: missing.map { batch[$0] }, layers)
        var answers: [(path: String, bytes: [UInt8])] = []
        for (i, found) in zip(missing, attributions) {
            guard let layer = layers[batch[i].head.layer] else { continue }
            for kind in kinds(of: batch[i], layers) {
                let attribution = found.attributions[kind]
                let answer = AttributionAnswer(
                    source: sources[i], attribution: attribution,
                    cards: try layer.cards(of: attribution),
                    written: kind == .ov ? try layer.answer(found.written) : nil)
                answers.append((batch[i].path(kind), answer.json()))
            }
        }
        try store(answers, of: batch, layers)
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

    private func isStored(_ path: String, _ source: AttributionSource) -> Bool {
        let prefix = source.prefix
        guard let file = try? FileHandle(forReadingFrom: data.appending(path: path)),
            let start = try? file.read(upToCount: prefix.count)
        else { return false }
        return start.elementsEqual(prefix)
    }

    /// Both attributions of each edge, from one pass over their sequences.
    private func attributions(
        of tasks: [Task], _ layers: [Int: Layer]
    ) throws -> [Found] {
        guard !tasks.isEmpty else { return [] }
        let (model, d) = (loaded.model, loaded.model.description)
        let bySequence = Dictionary(grouping: tasks.indices) { tasks[$0].sequence }
            .sorted { $0.key < $1.key }
        let sequences = bySequence.map { sequence, members in
            let tokens = scan.tokens(of: sequence)
            // What comes after the edges changes nothing if the model only looks back.
            let last = members.map { max(tasks[$0].edge.query, tasks[$0].edge.key) }.max() ?? 0
            return d.isCausal ? tokens.prefix(last + 1) : tokens
        }
        let wholeLayers = layers.values.reduce(into: Set<Int>()) {
            $0.formUnion($1.dictionaries.wholeLayers)
        }
        let pass = try ForwardPass(
            model,
            selection: model.heads(
                observing: tasks.map(\.headEdge), wholeLayers: wholeLayers),
            maxLength: sequences.map(\.count).max() ?? 1, workers: workers)
        let seen = try pass.observe(
            bySequence.map { $0.value.map { tasks[$0].headEdge } }, on: sequences,
            wholeLayers: wholeLayers)
        let observations = zip(bySequence, seen).flatMap { zip($0.value, $1) }
        var weights: [HeadAddress: HeadWeights] = [:]
        for task in tasks
        where weights[task.head] == nil && layers[task.head.layer]?.dictionaries.residual != nil {
            weights[task.head] = try HeadWeights(task.head, of: model)
        }
        let results = Mutex([Int: Found]())
        let failure = Mutex<(any Error)?>(nil)
        share(observations.count, among: workers) { [weights] _, i in
            let (task, observation) = observations[i]
            guard let layer = layers[tasks[task].head.layer]?.dictionaries else { return }
            do {
                let circuit = try weights[tasks[task].head].map {
                    try HeadCircuit($0, of: d, at: observation)
                }
                let attributor = layer.attributor(circuit, at: observation)
                let found = Found(
                    attributions: Dictionary(
                        uniqueKeysWithValues: layer.kinds.compactMap { kind in
                            attributor.map { (kind, $0.attribution(kind)) }
                        }),
                    written: layer.written(at: observation))
                results.withLock { $0[task] = found }
            } catch { failure.withLock { $0 = error } }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return results.withLock { results in tasks.indices.map { results[$0] ?? Found() } }
    }

    /// Writes the files, then the manifest that names them.
    private func store(
        _ answers: [(path: String, bytes: [UInt8])], of batch: [Task], _ layers: [Int: Layer]
    ) throws {
        let tree = data.resolvingSymlinksInPath()
        let lock = try TreeLock(tree)
        try withExtendedLifetime(lock) {
            for answer in answers {
                try DurableFile.replace(tree.appending(path: answer.path), with: answer.bytes)
            }
            let url = tree.appending(path: AttributionManifest.path)
            let old = FileManager.default.contents(atPath: url.path).map { [UInt8]($0) }
            var manifest = try AttributionManifest(old)
            for task in batch {
                for kind in kinds(of: task, layers) { manifest.add(kind.rawValue, task.edge) }
            }
            let new = manifest.json()
            if old != new { try DurableFile.replace(url, with: new) }
        }
    }
}
