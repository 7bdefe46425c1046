// SPDX-License-Identifier: Apache-2.0
// Gemma 4 (2026), its part for text: plain root-mean-square norms, scores without a scale, normalised values;
// full layers with heads of another size and rotary positions in a part of their pairs; in some sizes
// embeddings of each layer's own, upper layers that read the keys of lower ones, or experts beside the MLP.
// Reference: transformers, models/gemma4/modeling_gemma4.py.

extension Family {
    static let gemma4 = Family(
        modelType: "gemma4_text", prefix: "model.", describe: describeGemma4,
        tensors: gemma4Tensors)
}

@Sendable private func describeGemma4(_ config: ModelConfig) throws -> ModelDescription {
    let config = config.defaulting([
        "hidden_activation": .string("gelu_pytorch_tanh"), "rms_norm_eps": .double(1e-6),
        "head_dim": .int(256), "global_head_dim": .int(512), "sliding_window": .int(512),
    ])
    if case .bool(true)? = config["use_bidirectional_attention"] {
        throw config.unusable("use_bidirectional_attention", "is not supported for text")
    }
    let sliding = try RotarySettings(config, layerType: "sliding_attention")
    var model = try describeLlamaLike(
        config.replacing(["rope_parameters": .null, "rope_scaling": .null]))
    let nLayers = model.nLayers
    let types = try layerTypes(
        config, nLayers: nLayers, known: ["full_attention", "sliding_attention"]
    ) { ($0 + 1) % 6 == 0 || $0 == nLayers - 1 ? "full_attention" : "sliding_attention" }
    model.embeddingScale = Float(model.dModel).squareRoot()
    model.scoreScale = 1
    model.queryKeyNorm = .perHead
    model.valueNormEpsilon = Float(try config.positive("rms_norm_eps"))
    model.logitSoftCap = try config.positiveIfAny("final_logit_softcapping").map(Float.init)
    model.dPerLayerInput = try config.countIfZero("hidden_size_per_layer_input")
    model.keysAreValues = try config.flag("attention_k_eq_v", default: false)
    let window = try config.count("sliding_window", limit: 1 << 30)
    for l in 0..<nLayers {
        if types[l] == "sliding_attention" {
            model.layers[l].window = window
        } else {
            try setFullHeads(of: l, in: &model, config)
            model.layers[l].rotary = 1
        }
    }
    let fullWidth = (0..<nLayers).first { types[$0] == "full_attention" }
        .map { model.shape(of: $0).dHead }
    model.rotaries = [try sliding.rotary(dHead: model.dHead)]
    model.rotaries.append(
        try RotarySettings(
            config, layerType: "full_attention",
            RotaryDefaults(theta: 1_000_000, isPartial: true)
        ).rotary(dHead: fullWidth ?? model.dHead))
    try shareKeys(of: types, in: &model, config)
    if try config.flag("enable_moe_block", default: false) { try addExperts(to: &model, config) }
    return model
}

/// The shape of a full layer's heads, in the style of newer configs or of those on the Hub.
private func setFullHeads(
    of layer: Int, in model: inout ModelDescription, _ config: ModelConfig
) throws {
    if let own = try config.object("per_layer_config") {
        guard let own = try own.object(String(layer)) else { return }
        model.layers[layer].dHead = try own.countIfAny("head_dim", limit: 1 << 16)
        model.layers[layer].nKVHeads = try own.countIfAny("num_key_value_heads")
    } else {
        model.layers[layer].dHead = try config.count("global_head_dim", limit: 1 << 16)
        if model.keysAreValues {
            model.layers[layer].nKVHeads = try config.countIfAny("num_global_key_value_heads")
        }
    }
    guard model.nHeads % model.shape(of: layer).nKVHeads == 0 else {
        throw config.unusable("num_attention_heads", "must be a multiple of the key/value heads")
    }
}

