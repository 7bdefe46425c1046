// SPDX-License-Identifier: Apache-2.0
// Gemma 2 (2024) and Gemma 3 (2025): scaled embeddings, norms that multiply by 1 + weight, norms on
// both sides of attention and MLP, alternating windows; soft-capped scores in 2, norms of queries and
// keys and a slower rotary in the windowed layers in 3.
// Reference: transformers, models/gemma2/modeling_gemma2.py, models/gemma3/modeling_gemma3.py.

extension Family {
    static let gemma2 = Family(
        modelType: "gemma2", prefix: "model.", describe: describeGemma2, tensors: gemmaTensors)

    static let gemma3 = Family(
        modelType: "gemma3_text", prefix: "model.", describe: describeGemma3,
        tensors: gemma3Tensors)
}

@Sendable private func describeGemma2(_ config: ModelConfig) throws -> ModelDescription {
    let model = try describeGemma(config, theta: 10_000)
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { $0 % 2 == 0 })
}

@Sendable private func describeGemma3(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeGemma(config, theta: 1_000_000)
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

/// The rotary embedding of Gemma 3's windowed layers; never rescaled in the old style of config.
private func localRotary(_ config: ModelConfig, dHead: Int) throws -> Rotary {
    guard config.has("rope_parameters") else {
        return Rotary(
            dimensions: dHead, theta: try config.positiveIfAny("rope_local_base_freq") ?? 10_000)
    }
    return try Rotary.read(config, dHead: dHead, layerType: "sliding_attention")
}

private func describeGemma(
    _ config: ModelConfig, theta: Double
) throws -> ModelDescription {
    try config.require("use_bidirectional_attention", is: false, default: false)
    if try config.countIfAny("sliding_window_pattern") != 1 {
        _ = try config.count("sliding_window", limit: 1 << 30)
    }
    var model = try describeLlamaLike(config, defaultTheta: theta)
    model.norm = .rootMeanSquare(
        epsilon: Float(try config.positive("rms_norm_eps")), weightOffset: 1)
    // The reference rounds the factor to the weights' type only; in Float32 it is the root itself.
    model.embeddingScale = Float(model.dModel).squareRoot()
    model.scoreScale = 1 / Float(try config.positive("query_pre_attn_scalar")).squareRoot()
    model.scoreSoftCap = try config.positiveIfAny("attn_logit_softcapping").map(Float.init)
    model.logitSoftCap = try config.positiveIfAny("final_logit_softcapping").map(Float.init)
    return model
}

@Sendable private func gemmaTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
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
