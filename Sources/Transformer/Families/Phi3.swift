// SPDX-License-Identifier: Apache-2.0
// Phi-3 (Abdin et al. 2024): Llama with q, k, v in one tensor, gate and up in one, and a window.
// Reference: transformers, models/phi3/modeling_phi3.py.

extension Family {
    static let phi3 = Family(
        modelType: "phi3", prefix: "model.", describe: describePhi3, tensors: phi3Tensors)
}

@Sendable private func describePhi3(_ config: ModelConfig) throws -> ModelDescription {
    let model = try describeLlamaLike(config, rotary: RotaryDefaults(isPartial: true))
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
}

@Sendable private func phi3Tensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        tensors.layers[l].qkv = names.stacked(
            h + "self_attn.qkv_proj.weight", tensors.layers[l].qkv.parts)
        tensors.layers[l].up = names.stacked(
            h + "mlp.gate_up_proj.weight", tensors.layers[l].up.parts)
    }
    return tensors
}
