// SPDX-License-Identifier: Apache-2.0
// What llama.cpp's conversion changes, undone: a GGUF file in the terms of the Hugging Face families.
// Reference: llama.cpp, conversion/*.py, gguf-py/gguf/constants.py, src/models/*.cpp.

import Checkpoints
import JSON
import UserErrors

/// Translates one GGUF file into the terms of the Hugging Face families.
struct GGUFDialect: Sendable {
    /// `general.architecture`.
    let architecture: String
    private let metadata: GGUFMetadata
    private let source: String
    /// Rows of the token embedding, if the file has one.
    private let embeddingRows: Int?
    private let tensorNames: Set<String>

    init(_ checkpoint: Checkpoint) throws {
        source = checkpoint.files.first?.path ?? "the GGUF file"
        metadata = checkpoint.metadata
        tensorNames = Set(checkpoint.tensors.keys)
        embeddingRows = checkpoint.tensors["token_embd.weight"]?.rows
        guard let architecture = metadata.string("general.architecture") else {
            throw UserError("\(source): has no \"general.architecture\"; convert the model again.")
        }
        guard Self.known.contains(architecture) else {
            throw UserError(
                "\(source): the architecture \"\(architecture)\" is not read from GGUF (these are: \(Self.known.joined(separator: ", "))); use the Hugging Face folder of the model."
            )
        }
        self.architecture = architecture
    }

    /// Architectures whose conversion is undone here and held against transformers. Others may permute rows or
    /// fold factors in ways that would give wrong numbers without a word.
    private static let known = [
        "bert", "falcon", "gemma2", "gemma3", "gpt-oss", "gpt2", "gptneox", "llama", "olmo2",
        "phi2", "phi3",
        "qwen2", "qwen3", "qwen3moe", "stablelm", "starcoder2",
    ]

    // MARK: Metadata

    /// Hugging Face's `model_type` for llama.cpp's architecture names, where they differ.
    private static let modelTypes = [
        "gptneox": "gpt_neox", "gemma3": "gemma3_text", "phi2": "phi", "qwen3moe": "qwen3_moe",
        "gpt-oss": "gpt_oss",
    ]

    /// The metadata under the names of a Hugging Face config.
    func config() throws -> ModelConfig {
        try refuseUnknownFeatures()
        var values: [String: JSONValue] = [
            "model_type": .string(Self.modelTypes[architecture] ?? architecture)
        ]
        for (key, names) in Self.counts {
            guard let count = try int(key) else { continue }
            for name in names { values[name] = .int(count) }
        }
        for (key, names) in Self.numbers {
            guard let number = try number(key) else { continue }
            for name in names { values[name] = .double(number) }
        }
        values["bos_token_id"] = metadata.int("tokenizer.ggml.bos_token_id").map { .int($0) }
        if values["vocab_size"] == nil { values["vocab_size"] = embeddingRows.map { .int($0) } }
        values["tie_word_embeddings"] = .bool(!tensorNames.contains("output.weight"))
        values.merge(try architectureDefaults()) { stated, _ in stated }
        try addWindows(&values)
        try addRotary(&values)
        return ModelConfig(values, source: source)
    }

    /// Whole numbers: the key behind the architecture's name, and what families call it.
    private static let counts: [(String, [String])] = [
        ("vocab_size", ["vocab_size"]),
        ("block_count", ["num_hidden_layers", "n_layer"]),
        ("embedding_length", ["hidden_size", "n_embd"]),
        ("feed_forward_length", ["intermediate_size", "n_inner", "ffn_hidden_size"]),
        ("attention.head_count", ["num_attention_heads", "n_head"]),
        ("attention.head_count_kv", ["num_key_value_heads", "num_kv_heads"]),
        ("attention.key_length", ["head_dim"]),
        ("context_length", ["max_position_embeddings", "n_positions"]),
        ("expert_used_count", ["num_experts_per_tok"]),
        ("expert_feed_forward_length", ["moe_intermediate_size"]),
    ]

    /// The same for other numbers.
    private static let numbers: [(String, [String])] = [
        ("attention.layer_norm_rms_epsilon", ["rms_norm_eps"]),
        ("attention.layer_norm_epsilon", ["layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"]),
        ("rope.freq_base", ["rope_theta", "rotary_emb_base"]),
        ("rope.freq_base_swa", ["rope_local_base_freq"]),
        ("attn_logit_softcapping", ["attn_logit_softcapping"]),
        ("final_logit_softcapping", ["final_logit_softcapping"]),
    ]

