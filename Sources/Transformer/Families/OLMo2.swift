// SPDX-License-Identifier: Apache-2.0
// OLMo 2 (2024) and OLMo 3 (2025): Llama with norms after attention and MLP instead of before, and queries and
// keys normalised over all heads together; 3 has windows in three of four layers and yarn in the full ones.
// Reference: transformers, models/olmo2, models/olmo3.

extension Family {
    static let olmo2 = Family(
        modelType: "olmo2", prefix: "model.", describe: describeOLMo2, tensors: olmo2Tensors)

    static let olmo3 = Family(
        modelType: "olmo3", prefix: "model.", describe: describeOLMo3, tensors: olmo2Tensors)
}

@Sendable private func describeOLMo2(_ config: ModelConfig) throws -> ModelDescription {
    try config.requireFullAttention()
    var model = try describeLlamaLike(config)
    model.queryKeyNorm = .allHeads
    return model
}

@Sendable private func describeOLMo3(_ config: ModelConfig) throws -> ModelDescription {
    let defaults = RotaryDefaults(theta: 500_000)
    var model = try describeLlamaLike(config, rotary: defaults)
    model.queryKeyNorm = .allHeads
    model = model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { ($0 + 1) % 4 != 0 })
    // Windowed layers are never rescaled.
    var plain = config.replacing(["rope_scaling": .null])
    if let shared = try config.object("rope_parameters"),
        try shared.object("sliding_attention") == nil
    {
        let theta = try shared.positiveIfAny("rope_theta") ?? 500_000
        plain = plain.replacing(["rope_parameters": .null, "rope_theta": .double(theta)])
    }
    model.rotaries.append(
        try RotarySettings(plain, layerType: "sliding_attention", defaults)
            .rotary(dHead: model.dHead))
    for l in model.layers.indices where model.layers[l].window != nil {
        model.layers[l].rotary = 1
    }
    return model
}

@Sendable private func olmo2Tensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
    var tensors = postNormTensors(model, names)
    tensors.addQueryKeyNorms(names, scope: .allHeads)
    return tensors
}

/// Llama's tensors with norms after attention and MLP instead of before.
func postNormTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    var tensors = llamaTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        tensors.layers[l].inputNorm = nil
        tensors.layers[l].attentionOutputNorm = names.norm(h + "post_attention_layernorm")
        tensors.layers[l].feedForwardNorm = nil
        tensors.layers[l].feedForwardOutputNorm = names.norm(h + "post_feedforward_layernorm")
    }
    return tensors
}
