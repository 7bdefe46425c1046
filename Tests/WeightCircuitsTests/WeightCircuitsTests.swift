// SPDX-License-Identifier: Apache-2.0
// Scores and composition from weights against the matrices written out in full, in Float64.

import Foundation
import Tensors
import TestSupport
import Testing
import Transformer
import WeightCircuits

@Suite struct WeightCircuitsTests {
    /// Families with fused and separate tensors, grouped queries, norms of queries and keys, norms behind attention,
    /// layer norm and RMS norm, tied and untied unembeddings.
    static let models = [
        "gpt2", "llama", "qwen3", "gpt_neox", "gemma2", "gemma3", "olmo2", "bloom",
        "induction-gpt2",
    ]

    @Test(arguments: models)
    func `scores are those of the vocabulary-sized circuits`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let vocabulary = try VocabularyProducts(model, workers: 2)
        let (embedding, unembedding) = try Written.vocabulary(model)
        let centred = embedding.centred
        for layer in [0, model.description.nLayers - 1] {
            for weights in try HeadWeights.all(ofLayer: layer, of: model, workers: 1)
                .prefix(2)
            {
                let plain = Written(weights, dModel: model.description.dModel)
                let scores = try HeadScores(
                    FoldedHead(weights, dModel: model.description.dModel), vocabulary)
                let copying = centred.times(plain.ov).times(unembedding.centred.transposed)
                #expect(abs(try #require(scores.copying) - (try copying.balance())) < 2e-3)
                let matching = centred.times(plain.qk).times(centred.transposed)
                #expect(abs(scores.matching - (try matching.balance())) < 2e-3)
                #expect(abs(scores.ovRank / (try plain.ov.participation()) - 1) < 1e-4)
                #expect(abs(scores.qkRank / (try plain.qk.participation()) - 1) < 1e-4)
            }
        }
    }

    @Test(arguments: ["gpt2", "llama", "qwen3", "gemma2", "olmo2"], [1, 3])
    func `composition is the norm of the product over the product of norms`(
        name: String, workers: Int
    ) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let (composition, plain) = try Self.pairs(of: model, workers: workers)
        let n = plain.count
        for writer in 0..<n {
            for reader in 0..<n {
                let isLater =
                    composition.heads[writer].layer < composition.heads[reader].layer
                let ov = plain[writer].ov
                let readers: [(ReadingSide, Written.Matrix)] = [
                    (.query, plain[reader].qk.transposed), (.key, plain[reader].qk),
                    (.value, plain[reader].ov),
                ]
                for (side, circuit) in readers {
                    // ov is [from, to]: what is written is read by the circuit's last axis for keys.
                    let product =
                        side == .value
                        ? ov.times(circuit) : ov.times(circuit.transposed)
                    let expected =
                        isLater ? product.norm / (ov.norm * circuit.norm) : 0
                    let got = try #require(composition.composition[side])[writer * n + reader]
                    #expect(abs(Double(got) - expected) < 1e-5)
                }
            }
        }
    }

    @Test(arguments: ["gpt2", "llama", "qwen3", "olmo2"], [1, 3])
    func `the projection kernel is the trace of the product of both projections`(
        name: String, workers: Int
    ) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let (pairs, plain) = try Self.pairs(of: model, workers: workers)
        let n = plain.count
        // The projection onto the rows of X is that onto the images of X^T X.
        let written = plain.map { $0.output.projectionOntoRows() }
        for reader in 0..<n {
            for (side, matrix) in [
                (ReadingSide.query, plain[reader].query), (.key, plain[reader].key),
                (.value, plain[reader].value),
            ] {
                let read = matrix.projectionOntoRows()
                #expect(
                    try #require(pairs.readDimensions[side])[reader] == Int(read.trace.rounded()))
                for writer in 0..<n where pairs.heads[writer].layer < pairs.heads[reader].layer {
                    let got = try #require(pairs.kernel[side])[writer * n + reader]
                    #expect(abs(Double(got) - written[writer].times(read).trace) < 1e-4)
                }
            }
        }
    }

    @Test(arguments: ["gpt2", "llama", "qwen3", "olmo2"], [1, 3])
    func `likeness is the cosine of two heads' maps`(name: String, workers: Int) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let (pairs, plain) = try Self.pairs(of: model, workers: workers)
        let n = plain.count
        for (circuit, maps) in [
            (WeightCircuit.qk, plain.map(\.qk)), (.ov, plain.map(\.ov)),
        ] {
            let likeness = try #require(pairs.likeness[circuit])
            for a in 0..<n {
                for b in 0..<n {
                    let cosine = maps[a].dot(maps[b]) / (maps[a].norm * maps[b].norm)
                    #expect(abs(Double(likeness[a * n + b]) - cosine) < 1e-5)
                }
            }
        }
    }

    @Test func `unrelated heads stay within what chance gives`() throws {
        var random = RandomStream(seed: 5)
        let (dModel, dHead) = (96, 8)
        func matrix() -> [Float] {
            (0..<dHead * dModel).map { _ in Float(random.nextNormal()) }
        }
        var layers: [[FoldedHead]] = []
        var ranks: [(ov: Double, qk: Double)] = []
        for layer in 0..<2 {
            let heads = (0..<40).map { head in
                FoldedHead(
                    HeadAddress(layer: layer, head: head), dModel: dModel, query: matrix(),
                    key: matrix(), value: matrix(), output: matrix())
            }
            for head in heads {
                let plain = Written(head)
                ranks.append((try plain.ov.participation(), try plain.qk.participation()))
            }
            layers.append(heads)
        }
        let composition = try Self.pairs(of: layers, workers: 2)
        for side in ReadingSide.allCases {
            let scores = try #require(composition.composition[side])
            var deviations: [Double] = []
            for writer in 0..<40 {
                for reader in 40..<80 {
                    let chance = Chance.squaredComposition(
                        writerRank: ranks[writer].ov,
                        readerRank: side == .value ? ranks[reader].ov : ranks[reader].qk,
                        dModel: dModel)
                    let score = Double(scores[writer * 80 + reader])
                    deviations.append((score * score - chance.mean) / chance.deviation)
                }
            }
            let mean = deviations.reduce(0, +) / 1600
            let variance = deviations.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1600
            #expect(abs(mean) < 0.15)
            #expect((0.8...1.25).contains(variance))
            let chance = Chance.projectionKernel(
                writerDimension: dHead, readerDimension: dHead, dModel: dModel)
            let kernel = try #require(composition.kernel[side])
            let above = (0..<40).flatMap { writer in
                (40..<80).map {
                    (Double(kernel[writer * 80 + $0]) - chance.mean) / chance.deviation
                }
            }
            let average = above.reduce(0, +) / 1600
            #expect(abs(average) < 0.1)
            #expect(
                (0.85...1.15).contains(
                    above.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 1600))
        }
    }

    @Test func `the induction fixture's induction heads read the keys of its previous-token head`()
        throws
    {
        let model = try Model(opening: Fixtures.url("models/induction-gpt2"))
        let (composition, plain) = try Self.pairs(of: model, workers: 1)
        let n = plain.count
        let scores = try #require(composition.composition[.key])
        let known = try JSONDecoder().decode(
            Known.self, from: Data(contentsOf: Fixtures.url("models/induction-gpt2/expected.json"))
        ).heads
        let previousToken = try #require(
            known.max { $0.previous_token_score < $1.previous_token_score })
        // Against chance, as the tree orders them: a head of rank 1 composes strongly with all by itself.
        func deviations(_ writer: Int, _ reader: Int) throws -> Double {
            let chance = Chance.squaredComposition(
                writerRank: try plain[writer].ov.participation(),
                readerRank: try plain[reader].qk.participation(),
                dModel: model.description.dModel)
            let score = Double(scores[writer * n + reader])
            return (score * score - chance.mean) / chance.deviation
        }
        var firsts: [(writer: HeadAddress, deviations: Double)] = []
        for reader in known where reader.induction_score > 0.5 {
            let place = try #require(composition.heads.firstIndex(of: reader.address))
            let all = try (0..<n).filter { composition.heads[$0].layer == 0 }.map {
                (composition.heads[$0], try deviations($0, place))
            }
            firsts.append(try #require(all.max { $0.1 < $1.1 }))
        }
        // Of the four, L1H2 stands nearer to a head of rank 1.
        #expect(firsts.count == 4)
        #expect(firsts.count { $0.writer == previousToken.address } == 3)
        let strongest = try #require(firsts.max { $0.deviations < $1.deviations })
        #expect(strongest.writer == previousToken.address && strongest.deviations > 25)
    }

    /// What the patterns of the fixture's heads say.
    private struct Known: Decodable {
        struct Head: Decodable {
            let layer: Int
            let head: Int
            // The keys keep the names they have in the file.
            // swift-format-ignore: AlwaysUseLowerCamelCase
            let previous_token_score: Double
            // swift-format-ignore: AlwaysUseLowerCamelCase
            let induction_score: Double

            var address: HeadAddress { HeadAddress(layer: layer, head: head) }
        }
        let heads: [Head]
    }

    /// - Parameter memory: for layers that are held; 0 reads every layer again for each later one.
    private static func pairs(
        of layers: [[FoldedHead]], workers: Int, memory: Int = 1 << 30
    ) throws -> HeadPairs {
        try HeadPairs(layers.flatMap { $0.map(\.address) }, workers: workers, memory: memory) {
            layers[$0]
        }
    }

    private static func pairs(of model: Model, workers: Int) throws -> (HeadPairs, [Written]) {
        let dModel = model.description.dModel
        var plain: [Written] = []
        var layers: [[FoldedHead]] = []
        for layer in 0..<model.description.nLayers {
            let weights = try HeadWeights.all(ofLayer: layer, of: model, workers: workers)
            plain += weights.map { Written($0, dModel: dModel) }
            layers.append(weights.map { FoldedHead($0, dModel: dModel) })
        }
        return (try pairs(of: layers, workers: workers, memory: workers == 1 ? 0 : 1 << 30), plain)
    }
}
