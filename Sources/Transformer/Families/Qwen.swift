// SPDX-License-Identifier: Apache-2.0
// Qwen 2 (Yang et al. 2024): Llama with biases on q, k, v (found by their tensors) and windows in the
// upper layers if asked for. Qwen 3 (2025) drops the biases and normalises queries and keys per head.
// Reference: transformers, models/qwen2/modeling_qwen2.py, models/qwen3/modeling_qwen3.py.

extension Family {
    static let qwen2 = Family(
        modelType: "qwen2", prefix: "model.", describe: describeQwen,
        tensors: { llamaTensors($0, $1) })

    static let qwen3 = Family(
        modelType: "qwen3", prefix: "model.", describe: describeQwen3, tensors: qwen3Tensors)
}

@Sendable func describeQwen(_ config: ModelConfig) throws -> ModelDescription {
    let model = try describeLlamaLike(config)
    guard try config.flag("use_sliding_window", default: false) else { return model }
    let firstWindowed = try config.countIfAny("max_window_layers") ?? 28
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { $0 >= firstWindowed })
}

@Sendable private func describeQwen3(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeQwen(config)
    model.queryKeyNorm = .perHead
    return model
}

@Sendable private func qwen3Tensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    tensors.addQueryKeyNorms(names)
    return tensors
}

extension ModelTensors {
    /// Names the norms of queries and keys, as every family with such norms calls them.
    mutating func addQueryKeyNorms(
        _ names: TensorNames, scope: ModelDescription.QueryKeyNorm = .perHead
    ) {
        for l in layers.indices where layers[l].qkv.orNil != nil {
            let stem = "\(names.prefix)layers.\(l).self_attn."
            layers[l].queryNorm = HeadNormTensors(weights: [stem + "q_norm.weight"], scope: scope)
            layers[l].keyNorm = HeadNormTensors(weights: [stem + "k_norm.weight"], scope: scope)
        }
    }
}
