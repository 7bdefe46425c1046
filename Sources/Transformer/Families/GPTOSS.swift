// SPDX-License-Identifier: Apache-2.0
// GPT-OSS (2025): a learned sink for each head, windows in every second layer, yarn, and experts with clamped
// functions whose weights are stored in 4-bit blocks.
// Reference: transformers, models/gpt_oss/modeling_gpt_oss.py.

extension Family {
    static let gptOSS = Family(
        modelType: "gpt_oss", prefix: "model.", describe: describeGPTOSS, tensors: gptOSSTensors)
}

@Sendable private func describeGPTOSS(_ config: ModelConfig) throws -> ModelDescription {
    let config = config.defaulting(["sliding_window": .int(128), "head_dim": .int(64)])
    var model = try describeLlamaLike(config, rotary: RotaryDefaults(theta: 150_000))
    model = model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { $0 % 2 == 0 })
    model.setExperts(
        try config.experts(
            count: config.has("num_local_experts") ? "num_local_experts" : "num_experts",
            chosen: "num_experts_per_tok", width: "intermediate_size",
            activation: .clamped(
                limit: Float(try config.positiveIfAny("swiglu_limit") ?? 7),
                slope: Float(try config.positiveIfAny("swiglu_alpha") ?? 1.702)),
            router: Experts.Router(.softmaxOfChosen))
    ) { _ in true }
    return model
}

@Sendable private func gptOSSTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    guard let experts = model.experts else { return tensors }
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        let sinks = h + "self_attn.sinks"
        tensors.layers[l].sinks = names.contains(sinks) ? sinks : sinks + ".weight"
        tensors.layers[l].others[.router] = names.projection(
            h + "mlp.router.weight", out: experts.count, in: model.dModel)
        let stem = h + "mlp.experts."
        // GGUF has gate and up apart.
        tensors.layers[l].experts =
            names.contains(stem + "gate_proj.weight")
            ? names.experts(stem, experts, dModel: model.dModel)
            : names.transposedExperts(stem, experts, dModel: model.dModel)
        tensors.ignored += ["gate_up_proj_scales", "down_proj_scales"].map {
            "\(h)mlp.experts.\($0)"
        }
    }
    return tensors
}