/// The last layers read the keys and values of the last layer of their kind that has its own.
private func shareKeys(
    of types: [String], in model: inout ModelDescription, _ config: ModelConfig
) throws {
    guard let shared = try config.countIfZero("num_kv_shared_layers") else { return }
    let first = model.nLayers - shared
    for l in max(first, 0)..<model.nLayers {
        guard let source = (0..<max(first, 0)).last(where: { types[$0] == types[l] }) else {
            throw config.unusable(
                "num_kv_shared_layers", "leaves layer \(l) no layer of its kind to share with")
        }
        model.layers[l].keysFrom = source
        if try config.flag("use_double_wide_mlp", default: false) {
            model.layers[l].dMLP = 2 * model.dMLP
        }
    }
}

private func addExperts(to model: inout ModelDescription, _ config: ModelConfig) throws {
    var router = Experts.Router(.softmax)
    router.normalizes = true
    router.inputScale = 1 / Float(model.dModel).squareRoot()
    model.experts = try config.experts(
        count: "num_experts", chosen: "top_k_experts", width: "moe_intermediate_size",
        activation: .gated(model.activation), router: router)
    for l in model.layers.indices { model.layers[l].hasExperts = true }
}

@Sendable private func gemma4Tensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = gemmaTensors(model, names)
    tensors.addQueryKeyNorms(names)
    if let width = model.dPerLayerInput {
        tensors.perLayerInput = PerLayerInputTensors(
            embedding: names.prefix + "embed_tokens_per_layer.weight",
            norm: names.prefix + "per_layer_projection_norm.weight")
        for l in tensors.layers.indices { addPerLayerInput(to: &tensors, l, width, model, names) }
    }
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        tensors.layers[l].outputScale = h + "layer_scalar"
        let kind = model.layers[l]
        if model.keysAreValues, kind.rotary == 1 {
            let qk = tensors.layers[l].qkv.parts
            tensors.layers[l].qkv = names.projection([qk[0], qk[1], qk[1]])
        }
        if kind.keysFrom != nil {
            tensors.layers[l].qkv = names.projection([tensors.layers[l].qkv.parts[0]])
            tensors.layers[l].keyNorm = nil
            // Checkpoints still hold the keys and values that these layers had in training.
            tensors.ignored += ["k_proj.weight", "v_proj.weight", "k_norm.weight"].map {
                "\(h)self_attn.\($0)"
            }
        }
        guard kind.hasExperts, let experts = model.experts else { continue }
        tensors.layers[l].denseOutputNorm = names.norm(h + "post_feedforward_layernorm_1")
        tensors.layers[l].expertsOutputNorm = names.norm(h + "post_feedforward_layernorm_2")
        tensors.layers[l].expertsNorm = names.norm(h + "pre_feedforward_layernorm_2")
        tensors.layers[l].routerNorm = NormTensors(weight: h + "router.scale")
        tensors.layers[l].expertScales = h + "router.per_expert_scale"
        tensors.layers[l].others[.router] = names.projection(
            h + "router.proj.weight", out: experts.count, in: model.dModel)
        tensors.layers[l].experts = names.experts(h + "experts.", experts, dModel: model.dModel)
    }
    return tensors
}

private func addPerLayerInput(
    to tensors: inout ModelTensors, _ l: Int, _ width: Int, _ model: ModelDescription,
    _ names: TensorNames
) {
    let h = "\(names.prefix)layers.\(l)."
    tensors.layers[l].others[.perLayerContext] = names.projection([
        TensorPart(
            tensor: names.prefix + "per_layer_model_projection.weight", rows: width,
            storedShape: [model.nLayers * width, model.dModel], layout: .rows(from: l * width))
    ])
    tensors.layers[l].others[.perLayerGate] = names.projection(
        h + "per_layer_input_gate.weight", out: width, in: model.dModel)
    tensors.layers[l].others[.perLayerUp] = names.projection(
        h + "per_layer_projection.weight", out: model.dModel, in: width)
    tensors.layers[l].perLayerOutputNorm = names.norm(h + "post_per_layer_input_norm")
}
