// SPDX-License-Identifier: Apache-2.0
// The vectorised sweep against definitions written out in Float64 on the recorded scores.

import AttentionStats
import Foundation
import TestSupport
import Testing
import Transformer

/// Every statistic by its definition, slowly.
private struct SlowSums {
    var sums = HeadSums()
    var massByDistance: [Double]
    var highPairs: [AttentionPair] = []
    /// [S][S].
    var attention: [[Double]] = []

    init(scores: [Float], tokens: [Int32], highAttention: Double, sink: Double? = nil) {
        let s = tokens.count
        massByDistance = Array(repeating: 0, count: DistanceBins.count(forLength: s))
        for q in 0..<s {
            let row = (0..<s).map { Double(scores[q * s + $0]) }
            let visible = row.filter { !$0.isNaN }
            let z = visible.map { exp($0) }.reduce(0, +) + (sink.map { exp($0) } ?? 0)
            let a = row.map { $0.isNaN ? 0 : exp($0) / z }
            attention.append(a)
            sums.entropy -= a.filter { $0 > 0 }.map { $0 * log($0) }.reduce(0, +)
            sums.selfAttention += a[q]
            if q > 0 { sums.previousToken += a[q - 1] }
            sums.sink += a[0]
            if sink != nil { sums.learnedSink += 1 - a.reduce(0, +) }
            if a[0] > 0.3 { sums.restingQueries += 1 }
            let entropy = -a.filter { $0 > 0 }.map { $0 * log($0) }.reduce(0, +)
            sums.effectiveKeys += exp(entropy) / Double(visible.count)
            sums.local += (0..<s).filter { abs($0 - q) <= 8 }.map { a[$0] }.reduce(0, +)
            for k in 0..<s {
                let d = abs(q - k)
                sums.distance += a[k] * Double(d)
                sums.distanceSquared += a[k] * Double(d * d)
                massByDistance[d == 0 ? 0 : Int(log2(Double(d))) + 1] += a[k]
            }
            for j in 0..<q where tokens[j] == tokens[q] {
                sums.induction += a[j + 1]
                sums.duplicateToken += a[j]
            }
            if visible.count >= 2 {
                let mean = visible.reduce(0, +) / Double(visible.count)
                let variance =
                    visible.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(visible.count)
                let sorted = visible.sorted(by: >)
                sums.logitRows += 1
                sums.logitStd += variance.squareRoot()
                sums.topLogitMargin += sorted[0] - sorted[1]
                sums.logitZScore += variance > 0 ? (sorted[0] - mean) / variance.squareRoot() : 0
            }
            guard q > 0 else { continue }
            for k in 1..<s {
                if a[k] > Double(sums.maxActivation) { sums.maxActivation = Float(a[k]) }
                if a[k] >= highAttention {
                    highPairs.append(AttentionPair(query: q, key: k, attention: Float(a[k])))
                }
            }
        }
    }
}

/// Runs every head of a fixture on these tokens, with everything kept.
private func scan(
    _ model: Model, _ sequences: [[Int32]], workers: Int = 1, edges: Int = 5,
    ranking: EdgeRanking = .attention
) throws -> BatchResults {
    let selection = HeadSelection(allOf: model.description)
    let maxLength = sequences.map(\.count).max() ?? 1
    var plan = ScanPlan(edgesPerSequence: edges, edgeRanking: ranking)
    plan.keyGroups = selection.keyGroups(of: model.description)
    plan.outputGrams = try model.outputGrams(selection)
    let visitors = (0..<workers).map { _ in ScanVisitor(plan, maxLength: maxLength) }
    let results = BatchResults(sequences: sequences.count, heads: selection.heads.count)
    let batch = sequences.enumerated().map {
        ScanSequence(id: $0.offset, tokens: $0.element[...], isInPool: true)
    }
    for visitor in visitors {
        visitor.begin(batch, into: results) { _, _, _ in true }
    }
    let pass = try ForwardPass(
        model, selection: selection, maxLength: maxLength, workers: workers)
    try pass.run(batch.map(\.tokens), visitors: visitors)
    return results
}

private func record(_ model: Model, _ tokens: [Int32]) throws -> [Int: Recorder.Layer] {
    let selection = HeadSelection(allOf: model.description)
    let recorder = Recorder(model.description, selection: selection)
    let pass = try ForwardPass(model, selection: selection, maxLength: tokens.count, workers: 1)
    try pass.run([tokens[...]], visitors: [recorder])
    return recorder.layers
}

