// SPDX-License-Identifier: Apache-2.0
// OLMo 2 (2024): Llama with norms after attention and MLP instead of before, and queries and keys
// normalised over all heads together. Reference: transformers, models/olmo2/modeling_olmo2.py.

extension Family {
    static let olmo2 = Family(
        modelType: "olmo2", prefix: "model.", describe: describeOLMo2, tensors: olmo2Tensors)
}

@Sendable private func describeOLMo2(_ config: ModelConfig) throws -> ModelDescription {
    try config.requireFullAttention()
    var model = try describeLlamaLike(config)
    model.queryKeyNorm = .allHeads
    return model
}

@Sendable private func olmo2Tensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    tensors.addQueryKeyNorms(names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        tensors.layers[l].inputNorm = nil
        tensors.layers[l].attentionOutputNorm = names.norm(h + "post_attention_layernorm")
        tensors.layers[l].feedForwardNorm = nil
        tensors.layers[l].feedForwardOutputNorm = names.norm(h + "post_feedforward_layernorm")
    }
    return tensors
}
