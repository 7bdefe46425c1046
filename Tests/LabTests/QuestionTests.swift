// SPDX-License-Identifier: Apache-2.0
// Answers against what the recorder has of the same prompts, in plain loops.

import FeatureDictionaries
import Foundation
import Lab
import TestSupport
import Testing
import Transformer
import UserErrors

@Suite struct QuestionTests {
    private static let ids: [[Int32]] = [
        (0..<14).map { 5 + 3 * $0 }, (0..<11).map { 200 - 7 * $0 },
    ]
    private static let sequences = ["0": ids[0], "1": ids[1]]

    /// Everything of a sequence.
    private func record(_ model: Model, _ ids: [Int32]) throws -> [Int: Recorder.Layer] {
        let all = HeadSelection(allOf: model.description)
        let recorder = Recorder(model.description, selection: all)
        try ForwardPass(model, selection: all, maxLength: ids.count, workers: 1)
            .run([ids[...]], visitors: [recorder])
        return recorder.layers
    }

    /// A head's vector at a position.
    private func vector(
        _ values: [Float], head: Int, position: Int, length: Int, width: Int
    ) -> [Double] {
        let start = (head * length + position) * width
        return values[start..<start + width].map(Double.init)
    }

    /// Turned by so many positions more, in Llama's layout.
    private func turned(_ x: [Double], by steps: Int, _ frequencies: [Double]) -> [Double] {
        var result = x
        for (i, frequency) in frequencies.enumerated() {
            let angle = Double(steps) * frequency
            let (a, b) = (x[i], x[i + frequencies.count])
            result[i] = a * cos(angle) - b * sin(angle)
            result[i + frequencies.count] = b * cos(angle) + a * sin(angle)
        }
        return result
    }

