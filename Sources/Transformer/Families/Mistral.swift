// SPDX-License-Identifier: Apache-2.0
// Mistral (Jiang et al. 2023): Llama with one sliding window in every layer.
// Reference: transformers, models/mistral/modeling_mistral.py.

extension Family {
    static let mistral = Family(
        modelType: "mistral", prefix: "model.", describe: describeMistral,
        tensors: { llamaTensors($0, $1) })
}

@Sendable private func describeMistral(_ config: ModelConfig) throws -> ModelDescription {
    let model = try describeLlamaLike(config)
    return model.with(
        windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
}
