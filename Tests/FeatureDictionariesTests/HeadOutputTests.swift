// SPDX-License-Identifier: Apache-2.0
// What a dictionary of heads' outputs reads in a forward pass is what transformers computes as z.

import FeatureDictionaries
import Foundation
import HDF5
import TestSupport
import Testing
import Transformer

@Suite(.serialized) struct HeadOutputTests {
    /// A dictionary whose codes are its input: feature i is the positive part of number i, and width + i that of
    /// its opposite.
    private func mirror(layer: Int, width: Int) -> FeatureDictionary {
        var rows = [Float](repeating: 0, count: 2 * width * width)
        for i in 0..<width {
            rows[i * width + i] = 1
            rows[(width + i) * width + i] = -1
        }
        return FeatureDictionary(
            layer: layer, activation: .relu, encoder: rows,
            encoderBias: [Float](repeating: 0, count: 2 * width), decoder: rows,
            decoderBias: [Float](repeating: 0, count: width))
    }

    /// The input of the mirror, [rows, width].
    private func reflected(_ codes: SparseCodes, width: Int) -> [Float] {
        var input = [Float](repeating: 0, count: codes.rows * width)
        for row in 0..<codes.rows {
            for i in codes.range(of: row) {
                let feature = Int(codes.features[i])
                let sign: Float = feature < width ? 1 : -1
                input[row * width + feature % width] += sign * codes.activations[i]
            }
        }
        return input
    }

    /// [H, S, dValue] as [S, H dValue].
    private func concatenated(_ z: [Float], heads: Int, length: Int) -> [Float] {
        let d = z.count / (heads * length)
        var rows: [Float] = []
        for position in 0..<length {
            for head in 0..<heads {
                let first = (head * length + position) * d
                rows += z[first..<first + d]
            }
        }
        return rows
    }

    /// Plain heads, shared keys, values of another width than keys, sinks, gates.
    @Test(arguments: ["gpt2", "llama", "gemma3", "deepseek_v3", "gpt_oss", "qwen3_next"])
    func `the outputs of all heads are read as W_O reads them`(name: String) throws {
        let folder = Fixtures.url("models/\(name)")
        let model = try Model(opening: folder)
        let file = try H5File.open(folder.appending(path: "expected.h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let layers = try file.members(of: "layers").compactMap(Int.init)
            .filter { try file.exists("layers/\($0)/z") }
        try #require(!layers.isEmpty)
        for layer in layers {
            let shape = model.description.shape(of: layer)
            let gated = "layers/\(layer)/z_gated"
            let path = try file.exists(gated) ? gated : "layers/\(layer)/z"
            let expected = concatenated(
                try file.read(path), heads: shape.nHeads, length: ids.count)
            let width = expected.count / ids.count
            let visitor = EvidenceVisitor([(mirror(layer: layer, width: width), .headOutputs)])
            let heads = (0..<shape.nHeads).map { HeadAddress(layer: layer, head: $0) }
            let pass = try ForwardPass(
                model, selection: HeadSelection(heads), maxLength: ids.count, workers: 1)
            try pass.run([ids[...]], visitors: [visitor])
            let codes = try #require(visitor.codes[0].first?.codes)
            let worst = zip(reflected(codes, width: width), expected).map { abs($0 - $1) }.max()
            #expect(try #require(worst) < 1e-4, "layer \(layer)")
        }
    }
}
