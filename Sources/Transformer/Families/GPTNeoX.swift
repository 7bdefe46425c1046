// SPDX-License-Identifier: Apache-2.0
// GPT-NeoX (Black et al. 2022), the family of Pythia: parallel residual, partial rotary, q, k and v
// fused per head. Reference: transformers, models/gpt_neox/modeling_gpt_neox.py.

extension Family {
    static let gptNeoX = Family(
        modelType: "gpt_neox", prefix: "gpt_neox.", describe: describeGPTNeoX,
        tensors: gptNeoXTensors)
}

@Sendable private func describeGPTNeoX(_ config: ModelConfig) throws -> ModelDescription {
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["hidden_size"], nHeads: ["num_attention_heads"], nLayers: ["num_hidden_layers"])
    return ModelDescription(
        family: "gpt_neox", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel, dMLP: try config.count("intermediate_size"),
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("max_position_embeddings", limit: 1 << 30),
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .layer(epsilon: Float(try config.positive("layer_norm_eps"))),
        activation: try config.activation("hidden_act"), isGated: false,
        hasParallelResidual: try config.flag("use_parallel_residual", default: true),
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(window: nil, rotary: 0), count: nLayers),
        rotaries: [
            try RotarySettings(
                config,
                RotaryDefaults(
                    partial: 0.25, legacyTheta: "rotary_emb_base", legacyPartial: "rotary_pct",
                    isPartial: true)
            ).rotary(dHead: dHead)
        ])
}

@Sendable private func gptNeoXTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    let p = names.prefix
    let dModel = model.dModel
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)layers.\(l)."
        let qkv = (0..<3).map { part in
            TensorPart(
                tensor: h + "attention.query_key_value.weight", rows: dModel,
                storedShape: [3 * dModel, dModel],
                layout: .perHead(part: part, dHead: model.dHead))
        }
        return LayerTensors(
            inputNorm: names.norm(h + "input_layernorm"),
            feedForwardNorm: names.norm(h + "post_attention_layernorm"),
            qkv: names.projection(qkv),
            output: names.projection(h + "attention.dense.weight", out: dModel, in: dModel),
            up: names.projection(
                h + "mlp.dense_h_to_4h.weight", out: model.dMLP, in: dModel),
            down: names.projection(
                h + "mlp.dense_4h_to_h.weight", out: dModel, in: model.dMLP))
    }
    let head = ["embed_out.weight", "lm_head.weight"].first(where: names.contains)
    return ModelTensors(
        tokenEmbedding: p + "embed_in.weight", layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "final_layer_norm"),
            projection: names.projection(
                head ?? p + "embed_in.weight", out: model.dVocab, in: dModel)))
}
