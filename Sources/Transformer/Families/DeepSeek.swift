// SPDX-License-Identifier: Apache-2.0
// DeepSeek-V3 (2024): latent attention, and experts of which a token chooses within the best groups, beside one
// that every token runs through. Reference: transformers, models/deepseek_v3/modeling_deepseek_v3.py.

import Foundation

extension Family {
    static let deepseekV3 = Family(
        modelType: "deepseek_v3", prefix: "model.", describe: describeDeepSeek,
        tensors: deepSeekTensors)
}

@Sendable private func describeDeepSeek(_ config: ModelConfig) throws -> ModelDescription {
    let (own, turning) = (
        try config.count("qk_nope_head_dim", limit: 1 << 16),
        try config.count("qk_rope_head_dim", limit: 1 << 16)
    )
    let heads = try config.count("num_attention_heads")
    // Newer configs give the turning part as head_dim.
    var model = try describeLlamaLike(
        config.replacing(["head_dim": .int(own + turning), "num_key_value_heads": .int(heads)]))
    model.dValue = try config.count("v_head_dim", limit: 1 << 16)
    model.latent = LatentAttention(
        queryRank: try config.countIfAny("q_lora_rank"),
        keyValueRank: try config.count("kv_lora_rank"), dOwn: own, dRotary: turning)
    let settings = try RotarySettings(config)
    var rotary = try settings.rotary(dHead: turning)
    rotary.offset = own
    rotary.layout =
        try config.flag("rope_interleave", default: true) ? .neighboursToHalves : .halves
    model.rotaries = [rotary]
    if try settings.kind() != "default", let scale = try settings.number("mscale_all_dim"),
        let factor = try settings.number("factor"), factor > 1, scale != 0
    {
        let stretch = Float(0.1 * scale * log(factor) + 1)
        model.scoreScale *= stretch * stretch
    }
    var router = Experts.Router(.sigmoid)
    router.normalizes = try config.flag("norm_topk_prob", default: true)
    router.scale = Float(try config.positiveIfAny("routed_scaling_factor") ?? 1)
    let groups = try config.countIfAny("n_group") ?? 1
    router.groups = (groups, try config.countIfAny("topk_group") ?? groups)
    var experts = try config.experts(
        count: "n_routed_experts", chosen: "num_experts_per_tok", width: "moe_intermediate_size",
        activation: .gated(model.activation), router: router)
    guard experts.count % groups == 0, router.groups.map({ $0.kept <= groups }) == true,
        experts.count / groups * (router.groups?.kept ?? 0) >= experts.chosen
    else {
        throw config.unusable("n_group", "does not fit the numbers of experts")
    }
    experts.dShared = try (config.countIfZero("n_shared_experts") ?? 0) * experts.dExpert
    let dense = try config.countIfZero("first_k_dense_replace") ?? 0
    model.setExperts(experts) { $0 >= dense }
    return model
}

@Sendable private func deepSeekTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    guard let latent = model.latent, let experts = model.experts else { return tensors }
    let dModel = model.dModel
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        let a = h + "self_attn."
        let queries = model.nHeads * model.dHead
        tensors.layers[l].qkv = Projection()
        if let rank = latent.queryRank {
            tensors.layers[l].latentQueryNorm = a + "q_a_layernorm.weight"
            tensors.layers[l].others[.latentQuery] = names.projection(
                a + "q_a_proj.weight", out: rank, in: dModel)
            tensors.layers[l].others[.latentQueryUp] = names.projection(
                a + "q_b_proj.weight", out: queries, in: rank)
        } else {
            tensors.layers[l].others[.latentQueryUp] = names.projection(
                a + "q_proj.weight", out: queries, in: dModel)
        }
        tensors.layers[l].latentKeyValueNorm = a + "kv_a_layernorm.weight"
        tensors.layers[l].others[.latentKeyValue] = names.projection(
            a + "kv_a_proj_with_mqa.weight", out: latent.keyValueRank + latent.dRotary, in: dModel)
        tensors.layers[l].others[.latentKeyValueUp] = names.projection(
            a + "kv_b_proj.weight", out: model.nHeads * (latent.dOwn + model.shape(of: l).dValue),
            in: latent.keyValueRank)
        guard model.layers[l].hasExperts else { continue }
        tensors.layers[l].others[.router] = names.projection(
            [
                TensorPart(
                    tensor: h + "mlp.gate.weight", rows: experts.count,
                    storedShape: [experts.count, dModel])
            ])
        tensors.layers[l].routerCorrection = h + "mlp.gate.e_score_correction_bias"
        tensors.layers[l].experts = names.experts(h + "mlp.experts.", experts, dModel: dModel)
        if experts.dShared > 0 {
            names.addShared(
                h + "mlp.shared_experts.", experts, dModel: dModel, to: &tensors.layers[l])
        }
    }
    return tensors
}
