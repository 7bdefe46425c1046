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
            Copying and matching scores, ranks, and the composition of every pair of heads. The \
            numbers and their formulas are in Sources/WeightCircuits.
            """,
        version: toolVersion)

    @Option(help: "The model: a Hugging Face folder or a GGUF file.")
    var model: String

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(output, apartFrom: [model])
        let model = try LoadedModel.model(opening: model)
        let d = model.description
        BLAS.prepare()
        var progress = Progress("weights", unit: "layers", total: d.nLayers)
        let vocabulary = try VocabularyProducts(model, workers: workers.count)
        var composition = CompositionBuilder(dModel: d.dModel, workers: workers.count)
        var scores: [HeadScores] = []
        for layer in 0..<d.nLayers {
            if let heads = try heads(ofLayer: layer, of: model) {
                scores += try self.scores(of: heads, vocabulary)
                try composition.append(heads)
            }
            progress.update(layer + 1)
        }
        try file(model, scores, composition.finish()).write(to: output)
        progress.finish(d.nLayers)
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

    private func file(_ model: Model, _ scores: [HeadScores], _ composition: Composition)
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
            heads: composition.heads, metrics: columns,
            composition: Dictionary(
                uniqueKeysWithValues: composition.scores.map { ($0.key.rawValue, $0.value) }))
    }
}