private func pseudoRandomTokens(_ count: Int, vocabulary: Int, seed: UInt64) -> [Int32] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int32((state >> 33) % UInt64(vocabulary))
    }
}

@Suite struct HeadSumsTests {
    @Test(arguments: ["gpt2", "llama", "mistral", "gemma2", "bert"], [1, 2, 15, 16, 17, 33, 64])
    func `every sum is what its definition says`(name: String, length: Int) throws {
        try expectDefinitions(name, length: length)
    }

    /// Learned sinks, ALiBi, chunks, windows to both sides, gates and heads of several widths.
    @Test(
        arguments: [
            "gpt_oss", "bloom", "llama4", "modernbert", "qwen3_5-mm", "gemma4-31b", "deepseek_v3",
        ],
        [1, 17, 64])
    func `the sums hold for newer kinds of attention`(name: String, length: Int) throws {
        try expectDefinitions(name, length: length)
    }

    /// Several blocks of rows: the first columns of later blocks lie outside every window.
    @Test(arguments: ["llama", "mistral", "gemma2", "gemma3", "phi3"])
    func `windows hide what lies outside them over several blocks of rows`(name: String) throws {
        try expectDefinitions(name, length: 200)
    }

    /// A head's learned sink; nil in models without.
    private func sink(of head: HeadAddress, in model: Model) throws -> Double? {
        let name = "model.layers.\(head.layer).self_attn.sinks"
        guard model.checkpoint.tensors[name] != nil else { return nil }
        let sinks = try model.checkpoint.tensor(name, shape: [model.description.nHeads]).widened()
        return Double(sinks[head.head])
    }

