// SPDX-License-Identifier: Apache-2.0
// Every intermediate of every family against Hugging Face transformers (Tests/Fixtures/models).

import Foundation
import HDF5
import Tensors
import TestSupport
import Testing
import Transformer

/// HDF5 keeps global state without locks: tests that read it run one after the other.
@Suite(.serialized) struct OracleTests {
    @Test(
        arguments: [
            "gpt2", "llama", "llama3-rope", "mistral", "qwen2", "qwen3", "gpt_neox", "gemma2",
            "gemma3",
            "phi3", "olmo2", "bert", "llama-bf16", "llama-fp16",
        ], ["config.json", "config.legacy.json"])
    func `every intermediate is what transformers computes`(name: String, config: String) throws {
        try check(name, config: config)
    }

    /// Models of 2024 to 2026, with experts, delta nets, latent attention, sinks, gates, shared keys and more.
    @Test(
        arguments: [
            "bloom", "cohere2", "deepseek_v3", "distilbert", "exaone4", "falcon", "falcon-40b",
            "falcon-rw", "gemma", "gemma3-mm", "gemma4-31b", "gemma4-e2b-mm", "gemma4-moe-mm",
            "glm4", "gpt_bigcode", "gpt_neo", "gpt_oss", "gpt_oss-mxfp4", "gptj", "granite",
            "llama4", "ministral3", "mistral3-mm", "mixtral", "modernbert", "muse_glimmer",
            "nemotron", "olmo", "olmo3", "olmoe", "opt", "opt-350m", "phi", "qwen2_moe",
            "qwen3_5-mm", "qwen3_moe", "qwen3_next", "roberta", "smollm3", "stablelm",
            "starcoder2",
        ], ["config.json", "config.legacy.json"])
    func `newer families compute what transformers computes`(name: String, config: String) throws {
        try check(name, config: config)
    }

    /// One model under one of its two configurations.
    private func check(_ name: String, config: String) throws {
        try withTemporaryFolder { folder in
            let fixture = Fixtures.url("models/\(name)")
            try FileManager.default.copyItem(
                at: fixture.appending(path: config), to: folder.appending(path: "config.json"))
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "model.safetensors"),
                withDestinationURL: fixture.appending(path: "model.safetensors"))
            try expect(
                try Model(opening: folder), matches: fixture.appending(path: "expected.h5"))
        }
    }

    @Test func `experts in one tensor give the numbers of those in many`() throws {
        try expect(
            try Model(opening: Fixtures.url("models/mixtral-fused")),
            matches: Fixtures.url("models/mixtral/expected.h5"))
    }

    /// Whatever runs beside a sequence and on however many workers, its numbers are the same to the bit.
    @Test(
        .enabled(if: BLAS.sumsRowsAlike, "OpenBLAS' AVX2 kernels sum rows by their place"),
        arguments: [
            "qwen3_moe", "gpt_oss", "deepseek_v3", "llama4", "gemma4-e2b-mm", "qwen3_next",
        ])
    func `a sequence's numbers do not depend on its batch`(name: String) throws {
        let model = try Model(opening: Fixtures.url("models/\(name)"))
        let ids: [Int32] = (0..<40).map { ($0 * 37 + 5) % 140 }
        let sequences = [ids[0..<29], ids[3..<20], ids[0..<40], ids[7..<9]]
        func run(_ batch: [ArraySlice<Int32>], workers: Int) throws -> [[Float]] {
            let pass = try ForwardPass(
                model, selection: HeadSelection(allOf: model.description), maxLength: 40,
                workers: workers, stopsAtAttention: false)
            try pass.run(batch, visitors: (0..<workers).map { _ in Passing() })
            return batch.indices.map { pass.residual(of: $0, length: batch[$0].count) }
        }
        let together = try run(sequences, workers: 3)
        for (sequence, expected) in zip(sequences, together) {
            #expect(try run([sequence], workers: 1)[0] == expected)
        }
        #expect(try run(sequences.reversed(), workers: 2).reversed() == together)
    }

    @Test func `a sharded checkpoint gives the numbers of the whole one`() throws {
        try expect(
            try Model(opening: Fixtures.url("models/llama-sharded")),
            matches: Fixtures.url("models/llama/expected.h5"))
    }

    @Test func `GPT-2 under the hub's names gives the same numbers`() throws {
        try expect(
            try Model(opening: Fixtures.url("models/gpt2-hubnames")),
            matches: Fixtures.url("models/gpt2/expected.h5"))
    }

    @Test func `BERT under its first names gives the same numbers`() throws {
        let fixture = Fixtures.url("models/bert")
        var weights = try Data(contentsOf: fixture.appending(path: "model.safetensors"))
        // In place: a space after the shorter name keeps the header's length.
        for (name, old) in [
            (".LayerNorm.weight\"", ".LayerNorm.gamma\" "), ("Norm.bias", "Norm.beta"),
        ] {
            while let range = weights.range(of: Data(name.utf8)) {
                weights.replaceSubrange(range, with: Data(old.utf8))
            }
        }
        try withTemporaryFolder { folder in
            try weights.write(to: folder.appending(path: "model.safetensors"))
            try FileManager.default.copyItem(
                at: fixture.appending(path: "config.json"),
                to: folder.appending(path: "config.json"))
            try expect(
                try Model(opening: folder), matches: fixture.appending(path: "expected.h5"))
        }
    }

    @Test func `the trained induction model matches`() throws {
        try expect(
            try Model(opening: Fixtures.url("models/induction-gpt2")),
            matches: Fixtures.url("models/induction-gpt2/expected.h5"))
    }

    @Test(arguments: ["F16", "Q8_0", "Q4_1"])
    func `GGUF's llama layout is undone`(type: String) throws {
        let fixture = Fixtures.url("models/llama-gguf/llama-\(type)")
        let model = try Model(opening: fixture.appendingPathExtension("gguf"))
        let file = try H5File.open(fixture.appendingPathExtension("h5").path)
        let ids: [Int32] = try file.read("input_ids")
        let run = try record(model, ids)
        for layer in try file.members(of: "layers") {
            let expected: [Float] = try file.read("layers/\(layer)/attention")
            let got = try #require(run.layers[Int(layer) ?? -1]).attention
            #expect(difference(got, expected) < 1e-5)
        }
        let logits = try #require(run.logits)
        let last: [Float] = try file.read("logits_last")
        #expect(difference(Array(logits.suffix(last.count)), last) < 5e-4)
    }
}

/// Looks at nothing.
final class Passing: AttentionVisitor {
    func needsOutput(ofSequence sequence: Int) -> Bool { true }
    func enter(_ layer: LayerView) {}
    func attend(_ block: ScoreBlock) { block.softmax() }
    func finish(_ head: HeadView) {}
}
