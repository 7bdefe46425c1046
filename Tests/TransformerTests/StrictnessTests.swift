// SPDX-License-Identifier: Apache-2.0
// What a family does not compute is refused, by name and before any work; and no configuration,
// however odd, brings the program down.

import Checkpoints
import Foundation
import TestSupport
import Testing
import Transformer
import UserErrors

/// A change to a fixture's config.json: the members of a JSON object.
private struct Change: Sendable, CustomTestStringConvertible {
    let model: String
    let members: String
    /// What the error must name.
    let mention: String

    init(_ model: String, _ members: String, _ mention: String) {
        self.model = model
        self.members = members
        self.mention = mention
    }

    var testDescription: String { "\(model) \(members)" }
}

@Suite struct StrictnessTests {
    @Test(arguments: [
        Change("llama", #"{"model_type": "llama9"}"#, "llama9"),
        Change("llama", #"{"hidden_act": "relu6"}"#, "hidden_act"),
        Change("llama", #"{"quantization_config": {"quant_method": "gptq"}}"#, "quantization"),
        Change("llama", #"{"num_local_experts": 8}"#, "num_local_experts"),
        Change("qwen3", #"{"num_experts": 128}"#, "num_experts"),
        Change("llama", #"{"attention_bias": true}"#, "attention_bias"),
        Change("llama", #"{"mlp_bias": true}"#, "mlp_bias"),
        Change("llama", #"{"rope_parameters": {"rope_type": "yarn"}}"#, "factor"),
        Change("llama", #"{"rope_parameters": {"rope_type": "ntk2"}}"#, "ntk2"),
        Change(
            "llama", #"{"rope_parameters": null, "rope_scaling": {"type": "longrope"}}"#, "longrope"
        ),
        Change("llama", #"{"rope_parameters": {"rope_theta": -1}}"#, "rope_theta"),
        Change("llama", #"{"partial_rotary_factor": 0.5}"#, "partial_rotary_factor"),
        Change("phi3", #"{"partial_rotary_factor": 1e300}"#, "partial_rotary_factor"),
        Change("gpt_neox", #"{"rope_parameters": null, "rotary_pct": 0.01}"#, "rotary"),
        Change("llama", #"{"layer_types": ["full_attention", "linear_attention"]}"#, "linear_a"),
        Change("mistral", #"{"layer_types": ["full_attention", "chunked"]}"#, "chunked"),
        Change("mistral", #"{"layer_types": ["full_attention"]}"#, "layer_types"),
        Change(
            "mistral",
            #"{"sliding_window": null, "layer_types": ["sliding_attention", "full_attention"]}"#,
            "sliding_window"),
        Change("mistral", #"{"sliding_window": 0}"#, "sliding_window"),
        Change("gemma3", #"{"use_bidirectional_attention": true}"#, "use_bidirectional_attention"),
        Change("gemma2", #"{"query_pre_attn_scalar": 0}"#, "query_pre_attn_scalar"),
        Change("gemma2", #"{"attn_logit_softcapping": -3}"#, "attn_logit_softcapping"),
        Change("bert", #"{"is_decoder": true}"#, "is_decoder"),
        Change("bert", #"{"position_embedding_type": "relative_key"}"#, "relative_key"),
        Change("gpt2", #"{"scale_attn_by_inverse_layer_idx": true}"#, "inverse_layer"),
        Change("gpt2", #"{"layer_norm_epsilon": -1}"#, "layer_norm_epsilon"),
        Change("gpt2", #"{"n_head": 5}"#, "n_embd"),
        Change("llama", #"{"head_dim": null, "num_attention_heads": 5}"#, "hidden_size"),
        Change("llama", #"{"num_key_value_heads": 3}"#, "num_key_value_heads"),
        Change("llama", #"{"hidden_size": 16777216}"#, "embed_tokens"),
        Change("llama", #"{"hidden_size": 1e3}"#, "embed_tokens"),
        Change("llama", #"{"hidden_size": 9223372036854775807}"#, "hidden_size"),
        Change("llama", #"{"intermediate_size": 16777216}"#, "mlp"),
        Change("llama", #"{"vocab_size": 16777216}"#, "embed_tokens"),
        Change("llama", #"{"num_hidden_layers": 4096}"#, "layers."),
        // The tensors of one family under the name of a simpler one.
        Change("qwen3", #"{"model_type": "llama"}"#, "_norm.weight"),
        Change("qwen2", #"{"model_type": "llama", "attention_bias": false}"#, "attention_bias"),
        Change("gemma2", #"{"model_type": "llama", "layer_types": null}"#, "feedforward_layernorm"),
    ])
    fileprivate func `what a family does not compute is refused by name`(change: Change) throws {
        let members = try JSONSerialization.jsonObject(with: Data(change.members.utf8))
        let error = #expect(throws: UserError.self) {
            try withConfig(of: change.model) { config in
                config.merge(members as? [String: Any] ?? [:]) { $1 }
            } then: { _ in
            }
        }
        #expect(error?.description.contains(change.mention) == true, "\(String(describing: error))")
    }

    @Test func `fewer layers than the file has are a model of their own`() throws {
        try withConfig(of: "llama") {
            $0["num_hidden_layers"] = 1
        } then: { model in
            #expect(model.description.nLayers == 1)
        }
    }

    @Test(arguments: ["gpt2", "gemma3", "llama3-rope"])
    func `a damaged configuration either runs or is refused`(name: String) throws {
        var random = SplitMix(state: 7)
        var outcomes = (ran: 0, refused: 0)
        for _ in 0..<1000 {
            do {
                try withConfig(of: name) {
                    mutate(&$0, &random)
                } then: { model in
                    try run(model)
                }
                outcomes.ran += 1
            } catch is UserError {
                outcomes.refused += 1
            }
        }
        #expect(outcomes.ran > 50)
        #expect(outcomes.refused > 200)
    }

    @Test(arguments: ["gemma3", "llama3-rope", "phi3"])
    func `a damaged GGUF header either runs or is refused`(name: String) throws {
        let original = try Data(contentsOf: Fixtures.url("gguf/\(name).gguf"))
        // Up to the vocabulary: the numbers from which the description is made.
        let end = try #require(original.range(of: Data("tokenizer.ggml.tokens".utf8))).lowerBound
        var random = SplitMix(state: 11)
        var outcomes = (ran: 0, refused: 0)
        for _ in 0..<500 {
            var data = original
            data[Int.random(in: 24..<end, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            do {
                try withTemporaryFolder { folder in
                    let url = folder.appending(path: "model.gguf")
                    try data.write(to: url)
                    try run(Model(opening: url))
                }
                outcomes.ran += 1
            } catch is UserError {
                outcomes.refused += 1
            }
        }
        #expect(outcomes.ran > 20)
        #expect(outcomes.refused > 100)
    }

    /// One sequence through all layers.
    private func run(_ model: Model) throws {
        let selection = HeadSelection(allOf: model.description)
        let recorder = Recorder(model.description, selection: selection)
        let pass = try ForwardPass(model, selection: selection, maxLength: 9, workers: 1)
        try pass.run([[1, 2, 3, 1, 2, 3, 4, 5, 6]], visitors: [recorder])
    }

    /// Replaces one value, or one inside a nested object, by an odd one.
    private func mutate(_ config: inout [String: Any], _ random: inout SplitMix) {
        guard let key = config.keys.sorted().randomElement(using: &random) else { return }
        if var inner = config[key] as? [String: Any], !inner.isEmpty, Bool.random(using: &random) {
            mutate(&inner, &random)
            config[key] = inner
            return
        }
        let odd: [Any] = [
            0, 1, 2, 3, 7, -1, 48, 63, 64, 65, 4096, 1 << 24, Int.max, Int.min, 0.5, -0.0, 1e-300,
            1e300, 3e38, 4e38, "", "silu", "gelu", "yarn", "default", "linear", true, false,
            NSNull(), [Int](), [1, "full_attention"], [String: Any](), ["rope_type": "llama3"],
        ]
        config[key] = odd.randomElement(using: &random)
    }

    /// Opens a fixture's model with a changed config.json.
    private func withConfig(
        of name: String, _ change: (inout [String: Any]) -> Void, then body: (Model) throws -> Void
    ) throws {
        let fixture = Fixtures.url("models/\(name)")
        let original = try Data(contentsOf: fixture.appending(path: "config.json"))
        var config = try #require(
            try JSONSerialization.jsonObject(with: original) as? [String: Any])
        change(&config)
        try withTemporaryFolder { folder in
            try JSONSerialization.data(withJSONObject: config)
                .write(to: folder.appending(path: "config.json"))
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: "model.safetensors"),
                withDestinationURL: fixture.appending(path: "model.safetensors"))
            try body(Model(opening: folder))
        }
    }
}
