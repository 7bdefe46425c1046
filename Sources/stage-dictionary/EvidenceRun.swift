// SPDX-License-Identifier: Apache-2.0
// Runs the corpus through the layers of dictionaries and writes what its features fire on.

import Digests
import Explanations
import FeatureDictionaries
import Foundation
import Sequences
import Stages
import Transformer
import UserErrors
import WorkFiles

/// One collection of evidence for the dictionaries of some layers.
struct EvidenceRun {
    let loaded: LoadedModel
    let dictionaries: [Opened]
    let corpus: TokenizedCorpus
    let plan: EvidencePlan
    let maxLength: Int
    let workers: Int

    /// A dictionary and what it is of.
    typealias Opened = (
        files: DictionaryFiles, dictionary: FeatureDictionary, place: DictionaryPlace
    )

    /// Tokens in a batch: enough that widening a layer's weights is a few percent of its work, and
    /// few enough for the codes of a dictionary of which thousands of features fire at a token.
    private static let batchTokens = 4096

    /// Collects everything and writes a file for each dictionary into the folder.
    func write(into folder: URL) throws {
        for (opened, collector) in zip(dictionaries, try collect(0..<corpus.count)) {
            let (files, dictionary, place) = opened
            var writer = FeaturesWriter()
            for feature in 0..<dictionary.dSAE {
                let evidence = collector.evidence(of: feature) { corpus[$0] }
                try requirePossible(evidence.maxActivation, of: feature, in: files)
                writer.append(FeatureRecord(evidence))
            }
            try writer.write(
                to: LayerDictionary.evidence(ofLayer: dictionary.layer, of: place, in: folder).path,
                provenance: try facts.adding(facts(of: files, place)),
                layer: dictionary.layer, tokens: tokens, display: loaded.tokenizer.display)
        }
    }

    /// Starts the part of a shard.
    func openPart(_ path: String, _ shard: Shard) throws -> FeaturesPartWriter {
        try FeaturesPartWriter(
            path, provenance: facts, shard: shard, tokens: tokens,
            window: (plan.window, plan.before))
    }

    /// Collects what one shard of the corpus tells, and adds it to a part.
    func write(to part: FeaturesPartWriter, _ shard: Shard) throws {
        let collected = try collect(shard.sequences(of: corpus.starts))
        for (opened, collector) in zip(dictionaries, collected) {
            let (files, dictionary, place) = opened
            for feature in 0..<dictionary.dSAE {
                try requirePossible(collector.maxActivation(of: feature), of: feature, in: files)
            }
            try part.append(
                DictionaryFolder.name(ofLayer: dictionary.layer, of: place),
                layer: dictionary.layer, facts: try facts(of: files, place),
                features: dictionary.dSAE
            ) { feature in
                FeaturePortionRecord(collector.portion(of: feature) { corpus[$0] })
            }
        }
    }

    /// Number of tokens looked at, position 0 of each sequence left out.
    private var tokens: Int { corpus.tokens.count - corpus.count }

    private func requirePossible(
        _ activation: Float, of feature: Int, in files: DictionaryFiles
    ) throws {
        guard activation < ActivationSum.limit else {
            throw UserError(
                "\(files.weights.path): feature \(feature) fires with an activation of \(activation); is the dictionary one of this model?"
            )
        }
    }

    /// What each dictionary's features fire on in some sequences, from one pass.
    private func collect(_ sequences: Range<Int>) throws -> [EvidenceCollector] {
        let layers = Set(dictionaries.map(\.dictionary.layer)).sorted()
        let pass = try ForwardPass(
            loaded.model, selection: selection, maxLength: corpus.longest, workers: workers)
        let visitors = (0..<workers).map { _ in
            EvidenceVisitor(dictionaries.map { ($0.dictionary, $0.place) })
        }
        var collectors = dictionaries.map {
            EvidenceCollector(features: $0.dictionary.dSAE, plan)
        }
        let names = layers.map(String.init).joined(separator: ", ")
        var progress = Progress(
            "evidence of layer\(layers.count > 1 ? "s" : "") \(names)", unit: "tokens",
            total: corpus.starts[sequences.upperBound] - corpus.starts[sequences.lowerBound])
        var next = sequences.lowerBound
        while next < sequences.upperBound {
            let batch = nextBatch(from: next, in: sequences)
            visitors.forEach { $0.begin() }
            try pass.run(batch.map { corpus[$0] }, visitors: visitors)
            for i in collectors.indices {
                let codes = visitors.flatMap { $0.codes[i] }.sorted { $0.sequence < $1.sequence }
                collectors[i].add(
                    codes.map { (batch.lowerBound + $0.sequence, $0.codes) }, workers: workers)
            }
            next = batch.upperBound
            progress.update(corpus.starts[next] - corpus.starts[sequences.lowerBound])
        }
        progress.finish(
            corpus.starts[sequences.upperBound] - corpus.starts[sequences.lowerBound])
        return collectors
    }

    /// The pass shows a layer's input where one of its heads is studied, whichever it is.
    private var selection: HeadSelection {
        HeadSelection(
            dictionaries.flatMap { opened in
                let layer = opened.dictionary.layer
                let heads =
                    opened.place == .headOutputs
                    ? loaded.model.description.shape(of: layer).nHeads : 1
                return (0..<heads).map { HeadAddress(layer: layer, head: $0) }
            })
    }

    private func nextBatch(from first: Int, in sequences: Range<Int>) -> Range<Int> {
        var end = first
        while end < sequences.upperBound,
            corpus.starts[end] - corpus.starts[first] < Self.batchTokens
                || end - first < 2 * workers
        { end += 1 }
        return first..<end
    }

    /// What is told of the run, whatever its dictionaries.
    private var facts: Provenance {
        get throws {
            var facts = try Provenance(loaded, corpus, maxLength: maxLength)
            facts.tell(plan)
            return facts
        }
    }

    /// What is told of one of its dictionaries.
    private func facts(of files: DictionaryFiles, _ place: DictionaryPlace) throws -> Provenance {
        var facts = Provenance()
        facts["dictionary"] = .text(files.folder.lastPathComponent)
        facts["dictionary_of"] = .text(place.name)
        facts["dictionary_sha256"] = .text(try sha256(of: files.files))
        return facts
    }
}