    private func expectDefinitions(_ name: String, length: Int) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        // A small range of ids makes repeats.
        let tokens = pseudoRandomTokens(length, vocabulary: 12, seed: UInt64(length))
        let results = try scan(model, [tokens])
        let layers = try record(model, tokens)
        let d = model.description
        for (index, address) in HeadSelection(allOf: d).heads.enumerated() {
            let scores = try #require(layers[address.layer]).scores
            let slow = SlowSums(
                scores: Array(
                    scores[address.head * length * length..<(address.head + 1) * length * length]),
                tokens: tokens, highAttention: 0.1, sink: try sink(of: address, in: model))
            let got = results[0, index]
            for (label, a, b) in [
                ("entropy", got.sums.entropy, slow.sums.entropy),
                ("self", got.sums.selfAttention, slow.sums.selfAttention),
                ("previous", got.sums.previousToken, slow.sums.previousToken),
                ("sink", got.sums.sink, slow.sums.sink),
                ("learned sink", got.sums.learnedSink, slow.sums.learnedSink),
                ("distance", got.sums.distance, slow.sums.distance),
                ("distance squared", got.sums.distanceSquared, slow.sums.distanceSquared),
                ("induction", got.sums.induction, slow.sums.induction),
                ("duplicate", got.sums.duplicateToken, slow.sums.duplicateToken),
                ("std", got.sums.logitStd, slow.sums.logitStd),
                ("margin", got.sums.topLogitMargin, slow.sums.topLogitMargin),
                ("z", got.sums.logitZScore, slow.sums.logitZScore),
                ("effective keys", got.sums.effectiveKeys, slow.sums.effectiveKeys),
                ("local", got.sums.local, slow.sums.local),
                ("output norm", got.sums.outputNorm, try outputNorm(address, layers, model)),
                ("max", Double(got.sums.maxActivation), Double(slow.sums.maxActivation)),
            ] {
                #expect(abs(a - b) <= 2e-5 * max(1, abs(b)), "\(label) of \(address): \(a) vs \(b)")
            }
            #expect(got.sums.logitRows == slow.sums.logitRows)
            let nearResting = slow.attention.contains { abs($0[0] - 0.3) < 1e-5 }
            #expect(nearResting || got.sums.restingQueries == slow.sums.restingQueries)
            for (a, b) in zip(got.massByDistance, slow.massByDistance) {
                #expect(abs(Double(a) - b) < 1e-4)
            }
            #expect(got.massByDistance.count == slow.massByDistance.count)
            expectSamePairs(got.highPairs, slow.highPairs, near: 0.1)
            if length > 1 {
                let at = slow.attention[Int(got.sums.maxQuery)][Int(got.sums.maxKey)]
                #expect(abs(at - Double(slow.sums.maxActivation)) < 1e-5)
            }
        }
    }

    /// Σ |z W_O| over positions, by plain loops.
    private func outputNorm(
        _ head: HeadAddress, _ layers: [Int: Recorder.Layer], _ model: Model
    ) throws -> Double {
        let layer = try #require(layers[head.layer])
        let d = model.description
        let z = d.gatesOutput ? layer.gatedZ : layer.z
        let width = d.shape(of: head.layer).dValue
        let output = try model.outputWeights(of: head)
        let length = z.count / (d.nHeads * width)
        return (0..<length).reduce(0.0) { sum, position in
            let row = (head.head * length + position) * width
            let written = (0..<d.dModel).map { column in
                (0..<width).reduce(0.0) {
                    $0 + Double(z[row + $1]) * Double(output[$1 * d.dModel + column])
                }
            }
            return sum + written.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
    }

    @Test func `no sum is forgotten in the table of sums`() {
        var sums = HeadSums()
        (sums.maxActivation, sums.maxQuery, sums.maxKey) = (0.5, 2, 1)
        for (i, sum) in HeadSums.Sum.all.enumerated() {
            #expect(sums[keyPath: sum.field] == 0, "\(sum.name) stands twice in the table")
            sums[keyPath: sum.field] = Double(i + 1)
        }
        for field in Mirror(reflecting: sums).children {
            #expect("\(field.value)" != "\(0.0)", "\(field.label ?? "") is not in HeadSums.Sum.all")
        }
        #expect(Set(HeadSums.Sum.all.map(\.name)).count == HeadSums.Sum.all.count)
        #expect(HeadSums.Sum.all.allSatisfy { ($0.name + $0.about).utf8.allSatisfy { $0 < 128 } })
    }

    @Test func `sums are added and taken away field by field`() {
        var (a, b) = (HeadSums(), HeadSums())
        for (i, sum) in HeadSums.Sum.all.enumerated() {
            a[keyPath: sum.field] = Double(100 * i)
            b[keyPath: sum.field] = Double(i + 1)
        }
        let before = a
        a += b
        for (i, sum) in HeadSums.Sum.all.enumerated() {
            #expect(a[keyPath: sum.field] == Double(100 * i + i + 1))
        }
        a -= b
        #expect(a == before)
        b.distance = .infinity
        #expect(a.isFinite && !b.isFinite)
    }

    /// Equal, except that a pair whose attention is at the threshold to rounding may be missing.
    private func expectSamePairs(_ a: [AttentionPair], _ b: [AttentionPair], near threshold: Float)
    {
        let clear = { (pair: AttentionPair) in abs(pair.attention - threshold) > 1e-5 }
        let (a, b) = (a.filter(clear), b.filter(clear))
        #expect(a.map(\.query) == b.map(\.query))
        #expect(a.map(\.key) == b.map(\.key))
    }

    @Test func `patterns hold the strongest entries of each row above the threshold`() throws {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let tokens = pseudoRandomTokens(50, vocabulary: 288, seed: 3)
        let results = try scan(model, [tokens])
        let layers = try record(model, tokens)
        for (index, address) in HeadSelection(allOf: model.description).heads.enumerated() {
            let attention = try #require(layers[address.layer]).attention
            let pattern = try #require(results[0, index].pattern)
            for q in 0..<50 {
                let row = (0..<50).map { attention[(address.head * 50 + q) * 50 + $0] }
                let expected = row.enumerated().filter { $0.element >= 0.005 }
                    .sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
                    .prefix(8).map(\.offset).sorted()
                let kept = pattern.filter { $0.query == q }
                #expect(kept.map { Int($0.key) } == expected, "row \(q) of \(address)")
                for pair in kept { #expect(abs(pair.attention - row[Int(pair.key)]) < 1e-6) }
            }
        }
    }

    @Test(arguments: EdgeRanking.allCases)
    func `edges are the strongest, with their vectors`(ranking: EdgeRanking) throws {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let d = model.description
        let tokens = pseudoRandomTokens(40, vocabulary: 288, seed: 9)
        let results = try scan(model, [tokens], edges: 7, ranking: ranking)
        let layers = try record(model, tokens)
        let groups = HeadSelection(allOf: d).keyGroups(of: d)
        var named: [Int: Set<UInt16>] = [:]
        for (index, address) in HeadSelection(allOf: d).heads.enumerated() {
            let layer = try #require(layers[address.layer])
            let edges = try #require(results[0, index].edges)
            let kv = d.shape(of: 0).kvHead(of: address.head)
            let output = try model.outputWeights(of: address)
            func vector(_ values: [Float], _ head: Int, _ p: Int) -> [Float] {
                Array(values[((head * 40 + p) * d.dHead)..<((head * 40 + p + 1) * d.dHead)])
            }
            func norm(_ key: Int) -> Float {
                let v = vector(layer.v, kv, key)
                let written = (0..<d.dModel).map { c in
                    (0..<d.dHead).reduce(Float(0)) { $0 + v[$1] * output[$1 * d.dModel + c] }
                }
                return written.reduce(0) { $0 + $1 * $1 }.squareRoot()
            }
            var all: [(strength: Float, q: Int, k: Int)] = []
            for q in 1..<40 {
                for k in 1...q {
                    let a = layer.attention[(address.head * 40 + q) * 40 + k]
                    all.append((ranking == .attention ? a : a * norm(k), q, k))
                }
            }
            all.sort { $0.strength > $1.strength }
            #expect(edges.pairs.count == 7)
            for (i, pair) in edges.pairs.enumerated() {
                #expect(abs(edges.strength[i] - all[i].strength) < 1e-5)
                let (q, k) = (Int(pair.query), Int(pair.key))
                func row(_ vectors: HalfVectors, _ row: UInt16) -> [Float] {
                    vectors.rows(Int(row)..<Int(row) + 1, width: d.dHead).widened(width: d.dHead)
                }
                let keys = results[0, keyGroup: groups[index]]
                expectHalf(row(edges.q, edges.queryRow[i]), vector(layer.q, address.head, q))
                expectHalf(row(keys.k, edges.keyRow[i]), vector(layer.k, kv, k))
                expectHalf(row(keys.v, edges.keyRow[i]), vector(layer.v, kv, k))
                expectHalf(row(edges.z, edges.queryRow[i]), vector(layer.z, address.head, q))
            }
            #expect(edges.q.count == Set(edges.pairs.map(\.query)).count)
            #expect(edges.z.count == edges.q.count)
            named[groups[index], default: []].formUnion(edges.pairs.map(\.key))
        }
        #expect(Set(groups) == Set(0..<d.nLayers * d.nKVHeads))
        for (group, keys) in named {
            #expect(results[0, keyGroup: group].k.count == keys.count)
            #expect(results[0, keyGroup: group].v.count == keys.count)
        }
    }

    /// To the eleven bits of half, of the vector's largest entry where it is small.
    private func expectHalf(_ got: [Float], _ expected: [Float]) {
        let largest = expected.map(abs).max() ?? 0
        for (a, b) in zip(got, expected) { #expect(abs(a - b) <= largest * 0x1p-11 + 1e-5) }
    }

    @Test func `the number of workers and the batch change nothing`() throws {
        let model = try Model(opening: Fixtures.url("models/gemma2"))
        let sequences = (0..<7).map {
            pseudoRandomTokens(5 + 7 * $0, vocabulary: 256, seed: UInt64($0))
        }
        let together = try scan(model, sequences, workers: 3)
        for (s, tokens) in sequences.enumerated() {
            let alone = try scan(model, [tokens])
            for head in 0..<together.heads {
                #expect(together[s, head].sums == alone[0, head].sums)
                #expect(together[s, head].pattern == alone[0, head].pattern)
                #expect(together[s, head].edges == alone[0, head].edges)
                #expect(together[s, keyGroup: head] == alone[0, keyGroup: head])
                #expect(together[s, head].highPairs == alone[0, head].highPairs)
            }
        }
    }

    @Test func `distance bins double in dModel`() {
        #expect([0, 1, 2, 3, 4, 7, 8, 255].map(DistanceBins.bin) == [0, 1, 2, 2, 3, 3, 4, 8])
        #expect(DistanceBins.edges(4) == [0, 1, 2, 4, 8])
        #expect(DistanceBins.count(forLength: 256) == 9)
        #expect(DistanceBins.count(forLength: 257) == 10)
        #expect(DistanceBins.count(forLength: 1) == 1)
    }
}
