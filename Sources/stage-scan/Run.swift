// SPDX-License-Identifier: Apache-2.0
// stage-scan run: arguments, one call, one report.

import ArgumentParser
import AttentionStats
import Foundation
import Sequences
import Stages
import Tensors
import Transformer
import WorkFiles

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scans a corpus into an HDF5 file.",
        discussion: """
            Walks every document once and writes, for each sequence and head, sums from which all \
            metrics follow, a sample of sparse attention patterns, the exact top sequences, and the \
            strongest edges with their vectors. `h5dump -H` explains the file.
            """)

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Option(
        parsing: .upToNextOption,
        help:
            "Files, folders or globs of .txt or .jsonl, plain or .gz or .zst; - is standard input.")
    var corpus: [String]

    @Option(help: "Layers to study: numbers, or all.")
    var layers = ""

    @Option(help: "Single heads to study, such as \"5.1 8.3\".")
    var heads = ""

    @OptionGroup var reading: CorpusArguments

    @Option(help: "Samples that each activation interval is prepared for.")
    var samplesPerInterval = 20

    @Option(help: "Number of activation intervals.")
    var intervals = 10

    @Option(help: "How many of each head's very top sequences are kept.")
    var topSequences = 10

    @Option(
        help: "Edges that each head keeps for the clouds, at most as many points as they can have.")
    var points = 6000

    @Option(help: "What makes an edge strong: attention or output_norm.")
    var edges = EdgeRanking.attention

    @OptionGroup var lens: LensArguments

    @Option(
        help:
            "What the products of weights are computed in: float32, or bf16 with sums in float32, faster and rounded (needs oneDNN)."
    )
    var precision = Precision.float32

    @Option(help: "Seed of all sampling.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Scan only shard i of n, from 1/n to n/n, into a part for stage-scan merge.",
            valueName: "i/n"),
        transform: Shard.init(parsing:))
    var shard: Shard?

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        try reading.validate()
        try requirePositive(samplesPerInterval, "--samples-per-interval", atMost: 100_000)
        try requirePositive(intervals, "--intervals", atMost: 1000)
        try requirePositive(topSequences, "--top-sequences", atMost: 100_000)
        try requirePositive(points, "--points", atMost: 1_000_000)
    }

    func run() throws {
        try requireOutput(output, apartFrom: corpus, orIn: [model])
        try precision.requireSupport()
        let loaded = try LoadedModel(opening: model)
        let selection = try HeadSelection(
            layers: layers, heads: heads, of: loaded.model.description)
        let corpus = try TokenizedCorpus(paths: corpus, arguments: reading, loaded: loaded)
        let scan = try Scan(
            loaded: loaded, selection: selection, corpus: corpus,
            settings: settings(directPath: try lens.directPath(of: loaded, selection)))
        try scan.run(shard: shard, output: output)
    }

    private func settings(directPath: DirectPath?) -> Scan.Settings {
        Scan.Settings(
            maxLength: reading.seqLen, samplesPerInterval: samplesPerInterval,
            nIntervals: intervals, topSequences: topSequences, points: points, edges: edges,
            directPath: directPath, precision: precision, seed: seed, workers: workers.count)
    }
}

extension EdgeRanking: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// Refuses a parameter that is not from 1 to `limit`.
func requirePositive(_ value: Int, _ name: String, atMost limit: Int) throws {
    guard (1...limit).contains(value) else {
        throw ValidationError("\(name) must be from 1 to \(limit), not \(value).")
    }
}
