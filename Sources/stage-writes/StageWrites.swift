// SPDX-License-Identifier: Apache-2.0
// work/scan.h5 and the unembedding become work/writes.h5: what heads write, in words. No forward pass.

import ArgumentParser
import Foundation
import Stages
import Transformer
import UserErrors
import WeightCircuits
import WorkFiles

@main
struct StageWrites: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-writes",
        abstract: "Tells which tokens each studied head raises and lowers.",
        discussion: """
            For the strongest key tokens of a head, by mean attention over the edges that the scan kept, and for all \
            its edges: the mean of A v W_O through the final norm's gain and the unembedding, above its mean over the \
            vocabulary. And from weights alone, the strongest directions that it carries from key to query: which \
            tokens lie along what is read, and which are raised by what is written.
            """,
        version: toolVersion)

    @Option(help: "The model of the scan: a Hugging Face folder or a GGUF file.")
    var model: String

    @Option(help: "The scan to read.")
    var scan: String

    @Option(help: "Key tokens of each head.")
    var keyTokens = 10

    @Option(help: "Tokens told at each end.")
    var written = 8

    @Option(help: "Directions of each head.")
    var directions = 4

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        guard (0...1000).contains(keyTokens), (1...1000).contains(written),
            (0...1000).contains(directions)
        else {
            throw ValidationError(
                "--key-tokens and --directions must be from 0 to 1000, and --written from 1 to 1000."
            )
        }
    }

    func run() throws {
        try requireOutput(output, apartFrom: [scan], orIn: [model])
        let scan = try ScanFile(scan)
        let loaded = try LoadedModel(opening: model)
        let heads = scan.header.heads
        let d = loaded.model.description
        guard d.dModel == scan.header.model.dModel, d.nLayers == scan.header.model.nLayers else {
            throw UserError(
                "\(model): is not the model of \(self.scan); give --model the one that was scanned."
            )
        }
        guard let unembedding = try FoldedUnembedding(loaded.model) else {
            FileHandle.standardError.write(
                Data(
                    "\(loaded.name) has no linear unembedding: its heads' writes are not told\n"
                        .utf8))
            return try WritesFile(
                provenance: scan.header.provenance, heads: heads, rows: [], directions: [],
                display: [:]
            ).write(to: output)
        }
        var progress = Progress("writes", unit: "heads", total: heads.count)
        let edges = try scan.edges()
        var rows: [WritesFile.Row] = []
        // So many heads at a time that their directions share a walk over the vocabulary.
        for first in stride(from: 0, to: heads.count, by: 128) {
            let batch = first..<min(first + 128, heads.count)
            rows += try self.rows(of: batch, scan, edges, loaded.model, unembedding)
            progress.update(batch.upperBound)
        }
        let directions = try HeadDirections(
            model: loaded.model, embedding: Embedding(loaded.model), unembedding: unembedding,
            count: directions, tokens: written, workers: workers.count
        ).all(of: heads)
        var display: [Int32: String] = [:]
        var told = Set(rows.compactMap(\.key))
        for row in rows { told.formUnion((row.promotes + row.suppresses).map(\.token)) }
        for ends in directions.flatMap({ [$0.reads, $0.writes] }) {
            told.formUnion((ends.high + ends.low).map(\.token))
        }
        for token in told { display[token] = loaded.tokenizer.display(token) }
        try WritesFile(
            provenance: scan.header.provenance, heads: heads, rows: rows, directions: directions,
            display: display
        ).write(to: output)
        progress.finish(heads.count)
    }

    private func rows(
        of heads: Range<Int>, _ scan: ScanFile, _ edges: EdgeTable, _ model: Model,
        _ unembedding: FoldedUnembedding
    ) throws -> [WritesFile.Row] {
        var means: [(head: Int, mean: KeyTokenMean)] = []
        var directions: [Float] = []
        for head in heads {
            let found = try edges.edges(ofHead: head)
            let address = scan.header.heads[head]
            let output = try model.foldedOutputWeights(of: address)
            let dValue = output.count / unembedding.dModel
            let width = found.key.isEmpty ? dValue : found.v.count / found.key.count
            let tokens = zip(found.sequence, found.key).map { sequence, key in
                let ids = scan.tokens(of: sequence)
                return ids[ids.startIndex + key]
            }
            guard dValue <= width else {
                throw UserError(
                    "\(self.scan): the values of \(address) are narrower than the model's; run stage-scan again."
                )
            }
            let all = KeyTokenMean.all(
                tokens: tokens, attention: found.attention, values: found.v, width: width,
                dValue: dValue, limit: keyTokens)
            means += all.map { (head, $0) }
            directions += written(all, output, unembedding.dModel)
        }
        let rankings = TokenRanking.of(
            directions, by: unembedding, count: written, workers: workers.count)
        return zip(means, rankings).map { mean, ranking in
            func entries(_ list: [TokenRanking.Entry]) -> [WritesFile.Entry] {
                list.map { WritesFile.Entry(token: $0.token, weight: $0.weight) }
            }
            return WritesFile.Row(
                head: mean.head, key: mean.mean.token, count: mean.mean.count,
                meanAttention: mean.mean.meanAttention, promotes: entries(ranking.promotes),
                suppresses: entries(ranking.suppresses))
        }
    }

    /// What is carried, through W_O: [means, dModel].
    private func written(_ means: [KeyTokenMean], _ output: [Float], _ dModel: Int) -> [Float] {
        var rows = [Float](repeating: 0, count: means.count * dModel)
        for (row, mean) in means.enumerated() {
            for (i, value) in mean.carried.enumerated() {
                for j in 0..<dModel { rows[row * dModel + j] += value * output[i * dModel + j] }
            }
        }
        return rows
    }
}
