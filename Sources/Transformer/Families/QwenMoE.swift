// SPDX-License-Identifier: Apache-2.0
// Qwen 2 and 3 with mixtures of experts (2024, 2025), Qwen3-Next and Qwen 3.5 (2025): of these two three layers
// of four are gated delta nets, and the others gate their z and turn a part of each head only.
// Reference: transformers, models/qwen2_moe, qwen3_moe, qwen3_next, qwen3_5.

extension Family {
    static let qwen2MoE = Family(
        modelType: "qwen2_moe", prefix: "model.", describe: describeQwen2MoE,
        tensors: { qwenExpertTensors($0, $1) })

    static let qwen3MoE = Family(
        modelType: "qwen3_moe", prefix: "model.", describe: describeQwen3MoE,
        tensors: { qwenExpertTensors($0, $1) })

    static let qwen3Next = Family(
        modelType: "qwen3_next", prefix: "model.", describe: describeQwen3Next,
        tensors: hybridTensors)

    static let qwen35 = Family(
        modelType: "qwen3_5_text", prefix: "model.", describe: describeQwen35,
        tensors: hybridTensors)
}

@Sendable private func describeQwen2MoE(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeQwen(config)
    try addExperts(to: &model, config, normalizes: false)
    return model
}

@Sendable private func describeQwen3MoE(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeQwen(config)
    model.queryKeyNorm = .perHead
    try addExperts(to: &model, config, normalizes: false)
    return model
}

/// - Parameter normalizes: whether the weights of the chosen add up to 1 where the config says nothing.
private func addExperts(
    to model: inout ModelDescription, _ config: ModelConfig, normalizes: Bool
) throws {
    var router = Experts.Router(.softmax)
    router.normalizes = try config.flag("norm_topk_prob", default: normalizes)
    var experts = try config.experts(
        count: config.has("num_experts") ? "num_experts" : "num_local_experts",
        chosen: "num_experts_per_tok", width: "moe_intermediate_size",
        activation: .gated(model.activation), router: router)
    if let width = try config.countIfZero("shared_expert_intermediate_size") {
        experts.dShared = width
        experts.gatesShared = true
    }
    let dense = Set(try config.integers("mlp_only_layers") ?? [])
    let step = try config.countIfAny("decoder_sparse_step") ?? 1
    model.setExperts(experts) { !dense.contains($0) && ($0 + 1) % step == 0 }
}

@Sendable private func describeQwen3Next(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeHybrid(config)
    if try config.numberIfAny("num_experts") ?? config.numberIfAny("num_local_experts") ?? 0 > 0 {
        try addExperts(to: &model, config, normalizes: true)
    }
    return model
}

@Sendable private func describeQwen35(_ config: ModelConfig) throws -> ModelDescription {
    try describeHybrid(config)
}

private func describeHybrid(_ config: ModelConfig) throws -> ModelDescription {
    let epsilon = Float(try config.positive("rms_norm_eps"))
    var model = try describeLlamaLike(
        config, rotary: RotaryDefaults(partial: 0.25, isPartial: true),
        norm: .rootMeanSquare(epsilon: epsilon, weightOffset: 1))
    model.queryKeyNorm = .perHead
    model.gatesOutput = try config.flag("attn_output_gate", default: true)
    model.deltaNet = DeltaNet(
        nKeyHeads: try config.count("linear_num_key_heads"),
        nValueHeads: try config.count("linear_num_value_heads"),
        dKey: try config.count("linear_key_head_dim", limit: 1 << 16),
        dValue: try config.count("linear_value_head_dim", limit: 1 << 16),
        kernel: try config.count("linear_conv_kernel_dim", limit: 1 << 10), epsilon: epsilon)
    guard let net = model.deltaNet, net.nValueHeads % net.nKeyHeads == 0 else {
        throw config.unusable(
            "linear_num_value_heads", "must be a multiple of linear_num_key_heads")
    }
    let period = try config.countIfAny("full_attention_interval") ?? 4
    let types = try layerTypes(
        config, nLayers: model.nLayers, known: ["full_attention", "linear_attention"]
    ) { ($0 + 1) % period == 0 ? "full_attention" : "linear_attention" }
    for l in model.layers.indices where types[l] == "linear_attention" {
        model.layers[l].hasAttention = false
        model.layers[l].rotary = nil
    }
    return model
}

