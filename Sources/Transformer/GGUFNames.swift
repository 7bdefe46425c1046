// SPDX-License-Identifier: Apache-2.0
// GGUF's tensor names, architecture by architecture, as Hugging Face's.
// Reference: llama.cpp, gguf-py/gguf/tensor_mapping.py.

/// How one architecture's tensors are called.
struct GGUFNames: Sendable {
    /// GGUF's names outside the blocks to Hugging Face's, without `.weight` and `.bias`.
    private var model: [String: String]
    /// What stands before the block's number in Hugging Face's names.
    private var blockPrefix: String
    /// GGUF's names inside a block to Hugging Face's.
    private var block: [String: String]

    /// The names of an architecture; most share Llama's.
    ///
    /// - Parameter hasTwoNorms: whether attention and MLP read through norms of their own beside each other; then
    ///   the MLP's has the name that otherwise is attention's.
    static func of(_ architecture: String, hasTwoNorms: Bool) -> GGUFNames {
        var names = tables[architecture] ?? llama
        if hasTwoNorms {
            names.block["attn_norm"] = "ln_mlp"
            names.block["attn_norm_2"] = "ln_attn"
        }
        return names
    }

    /// Hugging Face's name of a tensor, nil for one that no family has.
    func huggingFaceName(of name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let (stem, kind) = (String(name[..<dot]), String(name[dot...]))
        if let whole = model[stem] { return whole + kind }
        let parts = stem.split(separator: ".", maxSplits: 2).map(String.init)
        guard parts.count == 3, parts[0] == "blk", let inner = block[parts[2]] else { return nil }
        return "\(blockPrefix)\(parts[1]).\(inner)\(kind)"
    }

    private static let llama = GGUFNames(
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

    private static let tables: [String: GGUFNames] = {
        var gemma = llama
        gemma.block["post_attention_norm"] = "post_attention_layernorm"
        gemma.block["ffn_norm"] = "pre_feedforward_layernorm"
        gemma.block["post_ffw_norm"] = "post_feedforward_layernorm"
        var olmo2 = llama
        olmo2.block["post_attention_norm"] = "post_attention_layernorm"
        olmo2.block["post_ffw_norm"] = "post_feedforward_layernorm"
        var phi3 = llama
        phi3.block["ffn_up"] = "mlp.gate_up_proj"
        var phi2 = llama
        phi2.model["output_norm"] = "model.final_layernorm"
        phi2.block["attn_output"] = "self_attn.dense"
        phi2.block["ffn_up"] = "mlp.fc1"
        phi2.block["ffn_down"] = "mlp.fc2"
        var starCoder2 = llama
        starCoder2.block["ffn_up"] = "mlp.c_fc"
        starCoder2.block["ffn_down"] = "mlp.c_proj"
        var qwen3MoE = llama
        qwen3MoE.block["ffn_gate_inp"] = "mlp.gate"
        for name in ["gate", "up", "down"] {
            qwen3MoE.block["ffn_\(name)_exps"] = "mlp.experts.\(name)_proj"
        }
        var gptOSS = qwen3MoE
        gptOSS.block["post_attention_norm"] = "post_attention_layernorm"
        gptOSS.block["attn_sinks"] = "self_attn.sinks"
        gptOSS.block["ffn_gate_inp"] = "mlp.router"
        return [
            "gpt-oss": gptOSS, "gemma2": gemma, "gemma3": gemma, "olmo2": olmo2, "phi2": phi2,
            "phi3": phi3,
            "qwen3moe": qwen3MoE, "starcoder2": starCoder2,
            "falcon": GGUFNames(
                model: [
                    "token_embd": "transformer.word_embeddings", "output_norm": "transformer.ln_f",
                    "output": "lm_head",
                ],
                blockPrefix: "transformer.h.",
                block: [
                    "attn_norm": "input_layernorm", "attn_qkv": "self_attention.query_key_value",
                    "attn_output": "self_attention.dense", "ffn_up": "mlp.dense_h_to_4h",
                    "ffn_down": "mlp.dense_4h_to_h",
                ]),
            "gpt2": GGUFNames(
                model: [
                    "token_embd": "transformer.wte", "position_embd": "transformer.wpe",
                    "output_norm": "transformer.ln_f", "output": "lm_head",
                ],
                blockPrefix: "transformer.h.",
                block: [
                    "attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
                    "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj",
                ]),
            "gptneox": GGUFNames(
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
            "bert": GGUFNames(
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
}
