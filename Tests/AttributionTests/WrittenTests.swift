// SPDX-License-Identifier: Apache-2.0
// What a head has of features of its layer's outputs, against plain sums over the attention, values and z that
// transformers gives.

import Attribution
import FeatureDictionaries
import Foundation
import HDF5
import TestSupport
import Testing
import Transformer

/// HDF5 keeps global state without locks: tests that read it run one after the other.
@Suite(.serialized) struct WrittenTests {
    /// Random directions that fire often; the input is made as long as the square root of its width.
    private func dictionary(layer: Int, width: Int) -> FeatureDictionary {
        var random = SplitMix(state: 77)
        let count = 40
        let encoder = (0..<count * width).map { _ in Float(random.normal()) }
        return FeatureDictionary(
            layer: layer, activation: .relu, encoder: encoder,
            encoderBias: (0..<count).map { _ in Float(random.normal()) }, decoder: encoder,
            decoderBias: (0..<width).map { _ in 0.1 * Float(random.normal()) },
            normalization: InputNormalization(rescaling: .constantNorm, isCentred: false))
    }

    @Test(arguments: ["gpt2", "llama", "gemma2", "qwen3", "phi3", "bert", "gpt_oss"])
    func `shares of heads and keys are plain sums over attention and values`(name: String) throws {
        let folder = Fixtures.url("models/\(name)")
        let model = try Model(opening: folder)
        let d = model.description
        let file = try H5File.open(folder.appending(path: "expected.h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let n = ids.count
        let layer = d.nLayers - 1
        let shape = d.shape(of: layer)
        let (heads, width) = (shape.nHeads, shape.dValue)
        let edges = [(n - 1, n - 2), (n / 2, 0), (n - 2, n - 2)].enumerated().map {
            HeadEdge(
                HeadAddress(layer: layer, head: $0.offset % heads), query: $0.element.0,
                key: $0.element.1)
        }
        let pass = try ForwardPass(
            model, selection: model.heads(observing: edges, wholeLayers: [layer]), maxLength: n,
            workers: 2)
        let seen = try pass.observe([edges], on: [ids[...]], wholeLayers: [layer])[0]
        let dictionary = dictionary(layer: layer, width: heads * width)

        let attention: [Float] = try file.read("layers/\(layer)/attention")
        let v: [Float] = try file.read("layers/\(layer)/v")
        let z: [Float] = try file.read("layers/\(layer)/z")
        let valueHeads = v.count / (n * width)
        for (edge, observation) in zip(edges, seen) {
            let written = WrittenFeatures(at: observation, dictionary, limits: .all)
            let whole = (0..<heads).flatMap { head in
                (0..<width).map { Double(z[(head * n + edge.query) * width + $0]) }
            }
            let length = whole.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let gain = Double(whole.count).squareRoot() / length
            var fires = 0
            for feature in 0..<dictionary.dSAE {
                func w(_ head: Int, _ i: Int) -> Double {
                    Double(dictionary.encoder[(feature * heads + head) * width + i])
                }
                var parts = [Double](repeating: 0, count: heads)
                var constant = Double(dictionary.encoderBias[feature])
                for head in 0..<heads {
                    for i in 0..<width {
                        parts[head] += gain * w(head, i) * whole[head * width + i]
                        constant -= w(head, i) * Double(dictionary.decoderBias[head * width + i])
                    }
                }
                let sum = parts.reduce(constant, +)
                guard let found = written.features.first(where: { $0.feature == Int32(feature) })
                else {
                    #expect(sum < 1e-2, "\(name) feature \(feature)")
                    continue
                }
                fires += 1
                let own = edge.head.head
                let tolerance = 5e-3
                #expect(abs(Double(found.activation) - sum) < tolerance, "\(name)")
                #expect(abs(found.head - parts[own]) < tolerance)
                #expect(abs(found.constant - constant) < 1e-4)
                #expect(abs(found.head + found.otherHeads + found.constant - sum) < tolerance)
                func share(_ key: Int) -> Double {
                    let source = own * valueHeads / heads
                    return (0..<width).reduce(0.0) {
                        $0 + gain * w(own, $1) * Double(attention[(own * n + edge.query) * n + key])
                            * Double(v[(source * n + key) * width + $1])
                    }
                }
                #expect(abs(found.key - share(edge.key)) < tolerance)
                #expect(found.keys.allSatisfy { abs($0.score - share($0.key)) < tolerance })
                #expect(abs(found.keys.reduce(0) { $0 + $1.score } - found.head) < 1e-6)
            }
            #expect(fires == written.features.count && fires > 5)
            #expect(
                zip(written.features, written.features.dropFirst()).allSatisfy {
                    abs($0.head) >= abs($1.head)
                })
        }
    }
}
