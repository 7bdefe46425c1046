// SPDX-License-Identifier: Apache-2.0
// What heads write, against plain sums and sorts.

import Foundation
import Tensors
import TestSupport
import Testing
import Transformer
import WeightCircuits

@Suite struct WritesTests {
    @Test(arguments: ["llama", "gpt2", "gemma2"], [1, 3])
    func `tokens are ranked by their logit above the vocabulary's mean`(
        name: String, workers: Int
    ) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let unembedding = try #require(try FoldedUnembedding(model))
        let d = model.description
        var random = RandomStream(seed: 3)
        let n = 70
        let directions = (0..<n * d.dModel).map { _ in Float(random.nextNormal()) }
        let rankings = TokenRanking.of(
            directions, by: unembedding, count: 5, workers: workers)
        let (_, plain) = try Written.vocabulary(model)
        for row in 0..<n {
            let logits = (0..<d.dVocab).map { token in
                (0..<d.dModel).reduce(0.0) {
                    $0 + Double(directions[row * d.dModel + $1])
                        * plain.values[token * d.dModel + $1]
                }
            }
            let mean = logits.reduce(0, +) / Double(d.dVocab)
            let order = logits.indices.sorted { logits[$0] > logits[$1] }
            let (high, low) = (rankings[row].promotes, rankings[row].suppresses)
            #expect(high.map { Int($0.token) } == Array(order.prefix(5)))
            #expect(low.map { Int($0.token) } == Array(order.reversed().prefix(5)))
            for entry in high + low {
                #expect(abs(Double(entry.weight) - (logits[Int(entry.token)] - mean)) < 1e-4)
            }
        }
    }

    @Test func `means are over the edges to a token, frequent tokens first by attention`() {
        let means = KeyTokenMean.all(
            tokens: [7, 8, 7, 9, 7, 8, 8], attention: [0.5, 0.9, 0.25, 1, 0.75, 0.6, 0.6],
            values: (0..<7).flatMap { [Float($0), 1, 99] }, width: 3, dValue: 2, limit: 3)
        #expect(means.map(\.token) == [nil, 8, 7, 9])
        #expect(means.map(\.count) == [7, 3, 3, 1])
        #expect(abs(means[1].meanAttention - 0.7) < 1e-6)
        // (1 0.9 + 5 0.6 + 6 0.6) / 3 and (0.9 + 0.6 + 0.6) / 3.
        #expect(abs(means[1].carried[0] - 2.5) < 1e-6 && abs(means[1].carried[1] - 0.7) < 1e-6)
        #expect(means[3].carried == [3, 1])
        #expect(
            KeyTokenMean.all(
                tokens: [], attention: [], values: [], width: 3, dValue: 2, limit: 3
            ).isEmpty)
    }
}

@Suite struct OVDirectionTests {
    @Test(arguments: ["gpt2", "llama", "gemma2", "olmo2", "induction-gpt2"])
    func `directions are singular pairs of the circuit written out`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let d = model.description.dModel
        for weights in try HeadWeights.all(ofLayer: 0, of: model, workers: 1).prefix(2) {
            let plain = Written(weights, dModel: d).ov
            let pairs = try OVDirection.leading(3, of: FoldedHead(weights, dModel: d))
            let total = plain.norm * plain.norm
            #expect(!pairs.isEmpty)
            for pair in pairs {
                let (reads, writes) = (pair.reads.map(Double.init), pair.writes.map(Double.init))
                for vector in [reads, writes] {
                    #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
                }
                // x ov is what is written of x: reads ov = s writes, ov writes^T = s reads^T.
                for i in 0..<d {
                    let written = (0..<d).reduce(0.0) { $0 + reads[$1] * plain.values[$1 * d + i] }
                    let read = (0..<d).reduce(0.0) { $0 + plain.values[i * d + $1] * writes[$1] }
                    #expect(abs(written - pair.strength * writes[i]) < 1e-4 * plain.norm)
                    #expect(abs(read - pair.strength * reads[i]) < 1e-4 * plain.norm)
                }
                #expect(abs(pair.share - pair.strength * pair.strength / total) < 1e-4)
            }
            // No unit vector is carried farther than the first: power iteration finds the same value.
            var x = (0..<d).map { Double(($0 * 7919) % 13) - 6 }
            for _ in 0..<300 {
                let y = (0..<d).map { i in
                    (0..<d).reduce(0.0) { $0 + x[$1] * plain.values[$1 * d + i] }
                }
                x = (0..<d).map { i in
                    (0..<d).reduce(0.0) { $0 + plain.values[i * d + $1] * y[$1] }
                }
                let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
                x = x.map { $0 / norm }
            }
            let carried = (0..<d).map { i in
                (0..<d).reduce(0.0) { $0 + x[$1] * plain.values[$1 * d + i] }
            }
            let strongest = carried.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(pairs[0].strength / strongest - 1) < 1e-3)
            #expect(zip(pairs, pairs.dropFirst()).allSatisfy { $0.strength >= $1.strength })
        }
    }

    @Test func `tokens along a direction are ranked by their embeddings`() throws {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let d = model.description
        let (plain, _) = try Written.vocabulary(model)
        var random = RandomStream(seed: 5)
        let direction = (0..<d.dModel).map { _ in Float(random.nextNormal()) }
        let ranking = TokenRanking.of(
            direction, by: try Embedding(model), count: 4, workers: 1)[0]
        let along = (0..<d.dVocab).map { token in
            (0..<d.dModel).reduce(0.0) {
                $0 + Double(direction[$1]) * plain.values[token * d.dModel + $1]
            }
        }
        let order = along.indices.sorted { along[$0] > along[$1] }
        #expect(ranking.promotes.map { Int($0.token) } == Array(order.prefix(4)))
        #expect(ranking.suppresses.map { Int($0.token) } == Array(order.reversed().prefix(4)))
    }
}
