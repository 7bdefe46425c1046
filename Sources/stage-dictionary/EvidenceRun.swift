// SPDX-License-Identifier: Apache-2.0
// Runs the corpus through the layers of dictionaries and writes what its features fire on.

import Digests
import FeatureDictionaries
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

    /// Collects everything and writes a file for each dictionary.
    ///
    /// - Parameter path: the file of a dictionary, by its layer and place.
    func write(to path: (_ layer: Int, _ place: DictionaryPlace) -> String) throws {
        for ((files, dictionary, place), collector) in zip(dictionaries, try collect()) {
            var writer = FeaturesWriter()
            for feature in 0..<dictionary.dSAE {
                let evidence = collector.evidence(of: feature) { corpus[$0] }
                guard evidence.maxActivation.isFinite else {
                    throw UserError(
                        "\(files.weights.path): feature \(feature) fires with infinite activation; is the dictionary one of this model?"
                    )
                }
                writer.append(record(of: evidence))
            }
            try writer.write(
                to: path(dictionary.layer, place), provenance: try provenance(files, place),
                layer: dictionary.layer, tokens: corpus.tokens.count - corpus.count,
                display: loaded.tokenizer.display)
        }
    }

    /// What each dictionary's features fire on, from one pass.
    private func collect() throws -> [EvidenceCollector] {
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
            total: corpus.tokens.count)
        var next = 0
        while next < corpus.count {
            let batch = nextBatch(from: next)
            visitors.forEach { $0.begin() }
            try pass.run(batch.map { corpus[$0] }, visitors: visitors)
            for i in collectors.indices {
                let codes = visitors.flatMap { $0.codes[i] }.sorted { $0.sequence < $1.sequence }
                collectors[i].add(
                    codes.map { (batch.lowerBound + $0.sequence, $0.codes) }, workers: workers)
            }
            next = batch.upperBound
            progress.update(corpus.starts[next])
        }
        progress.finish(corpus.tokens.count)
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

    private func nextBatch(from first: Int) -> Range<Int> {
        var end = first
        while end < corpus.count,
            corpus.starts[end] - corpus.starts[first] < Self.batchTokens
                || end - first < 2 * workers
        { end += 1 }
        return first..<end
    }

    private func record(of evidence: FeatureEvidence) -> FeatureRecord {
        FeatureRecord(
            count: evidence.count, beginnings: evidence.beginnings,
            maxActivation: evidence.maxActivation, meanActivation: Float(evidence.meanActivation),
            topTokens: evidence.topTokens,
            snippets: evidence.snippets.map { snippet in
                let tokens = corpus[snippet.place.sequence]
                let shown = tokens.dropFirst(snippet.start).prefix(snippet.activations.count)
                return FeatureRecord.Snippet(
                    sequence: snippet.place.sequence, position: snippet.place.position,
                    interval: snippet.interval, start: snippet.start, tokens: Array(shown),
                    activations: snippet.activations)
            })
    }

    private func provenance(
        _ files: DictionaryFiles, _ place: DictionaryPlace
    ) throws -> Provenance {
        var facts = try Provenance(loaded, corpus, maxLength: maxLength)
        facts["dictionary"] = .text(files.folder.lastPathComponent)
        facts["dictionary_of"] = .text(place.name)
        facts["dictionary_sha256"] = .text(try sha256(of: files.files))
        facts["top_firings"] = .int(plan.top)
        facts["sampled_firings"] = .int(plan.samples)
        facts["tokens_before"] = .int(plan.before)
        facts["tokens_after"] = .int(plan.after)
        facts["n_intervals"] = .int(plan.nIntervals)
        facts["seed"] = .text(String(plan.seed))
        return facts
    }
}
