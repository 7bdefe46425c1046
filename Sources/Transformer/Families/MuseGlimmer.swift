// SPDX-License-Identifier: Apache-2.0
// Muse Glimmer (2026), its part for text: embeddings, queries and keys normalised without weights, gated z,
// windows in three of four layers, the others without positions.
// Reference: transformers, models/muse_glimmer/modeling_muse_glimmer.py.

extension Family {
    static let museGlimmer = Family(
        modelType: "muse_glimmer_text", prefix: "model.", describe: describeMuseGlimmer,
        tensors: museGlimmerTensors)
}

@Sendable private func describeMuseGlimmer(_ config: ModelConfig) throws -> ModelDescription {
    let epsilon = Float(try config.positive("rms_norm_eps"))
    var model = try describeLlamaLike(
        config.defaulting(["hidden_activation": .string("silu")]),
        norm: .rootMeanSquare(epsilon: epsilon, weightOffset: 1))
    let nLayers = model.nLayers
    model = model.with(
        windows: try slidingWindows(config, nLayers: nLayers) { (nLayers - 1 - $0) % 4 != 0 })
    let thetas = try config.numbers("layer_rope_theta")
    model.embeddingNormEpsilon = epsilon
    model.queryKeyNorm = .perHead
    model.gatesOutput = true
    model.postNormEpsilon = Float(try config.positiveIfAny("post_norm_eps") ?? 1e-8)
    model.logitScale = Float(try config.positiveIfAny("output_multiplier") ?? 1)
    model.logitSoftCap = try config.positiveIfAny("final_logit_softcapping").map(Float.init)
    for l in model.layers.indices {
        model.layers[l].queryScale.factor = Float(
            try config.positiveIfAny("qk_scale_factor") ?? 3.87)
        let turns =
            thetas.map { $0.indices.contains(l) && $0[l] != 0 } ?? ((nLayers - 1 - l) % 4 != 0)
        if !turns { model.layers[l].rotary = nil }
    }
    return model
}

@Sendable private func museGlimmerTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = gemmaTensors(model, names)
    let post = ModelDescription.Norm.rootMeanSquare(
        epsilon: model.postNormEpsilon ?? 1e-8, weightOffset: 1)
    for l in tensors.layers.indices {
        let shape = model.shape(of: l)
        tensors.layers[l].attentionOutputNorm?.kind = post
        tensors.layers[l].feedForwardOutputNorm?.kind = post
        tensors.layers[l].queryNorm = HeadNormTensors(weights: [])
        tensors.layers[l].keyNorm = HeadNormTensors(weights: [])
        tensors.layers[l].others[.outputGate] = names.projection(
            "\(names.prefix)layers.\(l).self_attn.gate_proj.weight", out: shape.zWidth,
            in: model.dModel)
    }
    tensors.unembedding?.norm?.kind = model.norm.withoutOffset
    return tensors
}