    /// The whole number at a key of the architecture; an error if it holds something else, such as
    /// one number a layer.
    private func int(_ key: String) throws -> Int? {
        let key = "\(architecture).\(key)"
        guard metadata.keys.contains(key) else { return nil }
        guard let value = metadata.int(key) else {
            throw UserError("\(source): \"\(key)\" must be one whole number.")
        }
        return value
    }

    private func number(_ key: String) throws -> Double? {
        let key = "\(architecture).\(key)"
        guard metadata.keys.contains(key) else { return nil }
        guard let value = metadata.float(key) else {
            throw UserError("\(source): \"\(key)\" must be a number.")
        }
        return value
    }

    /// Keys whose effect no family here computes.
    private func refuseUnknownFeatures() throws {
        let unknown = [
            "attention.scale", "attention.clamp_kqv", "attention.max_alibi_bias",
            "attention.output_scale", "attention.temperature_length", "attention.q_lora_rank",
            "attention.kv_lora_rank", "attention.shared_kv_layers", "attention.key_length_swa",
            "rope.dimension_count_swa", "rope.dimension_sections", "logit_scale", "residual_scale",
            "embedding_scale", "leading_dense_block_count",
        ]
        for key in unknown where metadata.keys.contains("\(architecture).\(key)") {
            throw unsupported(key)
        }
        if let experts = try int("expert_count"), experts > 0,
            !["qwen3moe", "gpt-oss"].contains(architecture)
        {
            throw unsupported("expert_count")
        }
        let isCausal = metadata.bool("\(architecture).attention.causal") ?? (architecture != "bert")
        guard isCausal == (architecture != "bert") else { throw unsupported("attention.causal") }
        guard try int("attention.value_length") == int("attention.key_length") else {
            throw UserError(
                "\(source): keys and values of different width (\"\(architecture).attention.value_length\") are not supported."
            )
        }
    }

    private func unsupported(_ key: String) -> UserError {
        UserError("\(source): \"\(architecture).\(key)\" is not supported in this family.")
    }

    /// What the architecture implies and GGUF does not state.
    private func architectureDefaults() throws -> [String: JSONValue] {
        switch architecture {
        case "gpt2": return ["activation_function": .string("gelu_new")]
        case "gptneox":
            let parallel = metadata.bool("gptneox.use_parallel_residual") ?? true
            return ["hidden_act": .string("gelu"), "use_parallel_residual": .bool(parallel)]
        case "bert": return ["hidden_act": .string("gelu")]
        case "phi2": return ["hidden_act": .string("gelu_new")]
        case "starcoder2": return ["hidden_act": .string("gelu_pytorch_tanh")]
        case "stablelm":
            // With a parallel residual the MLP reads what attention does.
            let parallel = !tensorNames.contains("blk.0.ffn_norm.weight")
            return ["hidden_act": .string("silu"), "use_parallel_residual": .bool(parallel)]
        case "falcon":
            guard !tensorNames.contains("blk.0.attn_qkv.bias") else {
                throw UserError(
                    "\(source): is a Falcon with biases, of those whose positions are in the scores (ALiBi), which GGUF does not say; use the Hugging Face folder of the model."
                )
            }
            // The first Falcons are one group of the newer layout.
            return [
                "new_decoder_architecture": .bool(true),
                "num_ln_in_parallel_attn": .int(hasTwoNorms ? 2 : 1),
            ]
        case "qwen3moe": return try expertDefaults()
        case "gpt-oss": return try clampedExpertDefaults()
        case "gemma2", "gemma3":
            // llama.cpp derives the score scale from the head size, except in the 27B models,
            // where it is dModel / heads.
            let head = metadata.int("\(architecture).attention.key_length") ?? 256
            let heads = metadata.int("\(architecture).attention.head_count") ?? 1
            let dModel = metadata.int("\(architecture).embedding_length") ?? head
            let blocks = metadata.int("\(architecture).block_count") ?? 0
            let is27B = blocks == (architecture == "gemma2" ? 46 : 62)
            return [
                "hidden_activation": .string("gelu_pytorch_tanh"), "head_dim": .int(head),
                "query_pre_attn_scalar": .int(is27B ? dModel / max(heads, 1) : head),
                "rope_theta": .double(architecture == "gemma3" ? 1e6 : 1e4),
            ]
        default: return ["hidden_act": .string("silu")]
        }
    }

