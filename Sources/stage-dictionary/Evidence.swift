// SPDX-License-Identifier: Apache-2.0
// stage-dictionary evidence: arguments, one call, one report.

import ArgumentParser
import Explanations
import FeatureDictionaries
import Foundation
import Sequences
import Stages
import Transformer
import UserErrors
import WorkFiles

struct Evidence: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Collects the text on which the features of dictionaries fire.",
        discussion: """
            Walks the corpus once up to the last layer (more often where the dictionaries of all \
            layers do not fit into memory) and writes for each layer a file such as \
            features-L5.h5: for each feature how often and how strongly it fires, snippets from \
            its strongest to its weakest firings, and the tokens at which it fires. `h5dump -H` \
            explains the file. Of a dictionary of the outputs of a layer's heads (hook_z) the file is \
            features-Z5.h5.

            A large corpus is shared out with --shard i/n and --output, and stage-dictionary merge \
            makes the same files of the n parts.
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

    @Option(
        help: "The layers whose input or heads' outputs the dictionaries describe: numbers, or all."
    )
    var layers: String

    @Option(help: "Strongest firings of a feature that are kept.")
    var top = EvidencePlan().top

    @Option(help: "Firings of a feature that are kept as a uniform sample of all.")
    var samples = EvidencePlan().samples

    @Option(help: "Seed of the sampling.")
    var seed: UInt64 = 0

    @OptionGroup var workers: WorkerArguments

    @Option(
        help:
            "Look at piece i of n of the corpus, as i/n, and write one part for stage-dictionary merge.",
        transform: Shard.init(parsing:))
    var shard: Shard?

    @Option(help: "The folder to write the layers' files to.")
    var outputFolder: String?

    @Option(help: "With --shard, the part to write.")
    var output: String?

    /// The share of the machine's memory that dictionaries may take.
    private static let memoryShare = 0.25

    func validate() throws {
        try reading.validate()
        for (value, name) in [(top, "--top"), (samples, "--samples")] {
            guard (1...1000).contains(value) else {
                throw ValidationError("\(name) must be from 1 to 1000, not \(value).")
            }
        }
        if shard != nil, output == nil || outputFolder != nil {
            throw ValidationError("--shard writes one part: name it with --output, and no folder.")
        }
        if shard == nil, output != nil || outputFolder == nil {
            throw ValidationError(
                "name the folder of the layers' files with --output-folder; --output belongs to --shard."
            )
        }
    }

    func run() throws {
        if let output {
            try requireOutput(output, apartFrom: corpus + filesOfDictionaries, orIn: [model])
        }
        let loaded = try LoadedModel(opening: model)
        let description = loaded.model.description
        let selection = try HeadSelection(layers: layers, heads: "", of: description)
        let corpus = try TokenizedCorpus(paths: corpus, arguments: reading, loaded: loaded)
        try corpus.requireContext(of: loaded)
        var plan = EvidencePlan()
        (plan.top, plan.samples, plan.seed) = (top, samples, seed)
        let folder = DictionaryFolder(URL(filePath: dictionaries), choice: chosen.choice)
        var waiting = Set(selection.heads.map(\.layer)).sorted()[...]
        var part: FeaturesPartWriter?
        repeat {
            let run = EvidenceRun(
                loaded: loaded, dictionaries: try next(&waiting, in: folder, of: description),
                corpus: corpus, plan: plan, maxLength: reading.seqLen, workers: workers.count)
            if let shard, let output {
                let open = try part ?? run.openPart(output, shard)
                part = open
                try run.write(to: open, shard)
            } else if let outputFolder {
                try run.write(into: URL(filePath: outputFolder))
            }
        } while !waiting.isEmpty
        try part?.finish(display: loaded.tokenizer.display)
    }

    private var filesOfDictionaries: [String] {
        let found = FileManager.default.enumerator(atPath: dictionaries)?.allObjects ?? []
        return found.compactMap { ($0 as? String).map { "\(dictionaries)/\($0)" } }
    }

    /// Opens the dictionaries of as many layers as fit into memory, of one at least.
    private func next(
        _ layers: inout ArraySlice<Int>, in folder: DictionaryFolder, of model: ModelDescription
    ) throws -> [EvidenceRun.Opened] {
        let room = Self.memoryShare * Double(ProcessInfo.processInfo.physicalMemory)
        var opened: [EvidenceRun.Opened] = []
        var bytes = 0.0
        while let layer = layers.first, bytes < room {
            let own = try Self.opened(ofLayer: layer, in: folder, of: model)
            for (_, dictionary, _) in own {
                bytes += 2 * 4 * Double(dictionary.dSAE) * Double(dictionary.dModel)
            }
            opened += own
            layers.removeFirst()
        }
        return opened
    }

    /// What there is of a layer: one at least.
    private static func opened(
        ofLayer layer: Int, in folder: DictionaryFolder, of model: ModelDescription
    ) throws -> [EvidenceRun.Opened] {
        let ofHeads = try folder.openHeadOutputs(layer: layer, of: model).map {
            EvidenceRun.Opened($0.files, $0.dictionary, .headOutputs)
        }
        if let ofHeads, try folder.locate(layer: layer) == nil { return [ofHeads] }
        // Without either, opening says what there is.
        let (files, dictionary) = try folder.open(layer: layer, of: model)
        return [(files, dictionary, .residualStream)] + [ofHeads].compactMap { $0 }
    }
}
