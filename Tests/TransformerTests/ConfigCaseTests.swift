// SPDX-License-Identifier: Apache-2.0
// Configs with a key missing, null or in two places compute what transformers makes of them.

import Foundation
import HDF5
import TestSupport
import Testing
import Transformer
import UserErrors

/// HDF5 keeps global state without locks: tests that read it run one after the other.
@Suite(.serialized) struct ConfigCaseTests {
    @Test(arguments: [
        ("gemma2_hidden_act", "gemma2"), ("gemma2_softcap_missing", "gemma2"),
        ("gemma3_flat_rope", "gemma3"), ("neox_no_rotary_pct", "gpt_neox"),
        ("qwen2_swa_no_mwl", "qwen2"), ("rope_both_linear", "llama"), ("rope_both_yarn", "llama"),
    ])
    func `a key that is missing or doubled means what it means there`(
        name: String, weights: String
    ) throws {
        try withModel(name, weights: Fixtures.url("models/\(weights)/model.safetensors")) { model in
            let file = try H5File.open(Fixtures.url("cases/configs/\(name)/expected.h5").path)
            let run = try record(model, try file.read("input_ids"))
            for layer in try file.members(of: "layers") {
                let got = try #require(run.layers[Int(layer) ?? -1]).attention
                let expected: [Float] = try file.read("layers/\(layer)/attention")
                #expect(difference(got, expected) < 1e-5, "layer \(layer)")
            }
        }
    }

    /// A window that the config does not state, beyond which 4,200 tokens reach.
    @Test func `Mistral's window is 4096 where the config says nothing`() throws {
        let weights = Fixtures.url("cases/configs/mistral_no_window/model.safetensors")
        try withModel("mistral_no_window", weights: weights) { model in
            #expect(model.description.layers.allSatisfy { $0.window == 4096 })
        }
    }

    @Test func `numbers that JSON does not have are read, and refused where they matter`() throws {
        let weights = Fixtures.url("models/llama/model.safetensors")
        try withModel("llama_config_nan", weights: weights) { model in
            #expect(model.description.nLayers == 2)
        }
        try withTemporaryFolder { folder in
            let config = try String(
                contentsOf: Fixtures.url("cases/configs/llama_config_nan/config.json"),
                encoding: .utf8)
            try Data(
                config.replacing("\"rms_norm_eps\": 0.002", with: "\"rms_norm_eps\": -Infinity")
                    .utf8
            )
            .write(to: folder.appending(path: "config.json"))
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "model.safetensors"), withDestinationURL: weights)
            let error = #expect(throws: UserError.self) { try Model(opening: folder) }
            #expect(error?.description.contains("rms_norm_eps") == true)
        }
    }

    @Test(arguments: ["base_model.model.", "module.", "_orig_mod."])
    func `what training tools put before names is taken off`(prefix: String) throws {
        var weights = try Data(contentsOf: Fixtures.url("models/llama/model.safetensors"))
        let size = weights.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = String(decoding: weights[8..<8 + size], as: UTF8.self)
        for stem in ["model.", "lm_head."] {
            header = header.replacing("\"\(stem)", with: "\"\(prefix)\(stem)")
        }
        while header.utf8.count % 8 != 0 { header += " " }
        var length = UInt64(header.utf8.count).littleEndian
        weights.replaceSubrange(
            0..<8 + size, with: Data(bytes: &length, count: 8) + Data(header.utf8))
        try withTemporaryFolder { folder in
            try weights.write(to: folder.appending(path: "model.safetensors"))
            try FileManager.default.copyItem(
                at: Fixtures.url("models/llama/config.json"),
                to: folder.appending(path: "config.json"))
            try expect(
                try Model(opening: folder), matches: Fixtures.url("models/llama/expected.h5"))
        }
    }

    /// A pickle with views, shared storages and strides, in both formats.
    @Test(arguments: ["gpt2-views", "gpt2-views-legacy"])
    func `pytorch_model.bin gives the numbers of safetensors`(name: String) throws {
        try expect(
            try Model(opening: Fixtures.url("torch/\(name)")),
            matches: Fixtures.url("models/gpt2/expected.h5"))
    }

    private func withModel(
        _ name: String, weights: URL, _ body: (Model) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            try FileManager.default.copyItem(
                at: Fixtures.url("cases/configs/\(name)/config.json"),
                to: folder.appending(path: "config.json"))
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "model.safetensors"), withDestinationURL: weights)
            try body(try Model(opening: folder))
        }
    }
}
