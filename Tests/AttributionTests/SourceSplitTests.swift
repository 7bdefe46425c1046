// SPDX-License-Identifier: Apache-2.0
// A score split over the components of the model, in every family, against transformers' score.

import Attribution
import Foundation
import HDF5
import TestSupport
import Testing
import Transformer
import UserErrors

/// HDF5 keeps global state without locks: tests that read it run one after the other.
@Suite(.serialized) struct SourceSplitTests {
    /// All heads up to a layer.
    private func selection(_ d: ModelDescription, through layer: Int) -> HeadSelection {
        HeadSelection(
            d.attentionLayers.filter { $0 <= layer }.flatMap { l in
                (0..<d.nHeads).map { HeadAddress(layer: l, head: $0) }
            })
    }

    @Test(arguments: SumTests.families)
    func `the parts of both sides add up to the reference's score`(name: String) throws {
        let folder = Fixtures.url("models/\(name)")
        let model = try Model(opening: folder)
        let d = model.description
        let file = try H5File.open(folder.appending(path: "expected.h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let n = ids.count
        for layer in 0..<d.nLayers where try file.exists("layers/\(layer)/scores") {
            let expected: [Float] = try file.read("layers/\(layer)/scores")
            let pass = try ForwardPass(
                model, selection: selection(d, through: layer), maxLength: n, workers: 2)
            for (head, query, key) in [(0, n - 1, n - 2), (d.nHeads - 1, n / 2, n / 2 - 1)] {
                let edge = HeadEdge(HeadAddress(layer: layer, head: head), query: query, key: key)
                let (trace, edges) = try pass.trace([query, key], edges: [edge], on: ids[...])
                let circuit = try HeadCircuit(
                    HeadWeights(edge.head, of: model), of: d, at: edges[0])
                let readings = circuit.scoreReadings()
                let sides = try trace.split(
                    [readings.query, readings.key], of: model, keys: .max)
                let bias = d.keyBias.map { Double($0(head: head, key: key)) } ?? 0
                let score = Double(expected[(head * n + query) * n + key]) - bias
                for parts in sides {
                    let sum = parts.reduce(0) { $0 + $1.value }
                    #expect(abs(sum - score) < 1e-3, "\(name) \(edge)")
                    for part in parts where part.component.kind == .head {
                        let opened = part.keys.reduce(0) { $0 + $1.value }
                        #expect(abs(opened - part.value) < 1e-4, "\(name) \(part.component)")
                    }
                }
                // Heads and MLPs of all earlier layers are there, once each.
                // (A block of a post-LN model has two norms.)
                let components = sides[0].map(\.component).filter { $0.kind != .normBias }
                #expect(Set(components).count == components.count)
                let heads = components.filter { $0.kind == .head }.count
                #expect(heads == d.attentionLayers.count { $0 < layer } * d.nHeads)
            }
        }
    }

    @Test func `a head's part is what its output adds to the score, written out for Llama`() throws
    {
        let model = try Model(opening: Fixtures.url("models/llama"))
        let d = model.description
        let ids: [Int32] = (0..<12).map { 5 + 3 * $0 }
        let edge = HeadEdge(HeadAddress(layer: 1, head: 2), query: 9, key: 4)
        let pass = try ForwardPass(
            model, selection: selection(d, through: 1), maxLength: 12, workers: 1)
        let (trace, edges) = try pass.trace([9, 4], edges: [edge], on: ids[...])
        let weights = try HeadWeights(edge.head, of: model)
        let circuit = try HeadCircuit(weights, of: d, at: edges[0])
        let readings = circuit.scoreReadings()
        let sides = try trace.split([readings.query, readings.key], of: model, keys: 12)

        let recorder = Recorder(d, selection: HeadSelection(allOf: d))
        try ForwardPass(model, selection: HeadSelection(allOf: d), maxLength: 12, workers: 1)
            .run([ids[...]], visitors: [recorder])
        let first = try #require(recorder.layers[0])
        let norm = try #require(weights.inputNorm)
        guard case .rootMeanSquare(let epsilon, _) = norm.kind else { return }
        let frequencies = d.rotaries[try #require(d.layers[1].rotary)].inverseFrequencies

        /// q or k of a vector, the norm's scale held at `stream`.
        func read(
            _ vector: [Double], at stream: [Float], _ matrix: [Float], position: Int
        ) -> [Double] {
            let square = stream.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(d.dModel)
            let rms = (square + Double(epsilon)).squareRoot()
            var result = (0..<d.dHead).map { i in
                (0..<d.dModel).reduce(0.0) {
                    $0 + vector[$1] / rms * Double(norm.weight[$1])
                        * Double(matrix[i * d.dModel + $1])
                }
            }
            for (i, frequency) in frequencies.enumerated() {
                let angle = Double(position) * frequency
                let (a, b) = (result[i], result[i + frequencies.count])
                result[i] = a * cos(angle) - b * sin(angle)
                result[i + frequencies.count] = b * cos(angle) + a * sin(angle)
            }
            return result
        }
        for head in 0..<d.nHeads {
            let output = try model.outputWeights(of: HeadAddress(layer: 0, head: head))
            for (side, position) in [(0, 9), (1, 4)] {
                let part = try #require(
                    sides[side].first { $0.component == .init(kind: .head, layer: 0, head: head) })
                var whole = 0.0
                for key in 0...position {
                    let a = Double(first.attention[(head * 12 + position) * 12 + key])
                    let kv = head / (d.nHeads / d.nKVHeads)
                    let written = (0..<d.dModel).map { n in
                        (0..<d.dHead).reduce(0.0) {
                            $0 + a * Double(first.v[(kv * 12 + key) * d.dHead + $1])
                                * Double(output[$1 * d.dModel + n])
                        }
                    }
                    let product =
                        if side == 0 {
                            zip(
                                read(
                                    written, at: edges[0].queryResidual, weights.query.matrix,
                                    position: 9), edges[0].k)
                        } else {
                            zip(
                                read(
                                    written, at: edges[0].keyResidual, weights.key.matrix,
                                    position: 4), edges[0].q)
                        }
                    let value =
                        product.reduce(0) { $0 + $1.0 * Double($1.1) } * Double(d.scoreScale)
                    let opened = part.keys.first { $0.position == key }?.value ?? 0
                    #expect(abs(opened - value) < 1e-5)
                    whole += value
                }
                #expect(abs(part.value - whole) < 1e-5)
            }
        }
    }

    @Test(arguments: ["llama", "gpt2", "bert", "gemma2", "olmo2", "qwen3", "phi3", "gpt_neox"])
    func `what the heads write is what they add to transformers' logits`(name: String) throws {
        let folder = Fixtures.url("models/\(name)")
        let model = try Model(opening: folder)
        let d = model.description
        guard let unembedding = try FoldedUnembedding(model) else { return }
        let file = try H5File.open(folder.appending(path: "expected.h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let logits: [Float] = try file.read("logits")
        let (n, vocabulary) = (ids.count, logits.count / ids.count)
        let pass = try ForwardPass(
            model, selection: HeadSelection(allOf: d), maxLength: n, workers: 1,
            stopsAtAttention: false)
        let positions = [n - 1, n / 2]
        let trace = try pass.trace(positions, on: ids[...]).trace
        var rows = [Float](repeating: 0, count: vocabulary * d.dModel)
        rows.withUnsafeMutableBufferPointer { rows in
            if let base = rows.baseAddress { unembedding.read(0..<vocabulary, into: base) }
        }
        for token in [1, vocabulary / 3, vocabulary - 1] {
            let row = rows[token * d.dModel..<(token + 1) * d.dModel].map(Double.init)
            // The parts of all components are the logit, but for what no component writes: the difference of two
            // positions does not have it.
            var sums: [Double] = []
            let readings = positions.indices.map { i in
                let scale = unembedding.scale(at: trace.lastStream(row: i))
                return ResidualReading(direction: row.map { $0 * scale }, constant: 0)
            }
            let parts = try trace.split(readings, of: model, keys: 0)
            for (i, position) in positions.enumerated() {
                sums.append(parts[i].reduce(0) { $0 + $1.value })
                for head in 0..<d.nHeads {
                    let address = HeadAddress(layer: 0, head: head)
                    let writing = try trace.writing(of: address, row: i, model)
                    let direct = zip(readings[i].direction, writing.total).reduce(0) {
                        $0 + $1.0 * $1.1
                    }
                    let part = try #require(
                        parts[i].first { $0.component == .init(kind: .head, layer: 0, head: head) })
                    #expect(abs(direct - part.value) < 1e-4, "\(name) position \(position)")
                }
            }
            func logit(_ position: Int) -> Double {
                let value = Double(logits[position * vocabulary + token])
                guard let cap = d.logitSoftCap.map(Double.init) else { return value }
                return cap * atanh(value / cap)
            }
            let difference = logit(positions[0]) - logit(positions[1])
            #expect(abs(sums[0] - sums[1] - difference) < 1e-3, "\(name) token \(token)")
        }
    }
}
