// SPDX-License-Identifier: Apache-2.0
// OPT (Zhang et al. 2022): GPT-2 with relu, positions from row 2 of their table on, and in one size norms after
// attention and MLP and embeddings of another width. Reference: transformers, models/opt/modeling_opt.py.

extension Family {
    static let opt = Family(
        modelType: "opt", prefix: "model.", describe: describeOPT, tensors: optTensors)
}

@Sendable private func describeOPT(_ config: ModelConfig) throws -> ModelDescription {
    try config.require("_remove_final_layer_norm", is: false, default: false)
    try config.require("layer_norm_elementwise_affine", is: true, default: true)
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["hidden_size"], nHeads: ["num_attention_heads"], nLayers: ["num_hidden_layers"])
    var model = ModelDescription(
        family: "opt", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel, dMLP: try config.count("ffn_dim"),
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("max_position_embeddings"),
        beginningOfSequence: try config.beginningOfSequence(), norm: .layer(epsilon: 1e-5),
        activation: try config.activation("activation_function"), isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
    model.positionOffset = 2
    model.tiesEmbeddings = try config.flagIfAny("tie_word_embeddings") ?? true
    model.normsFollow = try !config.flag("do_layer_norm_before", default: true)
    if let width = try config.countIfAny("word_embed_proj_dim"), width != dModel {
        model.dEmbedding = width
    }
    return model
}

@Sendable private func optTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    let p = names.prefix + "decoder."
    let (dModel, dMLP) = (model.dModel, model.dMLP)
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)layers.\(l)."
        let (first, second) = (
            names.norm(h + "self_attn_layer_norm"), names.norm(h + "final_layer_norm")
        )
        let after = model.normsFollow
        return LayerTensors(
            inputNorm: after ? nil : first, afterAttentionNorm: after ? first : nil,
            feedForwardNorm: after ? nil : second, afterFeedForwardNorm: after ? second : nil,
            qkv: names.separateQKV(dModel) { "\(h)self_attn.\($0)_proj.weight" },
            output: names.projection(h + "self_attn.out_proj.weight", out: dModel, in: dModel),
            up: names.projection(h + "fc1.weight", out: dMLP, in: dModel),
            down: names.projection(h + "fc2.weight", out: dModel, in: dMLP))
    }
    let embedding = p + "embed_tokens.weight"
    var unembedding = UnembeddingTensors(
        norm: model.normsFollow ? nil : names.norm(p + "final_layer_norm"),
        projection: names.projection(
            names.unembedding("lm_head.weight", model, else: embedding), out: model.dVocab,
            in: model.dEmbedding ?? dModel))
    var tensors = ModelTensors(
        tokenEmbedding: embedding, positionEmbedding: p + "embed_positions.weight", layers: layers)
    if let width = model.dEmbedding {
        tensors.embeddingProjection = names.projection(
            p + "project_in.weight", out: dModel, in: width)
        unembedding.narrowing = names.projection(p + "project_out.weight", out: width, in: dModel)
    }
    tensors.unembedding = unembedding
    return tensors
}
