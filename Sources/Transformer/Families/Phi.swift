// SPDX-License-Identifier: Apache-2.0
// Phi 1 and 2 (2023), StableLM (2023) and StarCoder 2 (2024): layer norm with biases, rotary positions in a part of
// each head, a parallel residual in some. Reference: transformers, models/phi, stablelm, starcoder2.

extension Family {
    static let phi = Family(
        modelType: "phi", prefix: "model.",
        describe: { config in
            var model = try describeLayerNormed(
                config.defaulting(["hidden_act": .string("gelu_new")]),
                epsilonKey: "layer_norm_eps",
                partial: 0.5)
            model.isGated = false
            model.hasParallelResidual = true
            return model
        }, tensors: phiTensors)

    static let stableLM = Family(
        modelType: "stablelm", prefix: "model.",
        describe: { config in
            var model = try describeLayerNormed(
                config, epsilonKey: "layer_norm_eps", partial: 0.25)
            model.hasParallelResidual = try config.flag("use_parallel_residual", default: false)
            return model
        }, tensors: stableLMTensors)

    static let starCoder2 = Family(
        modelType: "starcoder2", prefix: "model.",
        describe: { config in
            var model = try describeLayerNormed(config, epsilonKey: "norm_epsilon", partial: 1)
            model.isGated = false
            return model.with(
                windows: try slidingWindows(config, nLayers: model.nLayers) { _ in true })
        }, tensors: starCoder2Tensors)
}

private func describeLayerNormed(
    _ config: ModelConfig, epsilonKey: String, partial: Double
) throws -> ModelDescription {
    var model = try describeLlamaLike(
        config, rotary: RotaryDefaults(partial: partial, isPartial: partial < 1),
        norm: .layer(epsilon: Float(try config.positiveIfAny(epsilonKey) ?? 1e-5)))
    if try config.flag("qk_layernorm", default: false) { model.queryKeyNorm = .perHead }
    return model
}

@Sendable private func phiTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    var tensors = llamaTensors(model, names)
    let p = names.prefix
    for l in tensors.layers.indices {
        let h = "\(p)layers.\(l)."
        tensors.layers[l].feedForwardNorm = tensors.layers[l].inputNorm
        tensors.layers[l].output = names.projection(
            h + "self_attn.dense.weight", out: model.dModel, in: model.shape(of: l).zWidth)
        tensors.layers[l].up = names.projection(
            h + "mlp.fc1.weight", out: model.dMLP, in: model.dModel)
        tensors.layers[l].down = names.projection(
            h + "mlp.fc2.weight", out: model.dModel, in: model.dMLP)
        guard model.queryKeyNorm == .perHead else { continue }
        func norm(_ name: String) -> HeadNormTensors {
            HeadNormTensors(
                weights: ["\(h)self_attn.\(name).weight"], biases: ["\(h)self_attn.\(name).bias"])
        }
        tensors.layers[l].queryNorm = norm("q_layernorm")
        tensors.layers[l].keyNorm = norm("k_layernorm")
    }
    tensors.unembedding?.norm = names.norm(p + "final_layernorm")
    return tensors
}

@Sendable private func stableLMTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l)."
        if model.hasParallelResidual {
            tensors.layers[l].feedForwardNorm = tensors.layers[l].inputNorm
        }
        guard model.queryKeyNorm == .perHead else { continue }
        func norms(_ name: String, _ heads: Int) -> HeadNormTensors {
            HeadNormTensors(
                weights: (0..<heads).map { "\(h)self_attn.\(name).norms.\($0).weight" })
        }
        tensors.layers[l].queryNorm = norms("q_layernorm", model.nHeads)
        tensors.layers[l].keyNorm = norms("k_layernorm", model.nKVHeads)
    }
    return tensors
}

@Sendable private func starCoder2Tensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = llamaTensors(model, names)
    for l in tensors.layers.indices {
        let h = "\(names.prefix)layers.\(l).mlp."
        tensors.layers[l].up = names.projection(
            h + "c_fc.weight", out: model.dMLP, in: model.dModel)
        tensors.layers[l].down = names.projection(
            h + "c_proj.weight", out: model.dModel, in: model.dMLP)
    }
    return tensors
}