    /// Whether attention and MLP read through norms of their own beside each other (Falcon 40B).
    private var hasTwoNorms: Bool { tensorNames.contains("blk.0.attn_norm_2.weight") }

    /// Of Qwen 3's mixtures, whose chosen experts' weights add up to 1.
    private func expertDefaults() throws -> [String: JSONValue] {
        let dense = (0..<(try int("block_count") ?? 0)).filter {
            !tensorNames.contains("blk.\($0).ffn_gate_exps.weight")
        }
        var values: [String: JSONValue] = [
            "hidden_act": .string("silu"), "norm_topk_prob": .bool(true),
            "mlp_only_layers": .array(dense.map { .int($0) }),
        ]
        values["num_experts"] = try int("expert_count").map { .int($0) }
        return values
    }

    /// Of GPT-OSS, whose experts are in all layers.
    private func clampedExpertDefaults() throws -> [String: JSONValue] {
        var values: [String: JSONValue] = ["hidden_act": .string("silu")]
        values["num_local_experts"] = try int("expert_count").map { .int($0) }
        return values
    }

    private func addWindows(_ values: inout [String: JSONValue]) throws {
        // 0 says that there is none.
        let window = try int("attention.sliding_window") ?? 0
        if window != 0 { values["sliding_window"] = .int(window) }
        let period = try int("attention.sliding_window_pattern")
        switch architecture {
        // Five windowed layers and a full one, in turn; without a window all layers are full.
        case "gemma3": values["sliding_window_pattern"] = .int(window == 0 ? 1 : period ?? 6)
        case "gemma2" where period ?? 2 == 2:
            if window == 0 { values["sliding_window"] = .int(4096) }
        case "phi3" where period == nil: break
        // A windowed layer and a full one, in turn.
        case "gpt-oss" where period ?? 2 == 2: break
        // Conversion drops the window, which is this in all models that were published.
        case "starcoder2" where period == nil:
            if window == 0 { values["sliding_window"] = .int(4096) }
        // Mistral is a llama with a window in all layers, where the writer kept it.
        case "llama" where window == 0 && period == nil: break
        case "llama" where period == nil: values["model_type"] = .string("mistral")
        default:
            if window != 0 || period != nil { throw unsupported("attention.sliding_window") }
        }
    }

    private func addRotary(_ values: inout [String: JSONValue]) throws {
        if let dimensions = try int("rope.dimension_count"),
            case .int(let dModel)? = values["hidden_size"],
            case .int(let heads)? = values["num_attention_heads"], heads > 0
        {
            var dHead = dModel / heads
            if case .int(let stated)? = values["head_dim"] { dHead = stated }
            // Of these a part turns unless they say another.
            let isPartial = ["phi2", "stablelm"].contains(architecture)
            if dHead > 0, dimensions != dHead || isPartial {
                values["partial_rotary_factor"] = .double(Double(dimensions) / Double(dHead))
            }
        }
        for key in ["attn_factor", "yarn_attn_factor", "yarn_ext_factor"] {
            let key = "rope.scaling.\(key)"
            if let factor = try number(key), factor != 1 { throw unsupported(key) }
        }
        // Old files say scale_linear, or a factor without a type, and mean the same.
        let factor = try number("rope.scaling.factor") ?? number("rope.scale_linear")
        let unstated = factor.map { $0 == 0 || $0 == 1 ? "none" : "linear" } ?? "none"
        switch metadata.string("\(architecture).rope.scaling.type") ?? unstated {
        case "none": break
        case "linear":
            values["rope_scaling"] = .object([
                JSONMember(key: "rope_type", value: .string("linear")),
                JSONMember(key: "factor", value: .double(factor ?? 1)),
            ])
        case "yarn" where architecture == "gpt-oss":
            values["rope_scaling"] = .object(try yarn(factor: factor ?? 1))
        case let other:
            throw UserError(
                "\(source): \"\(architecture).rope.scaling.type\" is \"\(other)\"; none and linear are known, and in gpt-oss yarn."
            )
        }
    }

