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
