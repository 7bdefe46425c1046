// SPDX-License-Identifier: Apache-2.0
// Mixtral (Jiang et al. 2024): Mistral with experts instead of the MLP. OLMoE (Muennighoff et al. 2024): the same
// with queries and keys normalised over all heads together, and clipped.
// Reference: transformers, models/mixtral, models/olmoe.

extension Family {
    static let mixtral = Family(
        modelType: "mixtral", prefix: "model.", describe: describeMixtral, tensors: mixtralTensors)

    static let olmoe = Family(
        modelType: "olmoe", prefix: "model.", describe: describeOLMoE, tensors: olmoeTensors)
}

@Sendable private func describeMixtral(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeLlamaLike(config, rotary: RotaryDefaults(theta: 1_000_000))
    model = model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
    var router = Experts.Router(.softmax)
    router.normalizes = true
    model.setExperts(
        try config.experts(
            count: "num_local_experts", chosen: "num_experts_per_tok", width: "intermediate_size",
            activation: .gated(model.activation), router: router)
    ) { _ in true }
    return model
}

@Sendable private func mixtralTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    guard let experts = model.experts else { return tensors }
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        let stem = h + (names.contains(h + "mlp.gate.weight") ? "mlp." : "block_sparse_moe.")
        tensors.layers[l].others[.router] = names.projection(
            stem + "gate.weight", out: experts.count, in: model.dModel)
        tensors.layers[l].experts = names.experts(
            stem + "experts.", experts, dModel: model.dModel, own: ("w1", "w3", "w2"))
    }
    return tensors
}

@Sendable private func describeOLMoE(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeLlamaLike(config)
    model.queryKeyNorm = .allHeads
    model.qkvClip = try config.positiveIfAny("clip_qkv").map(Float.init)
    var router = Experts.Router(.softmax)
    router.normalizes = try config.flag("norm_topk_prob", default: false)
    model.setExperts(
        try config.experts(
            count: config.has("num_experts") ? "num_experts" : "num_local_experts",
            chosen: "num_experts_per_tok", width: "intermediate_size",
            activation: .gated(model.activation), router: router)
    ) { _ in true }
    return model
}

@Sendable private func olmoeTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    tensors.addQueryKeyNorms(names, scope: .allHeads)
    guard let experts = model.experts else { return tensors }
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l).mlp."
        tensors.layers[l].others[.router] = names.projection(
            h + "gate.weight", out: experts.count, in: model.dModel)
        tensors.layers[l].experts = names.experts(h + "experts.", experts, dModel: model.dModel)
    }
    return tensors
}
