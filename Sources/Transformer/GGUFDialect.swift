// SPDX-License-Identifier: Apache-2.0
// GGUF's names for what Hugging Face checkpoints hold, and how llama.cpp changes a few tensors.
// Reference: llama.cpp, gguf-py/gguf/tensor_mapping.py, constants.py and convert_hf_to_gguf.py.

import Checkpoints

/// Translates one GGUF file into the terms of the Hugging Face families.
struct GGUFDialect: Sendable {
    /// `general.architecture`.
    let architecture: String
    private let metadata: GGUFMetadata
    private let source: String

    init(_ checkpoint: Checkpoint) throws(ModelError) {
        source = checkpoint.files.first?.path ?? "the GGUF file"
        metadata = checkpoint.metadata
        guard let architecture = metadata.string("general.architecture") else {
            throw ModelError("\(source): has no \"general.architecture\"; convert the model again.")
        }
        self.architecture = architecture
    }

    /// Hugging Face's `model_type` for llama.cpp's architecture names, where they differ.
    private static let modelTypes = [
        "gptneox": "gpt_neox", "gemma3": "gemma3_text",
    ]

    /// The metadata under the names of a Hugging Face config.
    func config() throws(ModelError) -> ModelConfig {
        var values: [String: ConfigValue] = [
            "model_type": .string(Self.modelTypes[architecture] ?? architecture)
        ]
        func copy(_ key: String, _ names: String...) {
            if let value = metadata.int("\(architecture).\(key)") {
                for name in names { values[name] = .int(value) }
            }
        }
        func copyNumber(_ key: String, _ names: String...) {
            if let value = metadata.float("\(architecture).\(key)") {
                for name in names { values[name] = .double(value) }
            }
        }
        copy("block_count", "num_hidden_layers", "n_layer")
        copy("embedding_length", "hidden_size", "n_embd")
        copy("feed_forward_length", "intermediate_size", "n_inner")
        copy("attention.head_count", "num_attention_heads", "n_head")
        copy("attention.head_count_kv", "num_key_value_heads")
        copy("attention.key_length", "head_dim")
        copy("context_length", "max_position_embeddings", "n_positions")
        copyNumber("attention.layer_norm_rms_epsilon", "rms_norm_eps")
        copyNumber("attention.layer_norm_epsilon", "layer_norm_eps", "layer_norm_epsilon")
        copyNumber("rope.freq_base", "rope_theta", "rotary_emb_base")
        copy("attention.sliding_window", "sliding_window")
        copyNumber("attn_logit_softcapping", "attn_logit_softcapping")
        copyNumber("final_logit_softcapping", "final_logit_softcapping")
        if let bos = metadata.int("tokenizer.ggml.bos_token_id") {
            values["bos_token_id"] = .int(bos)
        }
        values["vocab_size"] = try vocabularySize()
        values.merge(architectureDefaults()) { stated, _ in stated }
        try addPartialRotary(&values)
        try addRopeScaling(&values)
        return ModelConfig(values, source: source)
    }

    private func vocabularySize() throws(ModelError) -> ConfigValue {
        if let size = metadata.int("\(architecture).vocab_size") { return .int(size) }
        if let tokens = metadata.strings("tokenizer.ggml.tokens") { return .int(tokens.count) }
        throw ModelError("\(source): has no tokenizer; convert the model again.")
    }

    /// What the architecture implies and GGUF does not state.
    private func architectureDefaults() -> [String: ConfigValue] {
        switch architecture {
        case "gpt2": return ["activation_function": .string("gelu_new")]
        case "gptneox":
            let parallel = metadata.bool("gptneox.use_parallel_residual") ?? true
            return ["hidden_act": .string("gelu"), "use_parallel_residual": .bool(parallel)]
        case "bert": return ["hidden_act": .string("gelu")]
        case "gemma2", "gemma3":
            // llama.cpp derives the score scale from the head size, except in the 27B models,
            // where it is width / heads.
            let head = metadata.int("\(architecture).attention.key_length") ?? 256
            let heads = metadata.int("\(architecture).attention.head_count") ?? 1
            let width = metadata.int("\(architecture).embedding_length") ?? head
            let blocks = metadata.int("\(architecture).block_count") ?? 0
            let is27B = blocks == (architecture == "gemma2" ? 46 : 62)
            return [
                "hidden_activation": .string("gelu_pytorch_tanh"),
                "query_pre_attn_scalar": .int(is27B ? width / max(heads, 1) : head),
                "rope_theta": .double(architecture == "gemma3" ? 1e6 : 1e4),
            ]
        default: return ["hidden_act": .string("silu")]
        }
    }

    private func addPartialRotary(_ values: inout [String: ConfigValue]) throws(ModelError) {
        guard let dimensions = metadata.int("\(architecture).rope.dimension_count"),
            case .int(let width)? = values["hidden_size"],
            case .int(let heads)? = values["num_attention_heads"], heads > 0
        else { return }
        var headSize = width / heads
        if case .int(let stated)? = values["head_dim"] { headSize = stated }
        guard headSize > 0, dimensions < headSize else { return }
        values["partial_rotary_factor"] = .double(Double(dimensions) / Double(headSize))
    }

