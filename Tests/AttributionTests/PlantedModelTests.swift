// SPDX-License-Identifier: Apache-2.0
// Ground truth: a head that was built to look from one feature to another.

import Attribution
import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import Transformer
import UserErrors

extension PlantedModel {
    /// A dictionary with exactly its features.
    static let dictionary = FeatureDictionary(
        layer: 0, activation: .relu, encoder: features.flatMap { $0.map { Float($0) } },
        encoderBias: features.map { _ in 0 },
        decoder: features.flatMap { $0.map { Float($0) } },
        decoderBias: Array(repeating: 0, count: dModel))
}

@Suite struct PlantedModelTests {
    private let edge = HeadEdge(HeadAddress(layer: 0, head: 1), query: 2, key: 1)

    private func attribution(_ kind: AttributionKind) throws -> EdgeAttribution {
        try withTemporaryFolder { folder in
            try PlantedModel.write(to: folder)
            let model = try Model(opening: folder)
            let pass = try ForwardPass(
                model, selection: model.heads(observing: [edge]), maxLength: 4, workers: 1)
            let observation = try pass.observe([[edge]], on: [[0, 1, 2, 3]])[0][0]
            let circuit = try HeadCircuit(
                HeadWeights(edge.head, of: model), of: model.description, at: observation)
            return EdgeAttributor(circuit, at: observation, PlantedModel.dictionary)
                .attribution(kind)
        }
    }

    /// q k / sqrt(dHead) with q = 3 a_f s_q and k = 2 a_g s_k.
    private let plantedScore =
        3 * 2.0 * PlantedModel.scale(2) * 2 * 1.5 * PlantedModel.scale(1)
        / Double(PlantedModel.dHead).squareRoot()

    @Test func `QK names the planted pair first, with its score`() throws {
        let qk = try attribution(.qk)
        let first = try #require(qk.pairs.first)
        #expect(Int(first.query) == PlantedModel.f && Int(first.key) == PlantedModel.g)
        #expect(abs(first.attribution - plantedScore) < 2e-3)
        #expect(abs(first.queryActivation - 2) < 2e-3 && abs(first.keyActivation - 1.5) < 2e-3)
        #expect(abs(qk.total - plantedScore) < 1e-4)
        #expect(qk.pairs.dropFirst().allSatisfy { abs($0.attribution) < 1e-3 })
        #expect(Int(qk.queryMarginals[0].feature) == PlantedModel.f)
        #expect(abs(qk.queryMarginals[0].score - plantedScore) < 2e-3)
        #expect(Int(qk.keyMarginals[0].feature) == PlantedModel.g)
        #expect(Int(qk.keyMarginals[0].interactions[0].feature) == PlantedModel.f)
    }

    @Test func `OV finds the direction the head writes, though nothing is there yet`() throws {
        let ov = try attribution(.ov)
        let first = try #require(ov.writes.first).marginal
        // The other head has no weights, so its scores are 0; this one sees tokens 0, 1, 2.
        let weights = (0..<3).map { token in
            let g =
                PlantedModel.tokens[token].first { $0.feature == PlantedModel.g }?.activation ?? 0
            let k = 2 * g * PlantedModel.scale(token)
            return exp(
                3 * 2 * PlantedModel.scale(2) * k / Double(PlantedModel.dHead).squareRoot())
        }
        let attention = weights[1] / weights.reduce(0, +)
        #expect(abs(ov.attention - attention) < 1e-5)
        #expect(Int(first.feature) == PlantedModel.h)
        #expect(abs(first.score - attention * 1.5 * 1.5 * PlantedModel.scale(1)) < 2e-3)
        #expect(Int(first.interactions[0].feature) == PlantedModel.g)
        #expect(first.activation < 1e-6)
        // What the query holds is orthogonal to what is written.
        #expect(abs(ov.total) < 1e-4 && ov.pairs.allSatisfy { abs($0.attribution) < 1e-3 })
    }

    @Test func `a key after the query is refused`() throws {
        try withTemporaryFolder { folder in
            try PlantedModel.write(to: folder)
            let model = try Model(opening: folder)
            let edge = HeadEdge(HeadAddress(layer: 0, head: 1), query: 1, key: 2)
            let pass = try ForwardPass(
                model, selection: model.heads(observing: [edge]), maxLength: 4, workers: 1)
            let observation = try pass.observe([[edge]], on: [[0, 1, 2, 3]])[0][0]
            let weights = try HeadWeights(edge.head, of: model)
            #expect(throws: UserError.self) {
                try HeadCircuit(weights, of: model.description, at: observation)
            }
        }
    }
}
