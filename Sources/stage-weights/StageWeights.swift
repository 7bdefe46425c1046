// SPDX-License-Identifier: Apache-2.0
// A model's weights become work/weights.h5: no corpus, no forward pass.

import ArgumentParser
import Digests
import Foundation
import Stages
import Tensors
import Transformer
import UserErrors
import WeightCircuits
import WorkFiles

@main
struct StageWeights: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-weights",
        abstract: "Computes what the weights alone say of every head of a model.",
        discussion: """
            Copying and matching scores, ranks, and of every pair of heads the composition, the \
            projection kernel and the likeness. The numbers and their formulas are in \
            docs/insight.md.
            """,
        version: toolVersion)

    @Option(help: "The model: a Hugging Face folder or a GGUF file.")
    var model: String

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(output, apartFrom: [], orIn: [model])
        let model = try LoadedModel.model(opening: model)
        let d = model.description
        BLAS.prepare()
        var progress = Progress("weights", unit: "layers", total: d.nLayers)
        let vocabulary = try VocabularyProducts(model, workers: workers.count)
        var scores: [HeadScores] = []
        var heads: [HeadAddress] = []
        for layer in 0..<d.nLayers {
            if let layer = try self.heads(ofLayer: layer, of: model) {
                scores += try self.scores(of: layer, vocabulary)
                heads += layer.map(\.address)
            }
            progress.update(layer + 1)
        }
        progress.finish(d.nLayers)
        try file(model, scores, try pairs(of: heads, model)).write(to: output)
    }

    /// Bytes that layers may take which wait for others to be compared with.
    private static let heldLayers = 1 << 30

    private func pairs(of heads: [HeadAddress], _ model: Model) throws -> HeadPairs {
        let layers = Set(heads.map(\.layer)).count
        let total = layers * (layers + 1) / 2
        var progress = Progress("pairs of heads", unit: "pairs of layers", total: total)
        let pairs = try HeadPairs(heads, workers: workers.count, memory: Self.heldLayers) {
            try self.heads(ofLayer: $0, of: model) ?? []
        } progress: {
            progress.update($0)
        }
        progress.finish(total)
        return pairs
    }

    /// The heads of a layer; nil, with a line that says so, where they cannot be taken apart.
    private func heads(ofLayer layer: Int, of model: Model) throws -> [FoldedHead]? {
        guard model.description.layers[layer].hasAttention else { return nil }
        do { try model.refuseToTakeApart(layer: layer) } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            return nil
        }
        return try HeadWeights.all(ofLayer: layer, of: model, workers: workers.count).map {
            FoldedHead($0, dModel: model.description.dModel)
        }
    }

    private func scores(of heads: [FoldedHead], _ vocabulary: VocabularyProducts) throws
        -> [HeadScores]
    {
        var results = [Result<HeadScores, any Error>?](repeating: nil, count: heads.count)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            share(heads.count, among: workers.count) { _, i in
                results[i] = Result { try HeadScores(heads[i], vocabulary) }
            }
        }
        return try results.compactMap { try $0?.get() }
    }

    private func file(_ model: Model, _ scores: [HeadScores], _ pairs: HeadPairs)
        throws -> WeightsFile
    {
        var provenance = Provenance()
        provenance["tool_version"] = .text(toolVersion)
        provenance["model"] = .text(LoadedModel.name(of: model.url))
        provenance["model_family"] = .text(model.description.family)
        provenance["model_sha256"] = .text(try sha256(of: model.checkpoint.files))
        let columns = WeightMetric.all.compactMap { metric -> WeightsFile.Column? in
            let values = scores.compactMap(metric.value)
            guard values.count == scores.count else { return nil }
            return WeightsFile.Column(
                name: metric.name, about: metric.description, values: values)
        }
        return WeightsFile(
            provenance: provenance, dModel: model.description.dModel,
            heads: pairs.heads, metrics: columns, composition: named(pairs.composition),
            kernel: named(pairs.kernel), likeness: named(pairs.likeness),
            dimensions: named(pairs.readDimensions)
                .merging(["o": pairs.writtenDimensions]) { own, _ in own })
    }

    /// By the names that the file has for sides and circuits.
    private func named<Kind: RawRepresentable<String>, Value>(
        _ values: [Kind: Value]
    ) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    }
}