    /// GPT-OSS's scaling; its ramp begins and ends between dimensions.
    private func yarn(factor: Double) throws -> [JSONMember] {
        var members = [
            JSONMember(key: "rope_type", value: .string("yarn")),
            JSONMember(key: "factor", value: .double(factor)),
            JSONMember(key: "truncate", value: .bool(false)),
        ]
        for (key, name) in [
            ("original_context_length", "original_max_position_embeddings"),
            ("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow"),
        ] {
            let key = "rope.scaling.\(key)"
            let count = metadata.int("\(architecture).\(key)").map(Double.init)
            guard let number = try count ?? number(key) else { continue }
            members.append(JSONMember(key: name, value: .double(number)))
        }
        return members
    }

    // MARK: Tensors

    /// The Hugging Face names of the file's tensors, by which families look them up; tensors that no
    /// family has keep their name.
    func huggingFaceNames(of checkpoint: Checkpoint) -> [String: String] {
        var names: [String: String] = [:]
        let table = GGUFNames.of(architecture, hasTwoNorms: hasTwoNorms)
        for name in checkpoint.tensors.keys {
            names[table.huggingFaceName(of: name) ?? name] = name
        }
        return names
    }

    /// Undoes what llama.cpp's conversion does to a family's layout.
    func adapt(
        _ model: inout ModelDescription, _ tensors: inout ModelTensors, _ checkpoint: Checkpoint
    ) throws {
        // Gemma's norm weights are stored with their 1 already added.
        if case .rootMeanSquare(let epsilon, _) = model.norm {
            model.norm = .rootMeanSquare(epsilon: epsilon)
        }
        // Gate and up are apart.
        if case .clamped(let limit, let slope, _)? = model.experts?.activation {
            model.experts?.activation = .clamped(limit: limit, slope: slope, inTurn: false)
        }
        try divideFrequencies(of: &model, checkpoint)
        let dHead = model.dHead
        for l in tensors.layers.indices {
            tensors.layers[l].mapParts { part in
                var part = part
                switch part.layout {
                case .columns(let from):
                    // Conv1D weights are stored as [out, in] like everything else.
                    part.storedShape.reverse()
                    part.layout = .rows(from: from)
                case .perHead(let index, _):
                    // q, k and v stand one below the other.
                    part.layout = .rows(from: index * part.rows)
                case .grouped(let from, _, let group):
                    part.layout = .rows(from: part.storedShape[0] / group * from)
                case .rows where isInterleaved(part.tensor):
                    part.layout = .interleavedHalves(dHead: dHead)
                default: break
                }
                return part
            }
        }
    }

    /// Llama 3's rescaling is stored as numbers that divide the frequencies.
    private func divideFrequencies(
        of model: inout ModelDescription, _ checkpoint: Checkpoint
    ) throws {
        for name in ["rope_factors_long.weight", "rope_factors_short.weight"]
        where checkpoint.tensors[name] != nil {
            throw UserError(
                "\(source): the tensor \"\(name)\" (longrope) is not supported; use a model with its original context."
            )
        }
        let name = "rope_freqs.weight"
        guard checkpoint.tensors[name] != nil else { return }
        for i in model.rotaries.indices {
            let pairs = model.rotaries[i].inverseFrequencies.count
            let factors = try checkpoint.tensor(name, shape: [pairs]).widened()
            guard factors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
                throw UserError(
                    "\(source): the tensor \"\(name)\" must hold positive numbers; convert the model again."
                )
            }
            model.rotaries[i] = model.rotaries[i].dividing(by: factors)
        }
    }

    /// llama.cpp turns neighbouring dimensions in the architecture it calls llama (and mistral under
    /// that name): the rows of q and k are permuted to match.
    private func isInterleaved(_ name: String) -> Bool {
        architecture == "llama" && (name.contains(".q_proj.") || name.contains(".k_proj."))
    }
}

extension LayerTensors {
    fileprivate mutating func mapParts(_ transform: (TensorPart) -> TensorPart) {
        for projection in [\LayerTensors.qkv, \.output, \.up, \.down] {
            self[keyPath: projection].parts = self[keyPath: projection].parts.map(transform)
            self[keyPath: projection].bias = self[keyPath: projection].bias.map(transform)
        }
    }
}
