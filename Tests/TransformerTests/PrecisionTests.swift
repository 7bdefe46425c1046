// SPDX-License-Identifier: Apache-2.0
// A pass in bfloat16 stays near what transformers computes in Float32, in every kind of block.

import HDF5
import Tensors
import TestSupport
import Testing
import Transformer

@Suite(
    .serialized,
    .enabled(
        if: (try? Precision.bf16.requireSupport()) != nil, "oneDNN and a processor with avx512_bf16"
    ))
struct PrecisionTests {
    /// Plain, biased, scaled, gated, latent, shared keys, embeddings of layers, experts, delta nets. The first layer's
    /// attention is one rounding away; a product of another matrix, or one that lies otherwise, would be far off.
    @Test(
        arguments: [
            "gpt2", "llama", "gemma2", "granite", "deepseek_v3", "gemma4-e2b-mm", "mixtral",
            "llama4",
            "gpt_oss", "qwen3_next", "gptj", "bert",
        ])
    func `attention is near the reference, and not the same`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let file = try H5File.open(Fixtures.url("models/\(name)/expected.h5").path)
        let run = try record(model, try file.read("input_ids"), precision: .bf16)
        let exact = try record(model, try file.read("input_ids"))
        let first = try #require(try file.members(of: "layers").compactMap { Int($0) }.min())
        let attention = difference(
            try #require(run.layers[first]).attention,
            try file.read("layers/\(first)/attention"))
        // Before it stand three layers whose experts may be chosen otherwise.
        #expect(attention < (name == "qwen3_next" ? 0.2 : 0.02))
        let residual = difference(run.residual, exact.residual)
        #expect(residual > 1e-5)
    }

    @Test(arguments: ["qwen3_moe", "gpt_oss", "deepseek_v3", "llama"])
    func `a sequence's numbers do not depend on its batch`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let ids: [Int32] = (0..<40).map { ($0 * 37 + 5) % 140 }
        func run(_ batch: [ArraySlice<Int32>], workers: Int) throws -> [[Float]] {
            let pass = try ForwardPass(
                model, selection: HeadSelection(allOf: model.description), maxLength: 40,
                workers: workers, precision: .bf16, stopsAtAttention: false)
            try pass.run(batch, visitors: (0..<workers).map { _ in Passing() })
            return batch.indices.map { pass.residual(of: $0, length: batch[$0].count) }
        }
        let sequences = [ids[0..<29], ids[3..<20], ids[0..<40], ids[7..<9]]
        let together = try run(sequences, workers: 3)
        for (sequence, expected) in zip(sequences, together) {
            #expect(try run([sequence], workers: 1)[0] == expected)
        }
    }
}
