// SPDX-License-Identifier: Apache-2.0
// Every intermediate of every family against Hugging Face transformers (Tests/Fixtures/models).

import Foundation
import HDF5
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