private func qwenExpertTensors(
    _ model: ModelDescription, _ names: TensorNames
) -> ModelTensors {
    var tensors = llamaTensors(model, names)
    if model.queryKeyNorm == .perHead { tensors.addQueryKeyNorms(names) }
    guard let experts = model.experts else { return tensors }
    for l in tensors.layers.indices where model.layers[l].hasExperts {
        let h = "\(names.prefix)layers.\(l).mlp."
        tensors.layers[l].others[.router] = names.projection(
            h + "gate.weight", out: experts.count, in: model.dModel)
        tensors.layers[l].experts = names.experts(h + "experts.", experts, dModel: model.dModel)
        guard experts.dShared > 0 else { continue }
        names.addShared(h + "shared_expert.", experts, dModel: model.dModel, to: &tensors.layers[l])
        tensors.layers[l].others[.sharedGate] = names.projection(
            h + "shared_expert_gate.weight", out: 1, in: model.dModel)
    }
    return tensors
}

@Sendable private func hybridTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = qwenExpertTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        if model.layers[l].hasAttention {
            if model.gatesOutput { separateGate(&tensors.layers[l], model.shape(of: l), names) }
        } else if let net = model.deltaNet {
            addDeltaNet(net, h + "linear_attn.", to: &tensors.layers[l], model.dModel, names)
        }
    }
    return tensors
}

/// The rows of the query projection come per head as query and gate.
private func separateGate(
    _ layer: inout LayerTensors, _ shape: ModelDescription.HeadShape, _ names: TensorNames
) {
    var parts = layer.qkv.parts
    let (dHead, rows) = (shape.dHead, shape.nHeads * shape.dHead)
    parts[0].storedShape[0] = 2 * rows
    var gate = parts[0]
    parts[0].layout = .grouped(from: 0, count: dHead, group: 2 * dHead)
    gate.layout = .grouped(from: dHead, count: dHead, group: 2 * dHead)
    layer.qkv = names.projection(parts)
    layer.others[.outputGate] = names.projection([gate])
}

private func addDeltaNet(
    _ net: DeltaNet, _ stem: String, to layer: inout LayerTensors, _ dModel: Int,
    _ names: TensorNames
) {
    let (keys, values) = (net.nKeyHeads * net.dKey, net.outputWidth)
    layer.deltaNet = DeltaNetTensors(
        decay: stem + "A_log", timeBias: stem + "dt_bias", norm: stem + "norm.weight",
        convolution: stem + "conv1d.weight")
    layer.output = names.projection(stem + "out_proj.weight", out: dModel, in: values)
    guard names.contains(stem + "in_proj_qkvz.weight") else {
        layer.others[.deltaQKV] = names.projection(
            stem + "in_proj_qkv.weight", out: 2 * keys + values, in: dModel)
        layer.others[.deltaZ] = names.projection(
            stem + "in_proj_z.weight", out: values, in: dModel)
        layer.others[.deltaBA] = names.projection(
            ["b", "a"].map {
                TensorPart(
                    tensor: "\(stem)in_proj_\($0).weight", rows: net.nValueHeads,
                    storedShape: [net.nValueHeads, dModel])
            })
        return
    }
    // Rows come per key head: its q and k, v and z of its value heads; b and a likewise.
    let perKey = net.nValueHeads / net.nKeyHeads
    let group = 2 * net.dKey + 2 * perKey * net.dValue
    func part(_ name: String, _ from: Int, _ count: Int, _ group: Int) -> TensorPart {
        TensorPart(
            tensor: stem + name, rows: net.nKeyHeads * count,
            storedShape: [net.nKeyHeads * group, dModel],
            layout: .grouped(from: from, count: count, group: group))
    }
    let wide = "in_proj_qkvz.weight"
    layer.others[.deltaQKV] = names.projection([
        part(wide, 0, net.dKey, group), part(wide, net.dKey, net.dKey, group),
        part(wide, 2 * net.dKey, perKey * net.dValue, group),
    ])
    layer.others[.deltaZ] = names.projection([
        part(wide, 2 * net.dKey + perKey * net.dValue, perKey * net.dValue, group)
    ])
    layer.others[.deltaBA] = names.projection([
        part("in_proj_ba.weight", 0, perKey, 2 * perKey),
        part("in_proj_ba.weight", perKey, perKey, 2 * perKey),
    ])
}
