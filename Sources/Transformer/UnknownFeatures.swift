// SPDX-License-Identifier: Apache-2.0
// Refuses models that would run here but with other numbers than their own code gives.

import UserErrors

extension ModelConfig {
    /// Refuses keys that change what is computed in ways no family here knows.
    func refuseUnknownFeatures() throws {
        // 4-bit blocks of GPT-OSS are read as they are stored.
        guard try object("quantization_config")?.string("quant_method") ?? "mxfp4" == "mxfp4" else {
            throw unusable(
                "quantization_config",
                "says that the weights are quantized in a way that cannot be read; use the original or a GGUF file"
            )
        }
    }

    /// Refuses keys of parts that this family's description of the model does not have.
    func refuseParts(missingIn model: ModelDescription) throws {
        if model.experts == nil {
            for key in ["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"] {
                guard try (numberIfAny(key) ?? 0) <= 1 else {
                    throw unusable(
                        key, "asks for a mixture of experts, which this family does not have")
                }
            }
        }
        var unread: [String] = []
        if model.qkvClip == nil { unread.append("clip_qkv") }
        if model.latent == nil { unread.append("kv_lora_rank") }
        if model.family != "granite" {
            unread += [
                "attention_multiplier", "residual_multiplier", "embedding_multiplier",
                "logits_scaling",
            ]
        }
        if model.layers.allSatisfy({ $0.chunk == nil }) { unread.append("attention_chunk_size") }
        if model.layers.allSatisfy({ $0.rotary == 0 }) { unread.append("no_rope_layers") }
        for key in unread where has(key) {
            if case .array(let items)? = self[key], items.allSatisfy({ $0 == .int(1) }) { continue }
            throw unusable(key, "is not supported in this family")
        }
    }

    /// Refuses layers of other kinds in a family whose layers are all alike.
    func requireFullAttention() throws {
        for type in try strings("layer_types") ?? [] where type != "full_attention" {
            throw unusable("layer_types", "names \"\(type)\"; this family has full_attention only")
        }
    }
}

extension Model {
    /// Biases are found by their tensors; a config that speaks of them must agree.
    func checkBiases(_ config: ModelConfig) throws {
        for (key, names) in [
            ("attention_bias", [\LayerTensors.qkv]), ("mlp_bias", [\LayerTensors.up, \.down]),
        ] where config.has(key) {
            let expected = try config.flag(key, default: false)
            for layer in tensors.layers {
                for projection in names
                where !layer[keyPath: projection].parts.isEmpty
                    && layer[keyPath: projection].bias.isEmpty == expected
                {
                    throw config.unusable(
                        key, "is \(expected), but the tensors \(expected ? "lack" : "have") a bias")
                }
            }
        }
        guard case .rootMeanSquare = description.norm else { return }
        for norm in tensors.layers.flatMap(\.residualNorms) {
            if let bias = norm.bias, norm.kind == nil {
                throw UserError(
                    "\(url.path): the tensor \"\(bias)\" is a bias, which this family's norm does not have."
                )
            }
        }
    }

    /// A tensor inside a block that nothing reads belongs to another model than the config describes.
    ///
    /// - Parameter names: of the checkpoint's tensors, as families call them.
    func checkUnreadTensors(_ names: Set<String>) throws {
        let read = tensors.blockTensors
        let unread = names.subtracting(read).filter { name in
            guard let block = Self.block(of: name), block < description.nLayers else {
                return false
            }
            return !Self.isBuffer(name)
        }
        guard let name = unread.min() else { return }
        throw UserError(
            "\(url.path): the tensor \"\(storedName(name))\" plays no part in the family \(description.family); the model is of another kind, or newer."
        )
    }

    /// The number of the block that a tensor belongs to: the first number in its name.
    private static func block(of name: String) -> Int? {
        name.split(separator: ".").lazy.compactMap { Int($0) }.first
    }

    /// Whether a checkpoint holds the tensor only because the module that wrote it kept a constant.
    private static func isBuffer(_ name: String) -> Bool {
        [
            ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias",
            ".rotary_emb.inv_freq", ".attn_rot_embd.weight",
        ].contains(where: name.hasSuffix)
    }
}

extension ModelTensors {
    /// The names of all tensors that the blocks read.
    fileprivate var blockTensors: Set<String> {
        var names = Set(ignored)
        for layer in layers {
            for projection in layer.projections + layer.experts.flatMap({ [$0.up, $0.down] }) {
                names.formUnion(projection.names)
            }
            names.formUnion(layer.residualNorms.flatMap(\.names))
            for norm in [layer.queryNorm, layer.keyNorm] {
                names.formUnion((norm?.weights ?? []) + (norm?.biases ?? []))
            }
            names.formUnion(layer.singleVectors)
        }
        return names
    }
}

extension LayerTensors {
    /// Vectors that are no norm of the residual stream, of queries or of keys.
    fileprivate var singleVectors: [String] {
        let net = deltaNet.map { [$0.decay, $0.timeBias, $0.norm, $0.convolution] } ?? []
        return net
            + [
                sinks, outputScale, routerCorrection, expertScales, latentQueryNorm,
                latentKeyValueNorm,
            ].compactMap { $0 }
    }
}
