// SPDX-License-Identifier: Apache-2.0
// stage-dictionary evidence: arguments, one call, one report.

import ArgumentParser
import Explanations
import FeatureDictionaries
import Foundation
import Sequences
import Stages
import UserErrors

struct Evidence: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Collects the text on which the features of a dictionary fire.",
        discussion: """
            Walks the corpus once up to the dictionary's layer and writes, for each feature, how \
            often and how strongly it fires, snippets from its strongest to its weakest firings, \
            and the tokens at which it fires. `h5dump -H` explains the file.
            """)

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Option(
        parsing: .upToNextOption,
        help:
            "Files, folders or globs of .txt or .jsonl, plain or .gz or .zst; - is standard input.")
    var corpus: [String]

    @OptionGroup var reading: CorpusArguments

    @Option(help: "A folder with dictionaries: a folder for each layer, such as L5.")
    var dictionaries: String

    @OptionGroup var chosen: DictionaryArguments

    @Option(help: "The layer whose input the dictionary describes.")
    var layer: Int

    @Option(help: "Strongest firings of a feature that are kept.")
    var top = EvidencePlan().top

    @Option(help: "Firings of a feature that are kept as a uniform sample of all.")
    var samples = EvidencePlan().samples

    @Option(help: "Seed of the sampling.")
    var seed: UInt64 = 0

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        try reading.validate()
        for (value, name) in [(top, "--top"), (samples, "--samples")] {
            guard (1...1000).contains(value) else {
                throw ValidationError("\(name) must be from 1 to 1000, not \(value).")
            }
        }
    }

    func run() throws {
        let loaded = try LoadedModel(opening: model)
        guard (0..<loaded.model.description.nLayers).contains(layer) else {
            throw UserError(
                "--layer is \(layer), but the model has layers 0 to \(loaded.model.description.nLayers - 1)."
            )
        }
        let (files, dictionary) = try DictionaryFolder(
            URL(filePath: dictionaries), choice: chosen.choice
        ).open(layer: layer, of: loaded.model.description)
        let corpus = try TokenizedCorpus(paths: corpus, arguments: reading, loaded: loaded)
        try corpus.requireContext(of: loaded)
        var plan = EvidencePlan()
        (plan.top, plan.samples, plan.seed) = (top, samples, seed)
        let run = EvidenceRun(
            loaded: loaded, files: files, dictionary: dictionary, corpus: corpus, plan: plan,
            maxLength: reading.seqLen,
            workers: workers.count)
        try run.write(to: output)
    }
}
