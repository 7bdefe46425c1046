// SPDX-License-Identifier: Apache-2.0
// Runs the model over the text, trains a dictionary for each layer, and writes it.

import FeatureDictionaries
import Foundation
import Sequences
import Stages
import Transformer
import UserErrors

/// One run of `stage-dictionary train`.
struct Training {
    let loaded: LoadedModel
    let corpus: TokenizedCorpus
    let text: TrainingText
    let settings: TrainingSettings
    let maxLength: Int

    /// Tokens in a batch of the forward pass.
    private static let batchTokens = 16_384
    /// The share of the machine's memory that residual vectors may take.
    private static let memoryShare = 0.5

    /// Trains and writes everything.
    ///
    /// - Parameter note: kept beside each dictionary.
    func run(layers: [Int], output: URL, note: String?) throws {
        guard text.trainingTokens >= settings.features else {
            throw UserError(
                "the corpus has \(text.trainingTokens) tokens to train on, fewer than the \(settings.features) features of a dictionary; give more text or lower --features-per-dimension."
            )
        }
        let provenance = try TrainingProvenance(self)
        let layersAtOnce = try layersThatFit()
        for first in stride(from: 0, to: layers.count, by: layersAtOnce) {
            let group = Array(layers[first..<min(first + layersAtOnce, layers.count)])
            let collector = try residuals(group)
            for layer in group {
                guard let rows = collector.rows[layer] else { continue }
                try train(layer, rows, provenance, output, note)
            }
        }
    }

    private func layersThatFit() throws -> Int {
        let dModel = loaded.model.description.dModel
        let bytes = 4 * Double(text.tokens) * Double(dModel + 16)
        // Parameters with both moments, twice; per worker, the pre-activations of a chunk.
        let training =
            4 * Double(settings.features)
            * (6 * Double(dModel + 16) + 256 * Double(settings.workers))
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard bytes < Self.memoryShare * available, bytes + training < available else {
            let gibibytes = { (bytes: Double) in String(format: "%.1f GiB", bytes / 0x1p30) }
            throw UserError(
                "\(text.tokens) tokens and \(settings.features) features take \(gibibytes(bytes + training)) of memory, too much for the \(gibibytes(available)) there are; lower --max-tokens or --features-per-dimension."
            )
        }
        return max(1, Int(min(Self.memoryShare * available, available - training) / bytes))
    }

    /// The residual streams that enter these layers.
    private func residuals(_ layers: [Int]) throws -> ResidualCollector {
        let model = loaded.model
        let selection = HeadSelection(layers.map { HeadAddress(layer: $0, head: 0) })
        let longest = text.sequences.map { corpus[$0].count }.max() ?? 1
        guard longest <= model.description.nCtx else {
            throw UserError(
                "\(loaded.name): has a context of \(model.description.nCtx) tokens, and sequences have up to \(longest); lower SEQ_LEN."
            )
        }
        let pass = try ForwardPass(
            model, selection: selection, maxLength: longest, workers: settings.workers)
        let collector = ResidualCollector(
            layers: layers, tokens: text.tokens, dModel: model.description.dModel)
        let visitors = Array(repeating: collector, count: settings.workers)
        var progress = Progress("running the model", unit: "tokens", total: text.tokens)
        var next = 0
        while next < text.sequences.count {
            var end = next + 1
            while end < text.sequences.count,
                text.starts[end + 1] - text.starts[next] <= Self.batchTokens
            { end += 1 }
            collector.starts = Array(text.starts[next..<end])
            try pass.run(text.sequences[next..<end].map { corpus[$0] }, visitors: visitors)
            next = end
            progress.update(text.starts[next])
        }
        progress.finish(text.tokens)
        return collector
    }

    private func train(
        _ layer: Int, _ rows: PaddedRows, _ provenance: TrainingProvenance, _ output: URL,
        _ parameters: String?
    ) throws {
        let standardization = Standardization(
            rows, count: text.trainingTokens, workers: settings.workers)
        standardization.apply(to: rows, workers: settings.workers)
        let trainer = DictionaryTrainer(
            rows, count: text.trainingTokens,
            weights: tokenWeights(rows, count: text.trainingTokens), settings: settings)
        var progress = Progress("layer \(layer)", unit: "steps", total: settings.steps)
        for step in 1...settings.steps {
            try trainer.makeStep()
            progress.update(step)
        }
        progress.finish(settings.steps)
        let quality = quality(trainer.autoencoder, rows)
        guard quality.explained_variance > 0 else {
            throw UserError(
                "--learning-rate \(settings.learningRate): layer \(layer)'s dictionary explains nothing of held-out text, so it is not written; lower it."
            )
        }
        let report = TrainingReport(
            layer: layer, provenance, quality)
        let folder = output.appending(path: "L\(layer)")
        try TrainedDictionary(trainer.autoencoder, standardization).write(
            to: folder,
            metadata: SAELensMetadata(
                modelName: loaded.name, layer: layer, contextSize: maxLength,
                prependsBOS: corpus.beginning != nil, dataset: provenance.dataset),
            report: report, note: parameters)
        note("\(folder.path): \(report.summary)")
    }

    private func quality(_ autoencoder: TopKAutoencoder, _ rows: PaddedRows)
        -> TrainingReport.Quality
    {
        let firsts = Set(text.starts)
        let heldOut = DictionaryQuality(
            autoencoder, rows, text.trainingTokens..<text.tokens, workers: settings.workers)
        let training = DictionaryQuality(
            autoencoder, rows, 0..<text.trainingTokens, workers: settings.workers)
        let later = heldOut.explained { !firsts.contains($0) }
        let silent = zip(heldOut.uses, training.uses)
        let share = { (count: Int) in Double(count) / Double(settings.features) }
        return TrainingReport.Quality(
            explained_variance: heldOut.explained { _ in true }.share,
            explained_variance_without_position_0: later.share,
            median_explained_per_token: later.median,
            training_explained_variance_without_position_0:
                training.explained { !firsts.contains($0) }.share,
            mean_l0: heldOut.meanL0,
            dead_share: share(silent.count { $0 == 0 && $1 == 0 }),
            silent_share_on_held_out: share(heldOut.uses.count { $0 == 0 }))
    }
}
