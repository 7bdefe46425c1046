// SPDX-License-Identifier: Apache-2.0
// Ground truth: a head that was built to look from one feature to another and to write a third.

import FeatureDictionaries
import Foundation
import Lab
import Stages
import TestSupport
import Testing
import UserErrors

@Suite struct PlantedTests {
    private static let (f, g, h) = (PlantedModel.f, PlantedModel.g, PlantedModel.h)
    /// The model's own features.
    private static let decoder: [Float] = PlantedModel.features.flatMap { $0.map { Float($0) } }

    private func ask<Asked: LabQuestion>(_ type: Asked.Type, _ json: String) throws -> Asked.Answer
    {
        try withTemporaryFolder { folder in
            try PlantedModel.write(to: folder)
            let dictionary = FeatureDictionary(
                layer: 0, activation: .relu, encoder: Self.decoder,
                encoderBias: PlantedModel.features.map { _ in 0 }, decoder: Self.decoder,
                decoderBias: Array(repeating: 0, count: PlantedModel.dModel))
            let lab = Laboratory(
                try LoadedModel(opening: folder.path), bos: false, workers: 1,
                dictionaries: { _ in dictionary },
                sequences: { id in throw UserError("there is no sequence \(id).") })
            return try LabTests.ask(type, json, in: lab)
        }
    }

    /// The head's weights between unit features: (3 f)(2 g) / sqrt(dHead).
    private let strength = 3 * 2 / Double(PlantedModel.dHead).squareRoot()

    @Test func `virtual weights find the planted pair from either side`() throws {
        for (circuit, from, to) in [("query", Self.f, Self.g), ("key", Self.g, Self.f)] {
            let answer = try ask(
                VirtualQuestion.self,
                #"{"question": "virtual", "layer": 0, "head": 1, "feature": \#(from), "circuit": "\#(circuit)"}"#
            )
            #expect(answer.highest[0].feature == to)
            #expect(abs(answer.highest[0].value - strength) < 1e-5)
            // All of what is read lies along one of dModel directions.
            #expect(
                abs(answer.highest[0].deviations - Double(PlantedModel.dModel).squareRoot()) < 1e-4)
            #expect(answer.highest[0].deviations > answer.chance)
            #expect(answer.highest.dropFirst().allSatisfy { abs($0.value) < 1e-5 })
        }
    }

    @Test func `features that the head does not read match nothing`() throws {
        for circuit in ["query", "key", "output"] {
            let answer = try ask(
                VirtualQuestion.self,
                #"{"question": "virtual", "layer": 0, "head": 1, "feature": 5, "circuit": "\#(circuit)"}"#
            )
            #expect((answer.highest + answer.lowest).allSatisfy { abs($0.value) < 1e-5 })
        }
        // The other head has no weights.
        let answer = try ask(
            VirtualQuestion.self,
            #"{"question": "virtual", "layer": 0, "head": 0, "feature": \#(Self.f), "circuit": "query"}"#
        )
        #expect(answer.highest.allSatisfy { $0.value == 0 && $0.deviations == 0 })
    }

    @Test func `what the head writes is the planted feature`() throws {
        let answer = try ask(
            VirtualQuestion.self,
            #"{"question": "virtual", "layer": 0, "head": 1, "feature": \#(Self.g), "circuit": "output"}"#
        )
        #expect(answer.highest[0].feature == Self.h)
        #expect(abs(answer.highest[0].value - 1.5) < 1e-5)
        #expect(answer.highest.dropFirst().allSatisfy { abs($0.value) < 1e-5 })
    }

    @Test func `sources say that the embedding wrote the planted features`() throws {
        // Token 1 (b) holds g with 1.5, token 2 (c) holds f with 2.
        for (feature, atQuery, atKey) in [(Self.f, 2.0, 0.0), (Self.g, 0.0, 1.5)] {
            let answer = try ask(
                SourcesQuestion.self,
                #"{"question": "sources", "layer": 0, "head": 1, "prompt": "a b c", "query": "c", "key": "b", "feature": \#(feature)}"#
            )
            for (side, activation) in [(answer.querySide, atQuery), (answer.keySide, atKey)] {
                #expect(abs(side.total - activation) < 1e-4)
                for part in side.parts where part.kind != "embedding" {
                    #expect(abs(part.value) < 1e-5)
                }
            }
        }
        let score = try ask(
            SourcesQuestion.self,
            #"{"question": "sources", "layer": 0, "head": 1, "prompt": "a b c", "query": "c", "key": "b"}"#
        )
        let planted = strength * 2 * 1.5 * PlantedModel.scale(2) * PlantedModel.scale(1)
        #expect(abs(score.score - planted) < 1e-4)
    }
}
