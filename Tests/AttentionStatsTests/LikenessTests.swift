// SPDX-License-Identifier: Apache-2.0
// The likeness of heads against its definition in Float64, and its sums against their promise.

import AttentionStats
import Foundation
import TestSupport
import Testing
import Transformer

@Suite struct LikenessTests {
    private let model: Model
    private let selection: HeadSelection

    init() throws {
        model = try Model(opening: Fixtures.url("models/mistral"))
        selection = HeadSelection(allOf: model.description)
    }

    private func sequence(_ id: Int, length: Int, watching queries: [Int]) -> ScanSequence {
        let tokens = (0..<length).map { Int32(($0 * 7 + id * 13 + $0 * $0 * 3) % 200) }
        return ScanSequence(
            id: id, tokens: tokens[...], isInPool: false, watchedQueries: queries)
    }

    private func likeness(_ batch: [ScanSequence], workers: Int = 1) throws -> Likeness {
        let maxLength = batch.map(\.tokens.count).max() ?? 1
        let plan = ScanPlan(edgesPerSequence: 0, edgeRanking: .attention)
        let visitors = (0..<workers).map { _ in ScanVisitor(plan, maxLength: maxLength) }
        let results = BatchResults(sequences: batch.count, heads: selection.heads.count)
        for visitor in visitors { visitor.begin(batch, into: results) { _, _, _ in false } }
        try ForwardPass(model, selection: selection, maxLength: maxLength, workers: workers)
            .run(batch.map(\.tokens), visitors: visitors)
        var likeness = Likeness(heads: selection.heads.count)
        likeness.add(batch, results, workers: workers)
        return likeness
    }

    @Test func `each pair's sum is that of the mean coefficients of the watched queries`() throws {
        let batch = [
            sequence(0, length: 40, watching: [3, 39]), sequence(1, length: 9, watching: [1]),
            sequence(2, length: 5, watching: []), sequence(3, length: 2, watching: [1]),
        ]
        let n = selection.heads.count
        var (sum, squares) = (
            [Double](repeating: 0, count: n * n), [Double](repeating: 0, count: n * n)
        )
        for sequence in batch where !sequence.watchedQueries.isEmpty {
            let recorder = Recorder(model.description, selection: selection)
            let length = sequence.tokens.count
            try ForwardPass(model, selection: selection, maxLength: length, workers: 1)
                .run([sequence.tokens], visitors: [recorder])
            for (i, a) in selection.heads.enumerated() {
                for (j, b) in selection.heads.enumerated() {
                    let (left, right) = (
                        try #require(recorder.layers[a.layer]).attention,
                        try #require(recorder.layers[b.layer]).attention
                    )
                    var mean = 0.0
                    for q in sequence.watchedQueries {
                        for k in 1..<length where k <= q {
                            let x = Double(left[(a.head * length + q) * length + k])
                            let y = Double(right[(b.head * length + q) * length + k])
                            mean += (x * y).squareRoot() / Double(sequence.watchedQueries.count)
                        }
                    }
                    sum[i * n + j] += mean
                    squares[i * n + j] += mean * mean
                }
            }
        }
        let got = try likeness(batch)
        #expect(got.sequences == 3)
        for i in sum.indices {
            #expect(abs(got.sum[i] - sum[i]) < 1e-5)
            #expect(abs(got.sumOfSquares[i] - squares[i]) < 1e-5)
        }
        // A window of keys and a sink leave every head less than all of its attention.
        #expect(sum.allSatisfy { $0 > 0 && $0 < 3 })
    }

    @Test func `parts add up to the whole to the bit, in any order and with any workers`() throws {
        let batch = (0..<6).map { sequence($0, length: 10 + 9 * $0, watching: [4, 7 + $0]) }
        let whole = try likeness(batch)
        let parts = try batch.reversed().map { try likeness([$0], workers: 2) }
        var total = Likeness(heads: whole.heads)
        for part in parts { total += part }
        #expect(total == whole)
    }
}
