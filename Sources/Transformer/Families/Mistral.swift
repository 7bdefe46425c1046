// SPDX-License-Identifier: Apache-2.0
// Mistral (Jiang et al. 2023): Llama with one sliding window in every layer. Ministral 3 (2025): yarn, and
// queries that grow with the logarithm of their position.
// Reference: transformers, models/mistral, models/ministral3.

extension Family {
    static let mistral = Family(
        modelType: "mistral", prefix: "model.", describe: describeMistral,
        tensors: { llamaTensors($0, $1) })

    static let ministral3 = Family(
        modelType: "ministral3", prefix: "model.", describe: describeMinistral3,
        tensors: { llamaTensors($0, $1) })
}

@Sendable private func describeMistral(_ config: ModelConfig) throws -> ModelDescription {
    let config = config.defaulting([
        "sliding_window": .int(4096), "hidden_act": .string("silu"), "rms_norm_eps": .double(1e-6),
    ])
    let model = try describeLlamaLike(config)
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
}

@Sendable private func describeMinistral3(_ config: ModelConfig) throws -> ModelDescription {
    let config = config.defaulting(["hidden_act": .string("silu"), "rms_norm_eps": .double(1e-5)])
    var model = try describeLlamaLike(config)
    model = model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
    let settings = try RotarySettings(config)
    guard let rate = try settings.number("llama_4_scaling_beta"),
        let period = try settings.number("original_max_position_embeddings"), period > 0
    else {
        throw config.unusable(
            "rope_parameters", "must state llama_4_scaling_beta and the original context")
    }
    for l in model.layers.indices {
        model.layers[l].queryScale.rate = rate
        model.layers[l].queryScale.period = period
    }
    return model
}
