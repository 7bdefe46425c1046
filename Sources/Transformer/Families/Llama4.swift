// SPDX-License-Identifier: Apache-2.0
// Llama 4 (2025), its part for text: chunked attention with rotary positions and norms after them in three of four
// layers, full attention without positions in the others, experts whose input is scaled.
// Reference: transformers, models/llama4/modeling_llama4.py.

extension Family {
    static let llama4 = Family(
        modelType: "llama4_text", prefix: "model.", describe: describeLlama4,
        tensors: llama4Tensors)
}

@Sendable private func describeLlama4(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeLlamaLike(
        config.replacing(["intermediate_size": .int(try config.count("intermediate_size_mlp"))]),
        rotary: RotaryDefaults(theta: 500_000, layout: .neighbours))
    let turning = try rotaryLayers(config, nLayers: model.nLayers)
    let chunk = try config.countIfAny("attention_chunk_size", limit: 1 << 30)
    let isTempered = try config.flag("attn_temperature_tuning", default: true)
    model.normalizesAfterRotary = true
    if try config.flag("use_qk_norm", default: true) { model.queryKeyNorm = .perHead }
    for l in model.layers.indices {
        if turning[l] {
            model.layers[l].chunk = chunk
        } else {
            model.layers[l].rotary = nil
            guard isTempered else { continue }
            model.layers[l].queryScale.rate = try config.positiveIfAny("attn_scale") ?? 0.1
            model.layers[l].queryScale.offset = 1
            model.layers[l].queryScale.period = try config.positiveIfAny("floor_scale") ?? 8192
        }
    }
    var experts = try config.experts(
        count: "num_local_experts", chosen: "num_experts_per_tok", width: "intermediate_size",
        activation: .gated(model.activation), router: Experts.Router(.sigmoidOfInput))
    experts.dShared = experts.dExpert
    let step = try config.countIfAny("interleave_moe_layer_step") ?? 1
    let listed = try config.integers("moe_layers").map(Set.init)
    model.setExperts(experts) { listed?.contains($0) ?? (($0 + 1) % step == 0) }
    return model
}

/// Which layers turn: `no_rope_layers`, where 1 means that one does, or all but every fourth.
func rotaryLayers(_ config: ModelConfig, nLayers: Int) throws -> [Bool] {
    if let listed = try config.integers("no_rope_layers"), !listed.isEmpty {
        guard listed.count == nLayers else {
            throw config.unusable("no_rope_layers", "must have one entry a layer")
        }
        return listed.map { $0 != 0 }
    }
    let period = try config.countIfAny("no_rope_layer_interval") ?? 4
    return (0..<nLayers).map { ($0 + 1) % period != 0 }
}

@Sendable private func llama4Tensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    guard let experts = model.experts else { return tensors }
    let dModel = model.dModel
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l).feed_forward."
        if model.queryKeyNorm == .perHead, model.layers[l].rotary != nil {
            tensors.layers[l].queryNorm = HeadNormTensors(weights: [])
            tensors.layers[l].keyNorm = HeadNormTensors(weights: [])
        }
        guard model.layers[l].hasExperts else {
            tensors.layers[l].up = names.gatedUp(
                h, "gate_proj", "up_proj", width: model.dMLP, dModel: dModel)
            tensors.layers[l].down = names.projection(
                h + "down_proj.weight", out: dModel, in: model.dMLP)
            continue
        }
        tensors.layers[l].others[.router] = names.projection(
            h + "router.weight", out: experts.count, in: dModel)
        tensors.layers[l].experts = names.transposedExperts(
            h + "experts.", experts, dModel: dModel)
        names.addShared(h + "shared_expert.", experts, dModel: dModel, to: &tensors.layers[l])
    }
    return tensors
}
