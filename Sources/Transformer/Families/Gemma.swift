// SPDX-License-Identifier: Apache-2.0
// Gemma (2024), Gemma 2 (2024) and Gemma 3 (2025): scaled embeddings and norms that multiply by 1 + weight;
// from 2 on norms on both sides of attention and MLP and alternating windows; soft-capped scores in 2,
// norms of queries and keys and a slower rotary in the windowed layers in 3.
// Reference: transformers, models/gemma, models/gemma2, models/gemma3.

extension Family {
    static let gemma = Family(
        modelType: "gemma", prefix: "model.", describe: describeGemma1,
        tensors: { llamaTensors($0, $1) })

    static let gemma2 = Family(
        modelType: "gemma2", prefix: "model.", describe: describeGemma2, tensors: gemmaTensors)

    static let gemma3 = Family(
        modelType: "gemma3_text", prefix: "model.", describe: describeGemma3,
        tensors: gemma3Tensors)
}

@Sendable private func describeGemma1(_ config: ModelConfig) throws -> ModelDescription {
    // The first configs say "gelu" and mean the approximation by tanh.
    let stated = try config.string("hidden_activation") ?? config.string("hidden_act")
    let activation = stated.flatMap { $0 == "gelu" ? nil : $0 } ?? "gelu_pytorch_tanh"
    return try describeGemma(
        config.replacing(["hidden_activation": .string(activation)]), theta: 10_000)
}

@Sendable private func describeGemma2(_ config: ModelConfig) throws -> ModelDescription {
    let config = config.defaulting([
        "hidden_activation": .string("gelu_pytorch_tanh"), "attn_logit_softcapping": .double(50),
        "final_logit_softcapping": .double(30), "query_pre_attn_scalar": .int(256),
        "sliding_window": .int(4096), "head_dim": .int(256), "rms_norm_eps": .double(1e-6),
    ])
    try config.require("use_bidirectional_attention", is: false, default: false)
    var model = try describeGemma(config, theta: 10_000)
    model.scoreScale = 1 / Float(try config.positive("query_pre_attn_scalar")).squareRoot()
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { $0 % 2 == 0 })
}

@Sendable private func describeGemma3(_ config: ModelConfig) throws -> ModelDescription {
    // The files on the Hub leave most keys to the class.
    let config = config.defaulting([
        "hidden_activation": .string("gelu_pytorch_tanh"), "query_pre_attn_scalar": .int(256),
        "sliding_window": .int(4096), "head_dim": .int(256), "rms_norm_eps": .double(1e-6),
        "num_attention_heads": .int(8), "num_key_value_heads": .int(4),
        "vocab_size": .int(262_208), "max_position_embeddings": .int(131_072),
    ])
    try config.require("use_bidirectional_attention", is: false, default: false)
    var model = try describeGemma(config, theta: 1_000_000)
    model.scoreScale = 1 / Float(try config.positive("query_pre_attn_scalar")).squareRoot()
    let pattern = try config.countIfAny("sliding_window_pattern") ?? 6
    model = model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { ($0 + 1) % pattern != 0 })
    model.queryKeyNorm = .perHead
    model.rotaries.append(try localRotary(config, dHead: model.dHead))
    for l in model.layers.indices where model.layers[l].window != nil {
        model.layers[l].rotary = 1
    }
    return model
}

/// The rotary embedding of Gemma 3's windowed layers; never rescaled in the old style of config, nor by
/// settings that do not name the kind of layer.
private func localRotary(_ config: ModelConfig, dHead: Int) throws -> Rotary {
    if let shared = try config.object("rope_parameters"),
        try shared.object("sliding_attention") != nil
    {
        return try RotarySettings(
            config.replacing(["rope_scaling": .null]), layerType: "sliding_attention"
        ).rotary(dHead: dHead)
    }
    return Rotary(
        dimensions: dHead, theta: try config.positiveIfAny("rope_local_base_freq") ?? 10_000)
}

private func describeGemma(_ config: ModelConfig, theta: Double) throws -> ModelDescription {
    var model = try describeLlamaLike(config, rotary: RotaryDefaults(theta: theta))
    model.norm = .rootMeanSquare(
        epsilon: Float(try config.positive("rms_norm_eps")), weightOffset: 1)
    // The reference rounds the factor to the weights' type only; in Float32 it is the root itself.
    model.embeddingScale = Float(model.dModel).squareRoot()
    model.scoreSoftCap = try config.positiveIfAny("attn_logit_softcapping").map(Float.init)
    model.logitSoftCap = try config.positiveIfAny("final_logit_softcapping").map(Float.init)
    return model
}

/// Norms on both sides of attention and MLP.
@Sendable func gemmaTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    var tensors = llamaTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        tensors.layers[l].attentionOutputNorm = names.norm(h + "post_attention_layernorm")
        tensors.layers[l].feedForwardNorm = names.norm(h + "pre_feedforward_layernorm")
        tensors.layers[l].feedForwardOutputNorm = names.norm(h + "post_feedforward_layernorm")
    }
    return tensors
}

@Sendable private func gemma3Tensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = gemmaTensors(model, names)
    tensors.addQueryKeyNorms(names)
    return tensors
}