    @Test(arguments: ["llama", "gpt2"])
    func `queries meet the other prompt's keys at the same offset`(name: String) throws {
        let lab = try laboratory(name, sequences: Self.sequences)
        let answer = try ask(
            SwapQuestion.self,
            """
            {"question": "swap", "layer": 1, "head": 2, "prompt": {"sequence": 0}, "query": 12, "key": 7,
             "other": {"prompt": {"sequence": 1}, "query": 9, "key": 5}}
            """, in: lab)
        let d = lab.loaded.model.description
        let (own, other) = (
            try #require(try record(lab.loaded.model, Self.ids[0])[1]),
            try #require(try record(lab.loaded.model, Self.ids[1])[1])
        )
        let kv = 2 / (d.nHeads / d.nKVHeads)
        let frequencies = d.layers[1].rotary.map { d.rotaries[$0].inverseFrequencies } ?? []
        #expect(answer.turned == !frequencies.isEmpty)
        let q = vector(own.q, head: 2, position: 12, length: 14, width: d.dHead)
        var scores: [Double] = []
        for position in 0...9 {
            let k = vector(other.k, head: kv, position: position, length: 11, width: d.dHead)
            scores.append(
                zip(q, turned(k, by: 12 - 9, frequencies)).reduce(0) { $0 + $1.0 * $1.1 }
                    * Double(d.scoreScale))
        }
        let sum = scores.reduce(0) { $0 + exp($1) }
        for position in 0...9 {
            let cell = try #require(answer.row.first { $0.offset == 9 - position }?.after)
            #expect(cell.token.position == position)
            #expect(abs(cell.score - scores[position]) < 1e-4)
            #expect(abs(cell.attention - exp(scores[position]) / sum) < 1e-5)
        }
        for position in 0...12 {
            let cell = try #require(answer.row.first { $0.offset == 12 - position }?.before)
            #expect(
                abs(cell.attention - Double(own.attention[(2 * 14 + 12) * 14 + position])) < 1e-5)
        }
        // The keys of both meet both queries five positions later.
        let crossed = try #require(answer.crossed)
        #expect(abs(crossed.ownQueryOwnKey - Double(own.scores[(2 * 14 + 12) * 14 + 7])) < 1e-4)
        let moved = turned(
            vector(other.k, head: kv, position: 5, length: 11, width: d.dHead), by: 2, frequencies)
        #expect(
            abs(
                crossed.ownQueryOtherKey
                    - zip(q, moved).reduce(0) { $0 + $1.0 * $1.1 } * Double(d.scoreScale)) < 1e-4)
        let otherQ = vector(other.q, head: 2, position: 9, length: 11, width: d.dHead)
        let back = turned(
            vector(own.k, head: kv, position: 7, length: 14, width: d.dHead), by: -3, frequencies)
        #expect(
            abs(
                crossed.otherQueryOwnKey
                    - zip(otherQ, back).reduce(0) { $0 + $1.0 * $1.1 } * Double(d.scoreScale))
                < 1e-4)
    }

    @Test func `geometry is every query with every key at one offset`() throws {
        let lab = try laboratory("llama", sequences: Self.sequences)
        let d = lab.loaded.model.description
        let places = [(0, 3), (1, 8), (0, 10)]
        func list(_ places: [(Int, Int)]) -> String {
            places.map { #"{"prompt": {"sequence": \#($0.0)}, "mark": \#($0.1)}"# }
                .joined(separator: ", ")
        }
        let runs = try Self.ids.map { try #require(try record(lab.loaded.model, $0)[1]) }
        let frequencies = d.rotaries[try #require(d.layers[1].rotary)].inverseFrequencies
        func query(_ i: Int) -> [Double] {
            let (s, p) = places[i]
            return turned(
                vector(runs[s].q, head: 1, position: p, length: Self.ids[s].count, width: d.dHead),
                by: 4 - p, frequencies)
        }
        let keys = [(1, 2), (0, 6), (1, 9)]
        func key(_ i: Int) -> [Double] {
            let (s, p) = keys[i]
            let kv = 1 / (d.nHeads / d.nKVHeads)
            return turned(
                vector(runs[s].k, head: kv, position: p, length: Self.ids[s].count, width: d.dHead),
                by: -p, frequencies)
        }
        func mean(_ rows: [[Double]]) -> [Double] {
            rows[0].indices.map { i in rows.reduce(0) { $0 + $1[i] } / Double(rows.count) }
        }
        let (qMean, kMean) = (mean((0..<3).map(query)), mean((0..<3).map(key)))
        for centred in [false, true] {
            let answer = try ask(
                GeometryQuestion.self,
                """
                {"question": "geometry", "layer": 1, "head": 1, "queries": [\(list(places))],
                 "keys": [\(list(keys))], "offset": 4, "centred": \(centred)}
                """, in: lab)
            var trace = 0.0
            for i in 0..<3 {
                for j in 0..<3 {
                    let q = zip(query(i), qMean).map { $0 - (centred ? $1 : 0) }
                    let k = zip(key(j), kMean).map { $0 - (centred ? $1 : 0) }
                    let expected = zip(q, k).reduce(0) { $0 + $1.0 * $1.1 } * Double(d.scoreScale)
                    #expect(abs(Double(answer.scores.values[i][j]) - expected) < 1e-4)
                    if i == j { trace += expected / 3 }
                }
            }
            #expect(abs(try #require(answer.scores.diagonalMean) - trace) < 1e-4)
            if centred { #expect(answer.scores.rowMeans.allSatisfy { abs($0) < 1e-4 }) }
            #expect(answer.cosines.values.joined().allSatisfy { abs($0) <= 1.000_01 })
        }
    }

    @Test func `a test's rows are the recorder's attention, worst first`() throws {
        let lab = try laboratory("llama")
        let answer = try ask(
            TestQuestion.self,
            """
            {"question": "test", "layer": 1, "head": 3, "resamples": 200, "lists": {"who": ["men", "no"]},
             "prompts": [{"text": "the {who} said that", "query": "that", "a": "{who}", "b": "the", "label": "{who}"},
                         {"text": "no men said", "query": -1, "a": "men", "b": 0, "label": "men"}]}
            """, in: lab)
        #expect(answer.rows.count == 3 && answer.attention.count == 3)
        #expect(answer.labels.map(\.label) == ["men", "no"])
        #expect(answer.labels.map(\.attention.count) == [2, 1])
        let differences = answer.rows.map { Double($0.a.attention) - Double($0.b.attention) }
        #expect(differences == differences.sorted())
        #expect(abs(answer.attention.mean - differences.reduce(0, +) / 3) < 1e-7)
        for row in answer.rows {
            let ids = lab.loaded.tokenizer.encode(row.text)
            let layer = try #require(try record(lab.loaded.model, ids)[1])
            for key in [row.a, row.b] {
                let place = (3 * ids.count + row.query.position) * ids.count + key.token.position
                #expect(abs(key.attention - layer.attention[place]) < 1e-6)
                #expect(abs(try #require(key.score) - layer.scores[place]) < 1e-5)
            }
        }
        #expect(throws: UserError.self) {
            try ask(
                TestQuestion.self,
                #"{"question": "test", "layer": 1, "head": 3, "prompts": [{"text": "a", "query": 0, "a": "zz", "b": 0}]}"#,
                in: lab)
        }
    }

    @Test func `virtual weights are the bilinear form of the weights`() throws {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let d = model.description
        var state = UInt64(5)
        func random() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Double(state >> 11) / 0x1p53 - 0.5)
        }
        let count = 40
        let rows = (0..<count * d.dModel).map { _ in random() }
        let dictionary = FeatureDictionary(
            layer: 1, activation: .relu, encoder: rows,
            encoderBias: [Float](repeating: 0, count: count), decoder: rows,
            decoderBias: [Float](repeating: 0, count: d.dModel))
        let lab = try laboratory("llama", dictionary: dictionary)
        let weights = try HeadWeights(HeadAddress(layer: 1, head: 2), of: model)
        let gains = try #require(weights.inputNorm).weight
        let frequencies = d.rotaries[try #require(d.layers[1].rotary)].inverseFrequencies
        func unit(_ i: Int) -> [Double] {
            let row = rows[i * d.dModel..<(i + 1) * d.dModel].map(Double.init)
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { $0 / length }
        }
        func read(_ x: [Double], _ matrix: [Float]) -> [Double] {
            (0..<d.dHead).map { i in
                (0..<d.dModel).reduce(0) {
                    $0 + x[$1] * Double(gains[$1]) * Double(matrix[i * d.dModel + $1])
                }
            }
        }
        for (circuit, sign) in [("query", 3), ("key", -3)] {
            let answer = try ask(
                VirtualQuestion.self,
                """
                {"question": "virtual", "layer": 1, "head": 2, "feature": 7, "circuit": "\(circuit)", "offset": 3, "count": 500}
                """, in: lab)
            #expect(answer.highest.count == count)
            let isQuery = circuit == "query"
            let own = turned(
                read(unit(7), isQuery ? weights.query.matrix : weights.key.matrix), by: sign,
                frequencies)
            for found in answer.highest {
                let other = read(
                    unit(found.feature), isQuery ? weights.key.matrix : weights.query.matrix)
                let expected = zip(own, other).reduce(0) { $0 + $1.0 * $1.1 } * Double(d.scoreScale)
                #expect(abs(found.value - expected) < 1e-5)
            }
            #expect(
                zip(answer.highest, answer.highest.dropFirst()).allSatisfy { $0.value >= $1.value })
            // Random directions deviate by about one standard deviation.
            let square =
                answer.highest.reduce(0) { $0 + $1.deviations * $1.deviations } / Double(count)
            #expect((0.4...2).contains(square))
        }
        let answer = try ask(
            VirtualQuestion.self,
            #"{"question": "virtual", "layer": 1, "head": 2, "feature": 7, "circuit": "output", "count": 500}"#,
            in: lab)
        let z = read(unit(7), weights.value.matrix)
        let written = (0..<d.dModel).map { n in
            (0..<d.dHead).reduce(0) { $0 + z[$1] * Double(weights.output[$1 * d.dModel + n]) }
        }
        for found in answer.highest.prefix(10) {
            let expected = zip(unit(found.feature), written).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(found.value - expected) < 1e-5)
        }
        #expect(answer.promotes?.isEmpty == false)
    }

    @Test func `what a head writes is split by its keys`() throws {
        let lab = try laboratory("llama", sequences: Self.sequences)
        let answer = try ask(
            WritesQuestion.self,
            #"{"question": "writes", "layer": 0, "head": 1, "prompt": {"sequence": 0}, "query": 3, "key": 2, "count": 5}"#,
            in: lab)
        #expect(answer.keys.map(\.position).sorted() == [0, 1, 2, 3])
        #expect(answer.keys.first?.position == 2)
        for token in answer.total.promotes + answer.total.suppresses {
            let parts = try #require(token.byKey)
            #expect(abs(parts.reduce(0, +) - token.logit) < 1e-4)
        }
        #expect(answer.total.promotes[0].logit >= answer.total.promotes[1].logit)
        #expect(answer.total.suppresses[0].logit < 0)
    }
}
