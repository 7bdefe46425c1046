// SPDX-License-Identifier: Apache-2.0
// stage-dictionary train: arguments, one call, one report.

import ArgumentParser
import FeatureDictionaries
import Foundation
import Sequences
import Stages
import Transformer
import UserErrors

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a dictionary of the residual stream that enters each given layer.",
        discussion: """
            Writes, for each layer, a folder such as L5 that SAELens can load (cfg.json and \
            sae_weights.safetensors), with training.json, which tells how well the dictionary \
            reconstructs text that it was not trained on.
            """)

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Option(
        parsing: .upToNextOption,
        help:
            "Files, folders or globs of .txt or .jsonl, plain or .gz or .zst; - is standard input.")
    var corpus: [String]

    @Option(help: "Layers whose input is to be explained: numbers, or all.")
    var layers: String

    @OptionGroup var reading: CorpusArguments

    @Option(help: "Features for each dimension of the residual stream.")
    var featuresPerDimension = 8

    @Option(help: "Features that fire at a token, at most.")
    var k = 32

    @Option(help: "Steps of training.")
    var steps = TrainingSettings(features: 1, k: 1).steps

    @Option(help: "The largest learning rate.")
    var learningRate = TrainingSettings(features: 1, k: 1).learningRate

    @Option(help: "Tokens of the corpus to use, at most.")
    var maxTokens = 500_000

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 0

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The folder to write the layers' folders to.")
    var outputFolder: String

    @Option(help: "Text to keep beside each dictionary, in the file .parameters.")
    var note: String?

    func validate() throws {
        try reading.validate()
        func require(_ value: Int, _ name: String, in range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw ValidationError(
                    "\(name) must be from \(range.lowerBound) to \(range.upperBound).")
            }
        }
        try require(featuresPerDimension, "--features-per-dimension", in: 1...1024)
        try require(k, "--k", in: 1...4096)
        try require(steps, "--steps", in: 1...100_000_000)
        try require(maxTokens, "--max-tokens", in: 1...1_000_000_000)
        guard learningRate.isFinite, learningRate > 0 else {
            throw ValidationError("--learning-rate must be a positive number.")
        }
    }

    func run() throws {
        let loaded = try LoadedModel(opening: model)
        let description = loaded.model.description
        let selection = try HeadSelection(layers: layers, heads: "", of: description)
        let features = description.dModel * featuresPerDimension
        guard k <= features else {
            throw UserError(
                "--k \(k): is more than the \(features) features that \(featuresPerDimension) for each of \(description.dModel) dimensions make; lower it."
            )
        }
        let layers = Set(selection.heads.map(\.layer)).sorted()
        let output = DictionaryFolder(URL(filePath: outputFolder))
        for layer in layers { try refuseSecond(of: layer, in: output) }
        var settings = TrainingSettings(features: features, k: k)
        settings.steps = steps
        settings.learningRate = learningRate
        settings.seed = seed
        settings.workers = workers.count
        let corpus = try TokenizedCorpus(paths: corpus, arguments: reading, loaded: loaded)
        let text = try TrainingText(corpus, maxTokens: maxTokens, seed: seed)
        let training = Training(
            loaded: loaded, corpus: corpus, text: text, settings: settings,
            maxLength: reading.seqLen)
        try training.run(layers: layers, output: output.url, note: note)
    }

    /// Refuses to put a dictionary beside one of the same layer that was made elsewhere.
    private func refuseSecond(of layer: Int, in folder: DictionaryFolder) throws {
        let own = folder.folder(forLayer: layer).lastPathComponent
        guard let other = try folder.locate(layer: layer), other.folder.lastPathComponent != own
        else { return }
        throw UserError(
            "\(other.folder.path): is a dictionary of layer \(layer) already; make evidence LAYERS=\(layer) uses it, another --output-folder (DICTIONARIES) trains one."
        )
    }
}
