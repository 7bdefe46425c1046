// SPDX-License-Identifier: Apache-2.0
// What heads add to logits, against the model's own logits and plain loops in Float64.

import AttentionStats
import Foundation
import TestSupport
import Testing
import Transformer

@Suite struct DirectLogitsTests {
    private let tokens: [Int32] = [5, 17, 3, 17, 40, 2, 3, 9, 5, 11, 17, 3]

    /// The residual stream after the last layer, and what the heads did.
    private func run(_ model: Model) throws -> (residual: [Float], layers: [Int: Recorder.Layer]) {
        let selection = HeadSelection(allOf: model.description)
        let recorder = Recorder(model.description, selection: selection)
        let pass = try ForwardPass(
            model, selection: selection, maxLength: tokens.count, workers: 1,
            throughLastLayer: true)
        try pass.run([tokens[...]], visitors: [recorder])
        return (pass.residual(of: 0, length: tokens.count), recorder.layers)
    }

    /// Logits are those of the oracle (see OracleTests). Above their mean over the vocabulary they are the whole
    /// residual stream's direct logits, plus what biases add at every position alike.
    @Test(arguments: ["gpt2", "llama", "mistral", "qwen2", "granite", "cohere2", "bloom", "opt"])
    func `the residual stream's direct logits are the model's logits`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let d = model.description
        let path = try DirectPath(model)
        let (residual, _) = try run(model)
        let logits = try #require(try model.logits(residual, length: tokens.count))
        let scales = path.scales(residual, length: tokens.count)
        let directions = path.directions(of: (0..<Int32(d.dVocab)).map { $0 })
        var constant: [Double] = []
        for position in tokens.indices {
            let row = logits[position * d.dVocab..<(position + 1) * d.dVocab].map(Double.init)
            let mean = row.reduce(0, +) / Double(d.dVocab)
            let rest = (0..<d.dVocab).map { token in
                let direct = (0..<d.dModel).reduce(0.0) {
                    $0 + Double(residual[position * d.dModel + $1])
                        * Double(directions[token * d.dModel + $1])
                }
                return row[token] - mean - direct * Double(scales[position])
            }
            if position == 0 { constant = rest }
            for (a, b) in zip(rest, constant) { #expect(abs(a - b) < 1e-3) }
        }
        let varies = (0..<d.dVocab).contains { abs(logits[$0] - logits[d.dVocab + $0]) > 0.01 }
        #expect(varies)
    }

    @Test(arguments: ["gpt2", "llama", "mistral", "granite"])
    func `a head's share is what its definition says`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let d = model.description
        let path = try DirectPath(model)
        let (residual, layers) = try run(model)
        let scales = path.scales(residual, length: tokens.count)
        let directions = path.directions(of: tokens)
        let results = try scan(model, path)
        let length = tokens.count
        for (index, head) in HeadSelection(allOf: d).heads.enumerated() {
            let layer = try #require(layers[head.layer])
            let shape = d.shape(of: head.layer)
            let output = try model.outputWeights(of: head)
            /// (x W_O) · U[token at position].
            func logit(_ x: ArraySlice<Float>, _ position: Int) -> Double {
                (0..<d.dModel).reduce(0.0) { sum, column in
                    let written = zip(x, 0..<shape.dValue).reduce(0.0) {
                        $0 + Double($1.0) * Double(output[$1.1 * d.dModel + column])
                    }
                    return sum + written * Double(directions[position * d.dModel + column])
                }
            }
            func vector(_ values: [Float], _ head: Int, _ position: Int) -> ArraySlice<Float> {
                let first = (head * length + position) * shape.dValue
                return values[first..<first + shape.dValue]
            }
            let ofKeys = (0..<length).map {
                logit(vector(layer.v, shape.kvHead(of: head.head), $0), $0)
            }
            var (attended, next) = (0.0, 0.0)
            for q in 1..<length - 1 {
                let row = layer.attention[
                    (head.head * length + q) * length..<(head.head * length + q + 1) * length]
                attended +=
                    zip(row, ofKeys).prefix(q + 1).reduce(0) {
                        $0 + Double($1.0) * $1.1
                    } * Double(scales[q])
                next += logit(vector(layer.z, head.head, q), q + 1) * Double(scales[q])
            }
            let got = results[0, index].sums
            #expect(got.logitQueries == Double(length - 2))
            #expect(abs(got.attendedLogit - attended) < 1e-4 * max(1, abs(attended)), "\(head)")
            #expect(abs(got.nextLogit - next) < 1e-4 * max(1, abs(next)), "\(head)")
        }
    }

    private func scan(_ model: Model, _ path: DirectPath) throws -> BatchResults {
        let selection = HeadSelection(allOf: model.description)
        var plan = ScanPlan(edgesPerSequence: 0, edgeRanking: .attention)
        plan.dModel = model.description.dModel
        plan.residualScale = model.description.residualScale
        let visitor = ScanVisitor(plan, maxLength: tokens.count)
        let batch = [
            ScanSequence(
                id: 0, tokens: tokens[...], isInPool: false,
                logits: path.targets(tokens[...], from: 1))
        ]
        let results = BatchResults(sequences: 1, heads: selection.heads.count)
        visitor.begin(batch, into: results) { _, _, _ in false }
        let pass = try ForwardPass(
            model, selection: selection, maxLength: tokens.count, workers: 1,
            throughLastLayer: true)
        try pass.run(batch.map(\.tokens), visitors: [visitor])
        path.finish(batch, results, pass)
        return results
    }

    @Test(arguments: [
        ("gemma2", "normalised as a whole"), ("bert", "no linear map"),
        ("gemma4-31b", "normalised as a whole"),
    ])
    func `a model without a direct path is refused with the reason`(name: String, reason: String)
        throws
    {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let error = #expect(throws: (any Error).self) { try DirectPath(model) }
        #expect("\(try #require(error))".contains(reason))
    }
}
