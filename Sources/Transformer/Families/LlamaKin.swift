// SPDX-License-Identifier: Apache-2.0
// Families that are Llama but for a factor, a norm or a layer without positions.
// Reference: transformers, models/smollm3, granite, glm4, exaone4, cohere2, nemotron, olmo.

extension Family {
    /// SmolLM3 (2025): no rotary in every fourth layer.
    static let smolLM3 = Family(
        modelType: "smollm3", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(config, rotary: RotaryDefaults(theta: 2_000_000))
            let turning = try rotaryLayers(config, nLayers: model.nLayers)
            for l in model.layers.indices where !turning[l] { model.layers[l].rotary = nil }
            guard try config.flag("use_sliding_window", default: false) else { return model }
            return model.with(
                windows: try slidingWindows(config, nLayers: model.nLayers) { turning[$0] })
        }, tensors: { llamaTensors($0, $1) })

    /// Granite (2024): factors on embeddings, scores, what is added to the residual stream, and logits.
    static let granite = Family(
        modelType: "granite", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(config)
            model.embeddingScale = Float(try config.positiveIfAny("embedding_multiplier") ?? 1)
            model.scoreScale = Float(try config.positiveIfAny("attention_multiplier") ?? 1)
            model.residualScale = Float(try config.positiveIfAny("residual_multiplier") ?? 1)
            model.logitScale = 1 / Float(try config.positiveIfAny("logits_scaling") ?? 1)
            return model
        }, tensors: { llamaTensors($0, $1) })

    /// GLM-4 (2025): neighbouring dimensions turn, in a half of each head; norms on both sides.
    static let glm4 = Family(
        modelType: "glm4", prefix: "model.",
        describe: { config in
            try describeLlamaLike(
                config,
                rotary: RotaryDefaults(partial: 0.5, isPartial: true, layout: .neighbours))
        },
        tensors: { model, names in
            var tensors = llamaTensors(model, names)
            for l in tensors.layers.indices {
                let h = "\(names.prefix)layers.\(l)."
                tensors.layers[l].attentionOutputNorm = names.norm(h + "post_self_attn_layernorm")
                tensors.layers[l].feedForwardOutputNorm = names.norm(h + "post_mlp_layernorm")
                tensors.layers[l].up = names.stacked(
                    h + "mlp.gate_up_proj.weight", tensors.layers[l].up.parts)
            }
            return tensors
        })

    /// EXAONE 4 (2025): norms after attention and MLP; rotary in windowed layers only.
    static let exaone4 = Family(
        modelType: "exaone4", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(config)
            model.queryKeyNorm = .perHead
            guard config.has("sliding_window") else { return model }
            model = model.with(
                windows: try slidingWindows(config, nLayers: model.nLayers) { ($0 + 1) % 4 != 0 })
            for l in model.layers.indices where model.layers[l].window == nil {
                model.layers[l].rotary = nil
            }
            return model
        },
        tensors: { model, names in
            var tensors = postNormTensors(model, names)
            tensors.addQueryKeyNorms(names)
            return tensors
        })

    /// Command R7B (2024): parallel residual with one layer norm without bias; rotary in windowed layers only.
    static let cohere2 = Family(
        modelType: "cohere2", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(
                config.defaulting(["sliding_window": .int(4096)]),
                rotary: RotaryDefaults(layout: .neighbours),
                norm: .layer(epsilon: Float(try config.positive("layer_norm_eps"))))
            let period = try config.countIfAny("sliding_window_pattern") ?? 4
            model = model.with(
                windows: try slidingWindows(
                    config.defaulting(["sliding_window": .int(4096)]), nLayers: model.nLayers
                ) { ($0 + 1) % period != 0 })
            for l in model.layers.indices where model.layers[l].window == nil {
                model.layers[l].rotary = nil
            }
            model.hasParallelResidual = true
            model.logitScale = Float(try config.positiveIfAny("logit_scale") ?? 0.0625)
            return model
        },
        tensors: { model, names in
            var tensors = llamaTensors(model, names)
            for l in tensors.layers.indices {
                tensors.layers[l].feedForwardNorm = tensors.layers[l].inputNorm
            }
            return tensors
        })

    /// Nemotron (2024): layer norms that multiply by 1 + weight, an MLP of squared relu without a gate.
    static let nemotron = Family(
        modelType: "nemotron", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(
                config.defaulting(["hidden_act": .string("relu2")]),
                rotary: RotaryDefaults(partial: 0.5, isPartial: true),
                norm: .layer(epsilon: Float(try config.positive("norm_eps")), weightOffset: 1))
            model.isGated = false
            return model
        },
        tensors: { model, names in
            var tensors = llamaTensors(model, names)
            for l in tensors.layers.indices {
                tensors.layers[l].up = names.projection(
                    "\(names.prefix)layers.\(l).mlp.up_proj.weight", out: model.dMLP,
                    in: model.dModel)
            }
            return tensors
        })

    /// OLMo (2024): layer norm without weights, clipped queries, keys and values.
    static let olmo = Family(
        modelType: "olmo", prefix: "model.",
        describe: { config in
            var model = try describeLlamaLike(config, norm: .layer(epsilon: 1e-5))
            model.qkvClip = try config.positiveIfAny("clip_qkv").map(Float.init)
            return model
        },
        tensors: { model, names in
            var tensors = llamaTensors(model, names)
            for l in tensors.layers.indices {
                tensors.layers[l].inputNorm = NormTensors()
                tensors.layers[l].feedForwardNorm = NormTensors()
            }
            tensors.unembedding?.norm = NormTensors()
            return tensors
        })
}
