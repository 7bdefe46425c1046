// SPDX-License-Identifier: Apache-2.0
// A model becomes work/probe.h5: what its heads do on random tokens that are repeated, whatever the corpus.

import ArgumentParser
import AttentionStats
import Digests
import Stages
import Transformer
import UserErrors
import WorkFiles

@main
struct StageProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-probe",
        abstract: "Measures induction and copying on random tokens repeated once.",
        discussion: """
            The numbers depend on the model and a seed alone, so they compare between corpora and models. Their \
            formulas are in Sources/stage-probe/ProbeMetric.swift.
            """,
        version: toolVersion)

    @Option(help: "The model: a Hugging Face folder or a GGUF file.")
    var model: String

    @Option(help: "Layers to study: numbers, or all.")
    var layers = ""

    @Option(help: "Single heads to study, such as \"5.1 8.3\".")
    var heads = ""

    @Option(help: "Sequences of random tokens.")
    var sequences = 64

    @Option(help: "Random tokens in a sequence, each of which comes twice.")
    var length = 64

    @OptionGroup var lens: LensArguments

    @Option(help: "Seed of the tokens.")
    var seed: UInt64 = 0

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        guard (2...100_000).contains(sequences), (2...10_000).contains(length) else {
            throw ValidationError(
                "--sequences must be from 2 to 100000, and --length from 2 to 10000.")
        }
    }

    func run() throws {
        try requireOutput(output, apartFrom: [], orIn: [model])
        let loaded = try LoadedModel(opening: model)
        let selection = try HeadSelection(
            layers: layers, heads: heads, of: loaded.model.description)
        let text = try RepeatedTokens(loaded, length: length, seed: seed)
        let directPath = try lens.directPath(of: loaded, selection)
        let metrics: [ProbeMetric] = [.prefixMatching] + (directPath == nil ? [] : [.repeatCopying])
        let values = try values(of: metrics, loaded, selection, text, directPath)
        let columns = zip(metrics, values).map { metric, heads in
            let means = heads.map(meanWithError)
            return MetricsFile.Column(
                name: metric.name, about: metric.about, values: means.map(\.mean),
                standardErrors: means.map(\.error))
        }
        try MetricsFile(
            provenance: try provenance(loaded, text), heads: selection.heads, metrics: columns
        ).write(to: output, schema: .probe)
    }

    /// [metric][head][sequence].
    private func values(
        of metrics: [ProbeMetric], _ loaded: LoadedModel, _ selection: HeadSelection,
        _ text: RepeatedTokens,
        _ directPath: DirectPath?
    ) throws -> [[[Double]]] {
        let maxLength = text.prefix.count + 2 * text.length
        let workers = workers.count
        let pass = try ForwardPass(
            loaded.model, selection: selection, maxLength: maxLength, workers: workers,
            throughLastLayer: directPath != nil)
        var plan = ScanPlan(edgesPerSequence: 0, edgeRanking: .attention)
        plan.dModel = loaded.model.description.dModel
        plan.residualScale = loaded.model.description.residualScale
        let visitors = (0..<workers).map { _ in ScanVisitor(plan, maxLength: maxLength) }
        var values = [[[Double]]](
            repeating: Array(repeating: [], count: selection.heads.count), count: metrics.count)
        var progress = Progress("probing", unit: "sequences", total: sequences)
        // A layer's weights are widened once a batch.
        for first in stride(from: 0, to: sequences, by: max(16, 2 * workers)) {
            let batch = (first..<min(first + max(16, 2 * workers), sequences)).map { id in
                let tokens = text.tokens(ofSequence: id)
                return ScanSequence(
                    id: id, tokens: tokens[...], isInPool: false,
                    logits: directPath?.targets(tokens[...], from: text.secondHalf))
            }
            let results = BatchResults(sequences: batch.count, heads: selection.heads.count)
            for visitor in visitors { visitor.begin(batch, into: results) { _, _, _ in false } }
            try pass.run(batch.map(\.tokens), visitors: visitors)
            directPath?.finish(batch, results, pass)
            for (s, sequence) in batch.enumerated() {
                for (h, head) in selection.heads.enumerated() {
                    guard results[s, h].sums.isFinite else {
                        throw UserError(
                            "\(loaded.name): the scores of head \(head) on random tokens are beyond the range of Float32; leave its layer out of LAYERS."
                        )
                    }
                    for (m, metric) in metrics.enumerated() {
                        values[m][h].append(
                            metric.value(results[s, h].sums, sequence.repeatedQueries))
                    }
                }
            }
            progress.update(first + batch.count)
        }
        progress.finish(sequences)
        return values
    }

    private func provenance(_ loaded: LoadedModel, _ text: RepeatedTokens) throws -> Provenance {
        var facts = Provenance()
        facts["tool_version"] = .text(toolVersion)
        facts["model"] = .text(loaded.name)
        facts["model_family"] = .text(loaded.model.description.family)
        facts["model_sha256"] = .text(try sha256(of: loaded.model.checkpoint.files))
        facts["probe_sequences"] = .int(sequences)
        facts["probe_length"] = .int(text.length)
        facts["probe_seed"] = .text(String(seed))
        return facts
    }
}
