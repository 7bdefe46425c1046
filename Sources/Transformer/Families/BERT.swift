// SPDX-License-Identifier: Apache-2.0
// BERT (Devlin et al. 2018): every query sees every key, norms stand after the residual additions.
// Reference: transformers, models/bert/modeling_bert.py.

extension Family {
    static let bert = Family(
        modelType: "bert", prefix: "bert.", describe: describeBERT, tensors: bertTensors)
}

@Sendable func describeBERT(_ config: ModelConfig) throws -> ModelDescription {
    try config.require("is_decoder", is: false, default: false)
    try config.require("add_cross_attention", is: false, default: false)
    if let kind = try config.string("position_embedding_type"), kind != "absolute" {
        throw config.unusable("position_embedding_type", "is \"\(kind)\"; only absolute is known")
    }
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["hidden_size"], nHeads: ["num_attention_heads"], nLayers: ["num_hidden_layers"])
    return ModelDescription(
        family: "bert", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel,
        dMLP: try config.count("intermediate_size"),
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("max_position_embeddings"),
        beginningOfSequence: nil, isCausal: false,
        norm: .layer(epsilon: Float(try config.positiveIfAny("layer_norm_eps") ?? 1e-12)),
        activation: try config.activation("hidden_act"), isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
}

@Sendable func bertTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    let p = names.prefix
    let dModel = model.dModel
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)encoder.layer.\(l)."
        return LayerTensors(
            afterAttentionNorm: names.norm(h + "attention.output.LayerNorm"),
            afterFeedForwardNorm: names.norm(h + "output.LayerNorm"),
            qkv: names.separateQKV(dModel, of: ["query", "key", "value"]) {
                "\(h)attention.self.\($0).weight"
            },
            output: names.projection(h + "attention.output.dense.weight", out: dModel, in: dModel),
            up: names.projection(
                h + "intermediate.dense.weight", out: model.dMLP, in: dModel),
            down: names.projection(h + "output.dense.weight", out: dModel, in: model.dMLP))
    }
    let e = p + "embeddings."
    return ModelTensors(
        tokenEmbedding: e + "word_embeddings.weight",
        positionEmbedding: e + "position_embeddings.weight",
        tokenTypeEmbedding: e + "token_type_embeddings.weight",
        embeddingNorm: names.norm(e + "LayerNorm"), layers: layers,
        unembedding: maskedLanguageHead(model, names))
}

/// The masked-language head, which many checkpoints (sentence encoders) do not have.
private func maskedLanguageHead(_ model: ModelDescription, _ names: TensorNames)
    -> UnembeddingTensors?
{
    let head = "cls.predictions."
    guard names.contains(head + "transform.dense.weight") else { return nil }
    let decoder = head + "decoder.weight"
    return maskedHead(
        model, names, dense: head + "transform.dense.weight", norm: head + "transform.LayerNorm",
        decoder: names.contains(decoder)
            ? decoder : names.prefix + "embeddings.word_embeddings.weight",
        bias: [head + "bias", head + "decoder.bias"])
}
