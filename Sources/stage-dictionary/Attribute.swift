// SPDX-License-Identifier: Apache-2.0
// stage-dictionary attribute: arguments, one call, one report.

import ArgumentParser
import Explanations
import FeatureDictionaries
import Foundation
import Stages
import WorkFiles

struct Attribute: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Takes the strongest edges of each head apart and stores the answers in the tree.",
        discussion: """
            The page shows stored attributions without a backend. Edges whose attribution is there \
            already, from the same model, dictionary and evidence, are passed over.
            """)

    @Option(help: "The model of the scan: a Hugging Face folder, or a .gguf file.")
    var model: String

    @Option(help: "The work files of the tree.")
    var work = "work"

    @Option(help: "The data tree.")
    var data = "data"

    @Option(
        help: "Dictionaries of features, a folder for each layer (default: dictionaries in --work)."
    )
    var dictionaries: String?

    @OptionGroup var described: DescribedDictionaryArguments

    @Option(help: "Which edges: top:20 are 20 of each head, from its top sequences.")
    var edges = EdgeChoice(perHead: 20)

    @Option(help: "Layers to take: numbers, or all.")
    var layers = ""

    @Option(help: "Single heads to take, such as \"5.1 8.3\".")
    var heads = ""

    @Option(
        help:
            "Take only piece i of n of the edges' sequences, as i/n; all pieces together, in any order or at the same time, store what one run without it stores.",
        transform: Shard.init(parsing:))
    var shard: Shard?

    @OptionGroup var workers: WorkerArguments

    func run() throws {
        let work = URL(filePath: work)
        let run = try AttributionRun(
            loaded: LoadedModel(opening: model), work: work, data: URL(filePath: data),
            dictionaries: DictionaryFolder(
                dictionaries.map { URL(filePath: $0) } ?? work.appending(path: "dictionaries"),
                choice: described.choice),
            workers: workers.count)
        try run.write(edges, layers: layers, heads: heads, shard: shard)
    }
}

extension EdgeChoice: ExpressibleByArgument {
    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "top", let count = Int(parts[1]),
            (1...10_000).contains(count)
        else { return nil }
        self.init(perHead: count)
    }
}
