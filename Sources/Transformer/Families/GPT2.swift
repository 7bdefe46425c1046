// SPDX-License-Identifier: Apache-2.0
// GPT-2 (Radford et al. 2019): learned positions, layer norm, weights stored as [in, out].
// Reference: transformers, models/gpt2/modeling_gpt2.py.

extension Family {
    static let gpt2 = Family(
        modelType: "gpt2", prefix: "transformer.", describe: describeGPT2, tensors: gpt2Tensors)
}

@Sendable private func describeGPT2(_ config: ModelConfig) throws -> ModelDescription {
    try config.require("scale_attn_weights", is: true, default: true)
    try config.require("scale_attn_by_inverse_layer_idx", is: false, default: false)
    try config.require("add_cross_attention", is: false, default: false)
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["n_embd"], nHeads: ["n_head"], nLayers: ["n_layer"])
    return ModelDescription(
        family: "gpt2", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel,
        dMLP: try config.countIfAny("n_inner") ?? 4 * dModel,
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("n_positions", "n_ctx"),
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .layer(epsilon: Float(try config.positive("layer_norm_epsilon"))),
        activation: try config.activation("activation_function"), isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
}

@Sendable private func gpt2Tensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors
{
    let p = names.prefix
    let (dModel, hidden) = (model.dModel, model.dMLP)
    // Conv1D stores [in, out].
    func conv(_ name: String, in input: Int, out: Int, from: Int = 0, rows: Int? = nil)
        -> TensorPart
    {
        TensorPart(
            tensor: name, rows: rows ?? out, storedShape: [input, out], layout: .columns(from: from)
        )
    }
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)h.\(l)."
        let qkv = (0..<3).map {
            conv(
                h + "attn.c_attn.weight", in: dModel, out: 3 * dModel, from: $0 * dModel,
                rows: dModel)
        }
        return LayerTensors(
            inputNorm: names.norm(h + "ln_1"), feedForwardNorm: names.norm(h + "ln_2"),
            qkv: names.projection(qkv),
            output: names.projection([conv(h + "attn.c_proj.weight", in: dModel, out: dModel)]),
            up: names.projection([conv(h + "mlp.c_fc.weight", in: dModel, out: hidden)]),
            down: names.projection([conv(h + "mlp.c_proj.weight", in: hidden, out: dModel)]))
    }
    let embedding = p + "wte.weight"
    let head = names.contains("lm_head.weight") ? "lm_head.weight" : embedding
    return ModelTensors(
        tokenEmbedding: embedding, positionEmbedding: p + "wpe.weight", layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "ln_f"),
            projection: names.projection(head, out: model.dVocab, in: dModel)))
}