    private func addRopeScaling(_ values: inout [String: ConfigValue]) throws(ModelError) {
        switch metadata.string("\(architecture).rope.scaling.type") ?? "none" {
        case "none": break
        case "linear":
            let factor = metadata.float("\(architecture).rope.scaling.factor") ?? 1
            values["rope_scaling"] = .object([
                "rope_type": .string("linear"), "factor": .double(factor),
            ])
        case let other:
            throw ModelError(
                "\(source): \"\(architecture).rope.scaling.type\" is \"\(other)\"; none and linear are known."
            )
        }
    }

    // MARK: Tensors

    /// The Hugging Face names of the file's tensors, by which families look them up.
    func huggingFaceNames(of checkpoint: Checkpoint) -> [String: String] {
        var names: [String: String] = [:]
        for name in checkpoint.tensors.keys {
            if let translated = huggingFaceName(of: name) { names[translated] = name }
        }
        return names
    }

    private func huggingFaceName(of name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let (stem, kind) = (String(name[..<dot]), String(name[dot...]))
        let table = Self.tables[architecture] ?? Self.llamaTable
        if let whole = table.model[stem] { return whole + kind }
        let parts = stem.split(separator: ".", maxSplits: 2).map(String.init)
        guard parts.count == 3, parts[0] == "blk", let inner = table.block[parts[2]] else {
            return nil
        }
        return "\(table.blockPrefix)\(parts[1]).\(inner)\(kind)"
    }

    private struct NameTable: Sendable {
        var model: [String: String]
        var blockPrefix: String
        /// GGUF's name inside a block to Hugging Face's.
        var block: [String: String]
    }

    private static let llamaTable = NameTable(
        model: [
            "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
        ],
        blockPrefix: "model.layers.",
        block: [
            "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj", "attn_qkv": "self_attn.qkv_proj",
            "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
            "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
            "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
        ])

    private static let tables: [String: NameTable] = {
        var gemma = llamaTable
        gemma.block["post_attention_norm"] = "post_attention_layernorm"
        gemma.block["ffn_norm"] = "pre_feedforward_layernorm"
        gemma.block["post_ffw_norm"] = "post_feedforward_layernorm"
        var olmo2 = llamaTable
        olmo2.block["post_attention_norm"] = "post_attention_layernorm"
        olmo2.block["post_ffw_norm"] = "post_feedforward_layernorm"
        var phi3 = llamaTable
        phi3.block["ffn_up"] = "mlp.gate_up_proj"
        return [
            "gemma2": gemma, "gemma3": gemma, "olmo2": olmo2, "phi3": phi3,
            "gpt2": NameTable(
                model: [
                    "token_embd": "transformer.wte", "position_embd": "transformer.wpe",
                    "output_norm": "transformer.ln_f", "output": "lm_head",
                ],
                blockPrefix: "transformer.h.",
                block: [
                    "attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
                    "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj",
                ]),
            "gptneox": NameTable(
                model: [
                    "token_embd": "gpt_neox.embed_in", "output_norm": "gpt_neox.final_layer_norm",
                    "output": "embed_out",
                ],
                blockPrefix: "gpt_neox.layers.",
                block: [
                    "attn_norm": "input_layernorm", "attn_qkv": "attention.query_key_value",
                    "attn_output": "attention.dense", "ffn_norm": "post_attention_layernorm",
                    "ffn_up": "mlp.dense_h_to_4h", "ffn_down": "mlp.dense_4h_to_h",
                ]),
            "bert": NameTable(
                model: [
                    "token_embd": "bert.embeddings.word_embeddings",
                    "position_embd": "bert.embeddings.position_embeddings",
                    "token_types": "bert.embeddings.token_type_embeddings",
                    "token_embd_norm": "bert.embeddings.LayerNorm",
                ],
                blockPrefix: "bert.encoder.layer.",
                block: [
                    "attn_q": "attention.self.query", "attn_k": "attention.self.key",
                    "attn_v": "attention.self.value", "attn_output": "attention.output.dense",
                    "attn_output_norm": "attention.output.LayerNorm",
                    "ffn_up": "intermediate.dense", "ffn_down": "output.dense",
                    "layer_output_norm": "output.LayerNorm",
                ]),
        ]
    }()

    /// Undoes what llama.cpp's conversion does to a family's layout.
    func adapt(
        _ model: inout ModelDescription, _ tensors: inout ModelTensors
    ) {
        // Gemma's norm weights are stored with their 1 already added.
        if case .rootMeanSquare(let epsilon, _) = model.norm {
            model.norm = .rootMeanSquare(epsilon: epsilon)
        }
        let headSize = model.headSize
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
                case .rows where isInterleaved(part.tensor):
                    part.layout = .interleavedHalves(headSize: headSize)
                default: break
                }
                return part
            }
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
