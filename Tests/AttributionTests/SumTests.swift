// SPDX-License-Identifier: Apache-2.0
// In every family, all terms together are the score that transformers computes, and every pair is what
// plain loops make of it.

import Attribution
import FeatureDictionaries
import Foundation
import HDF5
import TestSupport
import Testing
import Transformer
import UserErrors

/// HDF5 keeps global state without locks: tests that read it run one after the other.
@Suite(.serialized) struct SumTests {
    static let families = [
        "gpt2", "llama", "llama3-rope", "mistral", "qwen2", "qwen3", "gpt_neox", "gemma2", "gemma3",
        "phi3", "olmo2", "bert", "llama-bf16", "bloom", "cohere2", "exaone4", "falcon",
        "falcon-40b",
        "falcon-rw", "gemma", "gemma3-mm", "glm4", "gpt_bigcode", "gpt_neo", "gpt_oss", "gptj",
        "granite", "llama4", "ministral3", "mixtral", "modernbert", "muse_glimmer", "nemotron",
        "olmo3", "opt-350m", "phi", "qwen3_5-mm", "qwen3_moe", "qwen3_next", "roberta", "smollm3",
        "stablelm", "starcoder2",
    ]

    @Test(arguments: [
        ("deepseek_v3", "low-rank"), ("olmo", "clipped"), ("gemma4-e2b-mm", "layer 2"),
        ("gemma4-31b", "normalised"),
    ])
    func `what is no bilinear form is refused with the reason`(
        name: String, reason: String
    ) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let error = #expect(throws: UserError.self) {
            try HeadWeights(
                HeadAddress(layer: model.description.nLayers - 1, head: 0), of: model)
        }
        #expect(error?.description.contains(reason) == true)
    }

    /// Random directions, neither orthogonal nor complete: most of the stream is left to the error.
    private func dictionary(layer: Int, dModel: Int, seed: UInt64) -> FeatureDictionary {
        var random = SplitMix(state: seed)
        let count = 3 * dModel
        let encoder = (0..<count * dModel).map { _ in
            Float(random.normal()) / Float(dModel).squareRoot()
        }
        return FeatureDictionary(
            layer: layer, activation: .topK(12), encoder: encoder,
            encoderBias: (0..<count).map { _ in 0.1 * Float(random.normal()) },
            decoder: encoder.map { 0.4 * $0 + 0.02 * Float(random.normal()) },
            decoderBias: (0..<dModel).map { _ in 0.2 * Float(random.normal()) })
    }

    @Test(arguments: families)
    func `all terms add up to the reference's score and to what the head writes`(
        name: String
    ) throws {
        let folder = Fixtures.url("models/\(name)")
        let model = try Model(opening: folder)
        let d = model.description
        let file = try H5File.open(folder.appending(path: "expected.h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let n = ids.count
        var edges: [HeadEdge] = []
        for layer in 0..<d.nLayers where try file.exists("layers/\(layer)/scores") {
            for (i, head) in [0, d.nHeads - 1].enumerated() {
                let address = HeadAddress(layer: layer, head: head)
                edges += [(n - 1, n - 2 - i), (n / 2, n / 2), (n - 2, n - 4)].map {
                    HeadEdge(address, query: $0.0, key: $0.1)
                }
            }
        }
        let pass = try ForwardPass(
            model, selection: model.heads(observing: edges), maxLength: n, workers: 2)
        let observations = try pass.observe([edges], on: [ids[...]])[0]
        let everything = AttributionLimits.all
        for (edge, observation) in zip(edges, observations) {
            let layer = edge.head.layer
            let dictionary = dictionary(layer: layer, dModel: d.dModel, seed: UInt64(layer + 1))
            let circuit = try HeadCircuit(
                HeadWeights(edge.head, of: model), of: d, at: observation)
            let attributor = EdgeAttributor(
                circuit, at: observation, dictionary, limits: everything)

            let scores: [Float] = try file.read("layers/\(layer)/scores")
            let bias = d.keyBias.map { $0(head: edge.head.head, key: edge.key) } ?? 0
            let expected =
                Double(scores[(edge.head.head * n + edge.query) * n + edge.key]) - Double(bias)
            let qk = attributor.attribution(.qk)
            let sum = qk.explained + qk.errorTerms.reduce(0) { $0 + $1.value }
            #expect(abs(sum - expected) < 1e-3, "\(name) \(edge)")
            #expect(abs(qk.total - expected) < 1e-3)
            #expect(qk.pairs.count == 144)
            #expect(abs(qk.pairs.reduce(0) { $0 + $1.attribution } - qk.explained) < 1e-6)
            for marginals in [qk.queryMarginals, qk.keyMarginals] {
                #expect(abs(marginals.reduce(0) { $0 + $1.score } - qk.explained) < 1e-6)
                for marginal in marginals {
                    let parts = marginal.interactions.reduce(0) { $0 + $1.score }
                    #expect(abs(parts - marginal.score) < 1e-6)
                }
            }
            #expect(
                zip(qk.pairs, qk.pairs.dropFirst()).allSatisfy {
                    abs($0.attribution) >= abs($1.attribution)
                })

            let ov = attributor.attribution(.ov)
            let ovSum = ov.explained + ov.errorTerms.reduce(0) { $0 + $1.value }
            #expect(abs(ovSum - ov.total) < 1e-3 * max(1, abs(ov.total)))
            let moved = try moved(edge, observation, model)
            for write in ov.writes.prefix(20) {
                let direction = dictionary.decoder[
                    Int(write.marginal.feature) * d.dModel..<Int(write.marginal.feature + 1)
                        * d.dModel
                ].map(Double.init)
                let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let along = zip(direction, moved).reduce(0) { $0 + $1.0 * $1.1 } / length
                #expect(abs(write.total - along) < 1e-3, "\(name) \(edge)")
                let features = write.marginal.interactions.reduce(0) { $0 + $1.score }
                #expect(abs(features - write.marginal.score) < 1e-6)
                let others = write.errorTerms.reduce(0) { $0 + $1.value }
                #expect(abs(features + others - along) < 1e-3)
            }
        }
    }

    /// A[q,k] v W_O in plain loops, through the norm of attention's output where there is one.
    private func moved(
        _ edge: HeadEdge, _ observation: EdgeObservation, _ model: Model
    ) throws -> [Double] {
        let d = model.description
        let dValue = d.shape(of: edge.head.layer).dValue
        func projected(_ z: [Double], _ head: Int) throws -> [Double] {
            let address = HeadAddress(layer: edge.head.layer, head: head)
            let weights = try model.outputWeights(of: address)
            return (0..<d.dModel).map { n in
                (0..<dValue).reduce(0) { $0 + z[$1] * Double(weights[$1 * d.dModel + n]) }
            }
        }
        let gate = observation.gate
        let v = observation.v.enumerated().map { i, value in
            Double(value) * Double(observation.attention) * (gate.isEmpty ? 1 : Double(gate[i]))
        }
        let moved = try projected(v, edge.head.head)
        let weights = try HeadWeights(edge.head, of: model)
        guard let norm = weights.outputNorm, case .rootMeanSquare(let epsilon, _) = norm.norm.kind
        else { return moved }
        var whole = [Double](repeating: 0, count: d.dModel)
        for head in 0..<d.nHeads {
            let z = observation.layerOutput[head * dValue..<(head + 1) * dValue]
            for (n, value) in try projected(z.map(Double.init), head).enumerated() {
                whole[n] += value
            }
        }
        let square = whole.reduce(0) { $0 + $1 * $1 } / Double(d.dModel) + Double(epsilon)
        return zip(moved, norm.norm.weight).map { $0 * Double($1) / square.squareRoot() }
    }

    @Test func `a pair is the obvious bilinear form, written out for Llama`() throws {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let d = model.description
        let edge = HeadEdge(HeadAddress(layer: 1, head: 1), query: 7, key: 3)
        let ids: [Int32] = (0..<10).map { 5 + 3 * $0 }
        let pass = try ForwardPass(
            model, selection: model.heads(observing: [edge]), maxLength: 10, workers: 1)
        let observation = try pass.observe([[edge]], on: [ids[...]])[0][0]
        let weights = try HeadWeights(edge.head, of: model)
        let dictionary = dictionary(layer: 1, dModel: d.dModel, seed: 9)
        let qk = EdgeAttributor(
            try HeadCircuit(weights, of: d, at: observation), at: observation, dictionary
        ).attribution(.qk)
        let norm = try #require(weights.inputNorm)
        guard case .rootMeanSquare(let epsilon, _) = norm.kind else { return }
        let frequencies = d.rotaries[try #require(d.layers[1].rotary)].inverseFrequencies

        func read(
            _ feature: Int32, _ activation: Float, at residual: [Float],
            _ matrix: [Float], position: Int
        ) -> [Double] {
            let square = residual.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(d.dModel)
            let rms = (square + Double(epsilon)).squareRoot()
            var vector = [Double](repeating: 0, count: d.dHead)
            for i in 0..<d.dHead {
                for n in 0..<d.dModel {
                    let x =
                        Double(activation) * Double(dictionary.decoder[Int(feature) * d.dModel + n])
                    vector[i] += x / rms * Double(norm.weight[n]) * Double(matrix[i * d.dModel + n])
                }
            }
            let half = frequencies.count
            for i in 0..<half {
                let angle = Double(position) * frequencies[i]
                let (a, b) = (vector[i], vector[i + half])
                vector[i] = a * cos(angle) - b * sin(angle)
                vector[i + half] = b * cos(angle) + a * sin(angle)
            }
            return vector
        }
        #expect(qk.pairs.count == 30)
        for pair in qk.pairs {
            let q = read(
                pair.query, pair.queryActivation, at: observation.queryResidual,
                weights.query.matrix, position: 7)
            let k = read(
                pair.key, pair.keyActivation, at: observation.keyResidual, weights.key.matrix,
                position: 3)
            let product = zip(q, k).reduce(0) { $0 + $1.0 * $1.1 } * Double(d.scoreScale)
            #expect(abs(pair.attribution - product) < 1e-6)
        }
    }
}

extension AttributionLimits {
    /// Nothing is left out.
    static var all: AttributionLimits {
        var limits = AttributionLimits()
        limits.pairs = .max
        limits.marginals = 100_000
        limits.interactions = 100_000
        return limits
    }
}
