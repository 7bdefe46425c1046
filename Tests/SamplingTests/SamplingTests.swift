// SPDX-License-Identifier: Apache-2.0
// Sampling: priorities, intervals, top sequences, tables.

import AttentionStats
import Sampling
import Testing

@Suite struct SamplingTests {
    /// Activations without order, all different.
    private func activations(_ count: Int) -> [Float] {
        let priority = Priority(seed: 99, layer: 0, head: 0)
        return (0..<count).map { Float(Double(priority($0)) / 0x1p64) }
    }

    @Test func `intervals are equal buckets in the order of activation`() {
        let values = activations(1000)
        let intervals = Intervals(values, count: 10)
        for interval in 1...10 {
            let members = values.indices.filter { intervals.interval[$0] == interval }
            #expect(members.count == 100)
            let above = values.indices.filter { intervals.interval[$0] > interval }
            let highest = members.map { values[$0] }.max() ?? 0
            #expect(above.allSatisfy { values[$0] > highest })
        }
    }

    @Test(arguments: [1, 2, 5, 9, 10, 11, 23])
    func `few sequences make smaller buckets, and the strongest is in the top one`(count: Int) {
        let values = activations(count)
        let intervals = Intervals(values, count: 10)
        #expect(intervals.interval.allSatisfy { (1...10).contains($0) })
        let strongest = values.indices.max { values[$0] < values[$1] } ?? 0
        #expect(intervals.interval[strongest] == 10)
        let chosen = chooseSequences(
            intervals, candidates: Array(0..<count), priority: Priority(seed: 1, layer: 0, head: 0),
            samplesPerInterval: 20, top: 10)
        #expect(chosen.map(\.sequence).sorted() == Array(0..<count))
    }

    @Test func `a sample has the asked number of each interval, the exact top, and no duplicate`() {
        let values = activations(3000)
        let intervals = Intervals(values, count: 10)
        let priority = Priority(seed: 7, layer: 5, head: 1)
        let threshold = Priority.threshold(keeping: 600, of: 3000)
        let candidates = (0..<3000).filter { priority($0) < threshold }
        let chosen = chooseSequences(
            intervals, candidates: candidates, priority: priority, samplesPerInterval: 20, top: 10)
        #expect(Set(chosen.map(\.sequence)).count == chosen.count)
        for interval in 1...9 { #expect(chosen.count { $0.interval == interval } == 20) }
        let top = values.indices.sorted { values[$0] > values[$1] }.prefix(10)
        #expect(Set(chosen.filter(\.isTop).map(\.sequence)) == Set(top))
        #expect((20...30).contains(chosen.count { $0.interval == 10 }))
        #expect(
            chosen.map { values[$0.sequence] } == chosen.map { values[$0.sequence] }.sorted(by: >))
    }

    @Test func `within an interval every sequence is as likely as any other`() {
        // 400 seeds draw 20 of 100 in each interval: every sequence is drawn 80 times on average,
        // with a standard deviation of 8. Six of those is never exceeded by a fair sample.
        let intervals = Intervals(activations(1000), count: 10)
        var drawn = [Int](repeating: 0, count: 1000)
        for seed in 0..<400 as Range<UInt64> {
            let chosen = chooseSequences(
                intervals, candidates: Array(0..<1000),
                priority: Priority(seed: seed, layer: 3, head: 4), samplesPerInterval: 20, top: 0)
            for sequence in chosen { drawn[sequence.sequence] += 1 }
        }
        #expect(drawn.allSatisfy { abs($0 - 80) < 48 })
        #expect(drawn.reduce(0, +) == 400 * 200)
    }

    @Test func `priorities of different heads and seeds have nothing in common`() {
        let a = Priority(seed: 0, layer: 1, head: 2)
        let b = Priority(seed: 0, layer: 2, head: 1)
        let c = Priority(seed: 1, layer: 1, head: 2)
        let both = (0..<10_000).count { (a($0) < 1 << 63) == (b($0) < 1 << 63) }
        #expect(abs(both - 5000) < 300)
        #expect((0..<100).allSatisfy { a($0) != c($0) })
    }

    @Test func `the top sequences do not depend on the order they come in`() {
        let values = activations(500).map { ($0 * 50).rounded() }  // with ties
        var forward = TopSequences(count: 10)
        var backward = TopSequences(count: 10)
        for s in 0..<500 { _ = forward.offer(values[s], sequence: s) }
        for s in (0..<500).reversed() { _ = backward.offer(values[s], sequence: s) }
        let expected = (0..<500).sorted {
            values[$0] == values[$1] ? $0 < $1 : values[$0] > values[$1]
        }
        #expect(forward.sequences == Array(expected.prefix(10)))
        #expect(backward.sequences == forward.sequences)
        // The same rule as in the intervals: what a scan keeps is what the sampling stage asks for.
        #expect(Intervals(values, count: 10).ascending.suffix(10).reversed() == forward.sequences)
    }

    @Test func `tables leave the sink out, and means want a minimum of occurrences`() {
        let pairs = [
            AttentionPair(query: 1, key: 0, attention: 0.9),
            AttentionPair(query: 1, key: 1, attention: 0.1),
            AttentionPair(query: 3, key: 2, attention: 0.6),
            AttentionPair(query: 4, key: 2, attention: 0.5),
        ]
        // Two ids with the string "a" are one token.
        let names: [Int32: String] = [0: "<s>", 1: "a", 2: "b", 3: "c", 4: "a"]
        let sequence = (tokens: [0, 1, 2, 4, 3] as ArraySlice<Int32>, pairs: pairs)
        let tables = TokenTables([sequence], minimumCount: 2) { names[$0] ?? "" }
        #expect(tables.queries.map(\.token) == ["a", "c"])
        #expect(abs(tables.queries[0].weight - 0.7) < 1e-6)
        #expect(tables.keys.map(\.token) == ["b", "a"])
        #expect(tables.queryMeans.map(\.token) == ["a"])
        #expect(abs(tables.queryMeans[0].weight - 0.35) < 1e-6)
        #expect(tables.keyMeans.map(\.token) == ["a"])
    }

    @Test func `histograms count everything once`() {
        let histogram = Histogram(activations: [0, 0.04, 0.05, 0.999, 1], bins: 20)
        #expect(histogram.values.reduce(0, +) == 5)
        #expect(histogram.values[0] == 2 && histogram.values[1] == 1 && histogram.values[19] == 2)
        let pairs = [
            AttentionPair(query: 5, key: 5, attention: 1),
            AttentionPair(query: 5, key: 4, attention: 1),
            AttentionPair(query: 9, key: 2, attention: 1),
            AttentionPair(query: 9, key: 0, attention: 1),
        ]
        let distances = Histogram(distances: [pairs], maxLength: 16)
        #expect(distances.edges == [0, 1, 2, 4, 8, 16])
        #expect(distances.values == [1, 1, 0, 1, 0])
    }
}
