// SPDX-License-Identifier: Apache-2.0
// Encoders besides BERT: RoBERTa (2019), DistilBERT (2019), ModernBERT (2024).
// Reference: transformers, models/roberta, distilbert, modernbert.

extension Family {
    static let roberta = Family(
        modelType: "roberta", prefix: "roberta.", describe: describeRoBERTa,
        tensors: robertaTensors)

    static let distilBERT = Family(
        modelType: "distilbert", prefix: "distilbert.", describe: describeDistilBERT,
        tensors: distilBERTTensors)

    static let modernBERT = Family(
        modelType: "modernbert", prefix: "model.", describe: describeModernBERT,
        tensors: modernBERTTensors)
}

@Sendable private func describeRoBERTa(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeBERT(config)
    // Positions are counted behind the padding token's.
    let offset = 1 + (try config.numberIfAny("pad_token_id").map { Int($0) } ?? 1)
    guard offset > 0, offset < model.nCtx else {
        throw config.unusable("pad_token_id", "must lie within the positions")
    }
    model.positionOffset = offset
    model.nCtx -= offset
    return model
}

@Sendable private func robertaTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = bertTensors(model, names)
    tensors.unembedding = nil
    guard names.contains("lm_head.dense.weight") else { return tensors }
    tensors.unembedding = maskedHead(
        model, names, dense: "lm_head.dense.weight", norm: "lm_head.layer_norm",
        decoder: names.prefix + "embeddings.word_embeddings.weight",
        bias: ["lm_head.bias", "lm_head.decoder.bias"])
    return tensors
}

@Sendable private func describeDistilBERT(_ config: ModelConfig) throws -> ModelDescription {
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["dim"], nHeads: ["n_heads"], nLayers: ["n_layers"])
    return ModelDescription(
        family: "distilbert", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel, dMLP: try config.count("hidden_dim"),
        dVocab: try config.count("vocab_size"), nCtx: try config.count("max_position_embeddings"),
        beginningOfSequence: nil, isCausal: false, norm: .layer(epsilon: 1e-12),
        activation: try config.activation("activation"), isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
}

@Sendable private func distilBERTTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    let (dModel, p) = (model.dModel, names.prefix)
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)transformer.layer.\(l)."
        return LayerTensors(
            afterAttentionNorm: names.norm(h + "sa_layer_norm"),
            afterFeedForwardNorm: names.norm(h + "output_layer_norm"),
            qkv: names.separateQKV(dModel) { "\(h)attention.\($0)_lin.weight" },
            output: names.projection(h + "attention.out_lin.weight", out: dModel, in: dModel),
            up: names.projection(h + "ffn.lin1.weight", out: model.dMLP, in: dModel),
            down: names.projection(h + "ffn.lin2.weight", out: dModel, in: model.dMLP))
    }
    let e = p + "embeddings."
    let head =
        names.contains("vocab_transform.weight")
        ? maskedHead(
            model, names, dense: "vocab_transform.weight", norm: "vocab_layer_norm",
            decoder: e + "word_embeddings.weight", bias: ["vocab_projector.bias"]) : nil
    return ModelTensors(
        tokenEmbedding: e + "word_embeddings.weight",
        positionEmbedding: e + "position_embeddings.weight",
        embeddingNorm: names.norm(e + "LayerNorm"),
        layers: layers, unembedding: head)
}

@Sendable private func describeModernBERT(_ config: ModelConfig) throws -> ModelDescription {
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["hidden_size"], nHeads: ["num_attention_heads"], nLayers: ["num_hidden_layers"])
    let period = try config.countIfAny("global_attn_every_n_layers") ?? 3
    let types = try layerTypes(
        config, nLayers: nLayers, known: ["full_attention", "sliding_attention"]
    ) { $0 % period == 0 ? "full_attention" : "sliding_attention" }
    let window = try config.countIfAny("local_attention") ?? 128
    var layers = Array(repeating: ModelDescription.LayerKind(rotary: 0), count: nLayers)
    for l in 0..<nLayers where types[l] == "sliding_attention" {
        layers[l].halfWindow = window / 2
        layers[l].rotary = 1
    }
    func rotary(_ kind: String, _ key: String, _ theta: Double) throws -> Rotary {
        try RotarySettings(
            config, layerType: kind, RotaryDefaults(theta: theta, legacyTheta: key)
        ).rotary(dHead: dHead)
    }
    return ModelDescription(
        family: "modernbert", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads, dHead: dHead,
        dModel: dModel, dMLP: try config.count("intermediate_size"),
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("max_position_embeddings", limit: 1 << 30),
        beginningOfSequence: nil, isCausal: false,
        norm: .layer(epsilon: Float(try config.positiveIfAny("norm_eps") ?? 1e-5)),
        activation: try config.has("hidden_activation")
            ? config.activation("hidden_activation") : .gelu,
        isGated: true, scoreScale: 1 / Float(dHead).squareRoot(), layers: layers,
        rotaries: [
            try rotary("full_attention", "global_rope_theta", 160_000),
            try rotary("sliding_attention", "local_rope_theta", 10_000),
        ])
}

@Sendable private func modernBERTTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    let (dModel, dMLP, p) = (model.dModel, model.dMLP, names.prefix)
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)layers.\(l)."
        func rows(_ count: Int, _ width: Int) -> [TensorPart] {
            (0..<count).map { _ in
                TensorPart(tensor: "", rows: width, storedShape: [width, dModel])
            }
        }
        return LayerTensors(
            inputNorm: l == 0 ? nil : names.norm(h + "attn_norm"),
            feedForwardNorm: names.norm(h + "mlp_norm"),
            qkv: names.stacked(h + "attn.Wqkv.weight", rows(3, dModel)),
            output: names.projection(h + "attn.Wo.weight", out: dModel, in: dModel),
            up: names.stacked(h + "mlp.Wi.weight", rows(2, dMLP)),
            down: names.projection(h + "mlp.Wo.weight", out: dModel, in: dMLP))
    }
    let e = p + "embeddings."
    let embedding = e + "tok_embeddings.weight"
    var head = UnembeddingTensors(
        norm: names.norm(p + "final_norm"),
        projection: Projection(parts: [
            TensorPart(
                tensor: embedding, rows: model.dVocab, storedShape: [model.dVocab, dModel])
        ]))
    if names.contains("decoder.bias") {
        head.projection.bias = [
            TensorPart(tensor: "decoder.bias", rows: model.dVocab, storedShape: [model.dVocab])
        ]
    }
    head.transform = names.projection("head.dense.weight", out: dModel, in: dModel)
    head.transformNorm = names.norm("head.norm")
    return ModelTensors(
        tokenEmbedding: embedding, embeddingNorm: names.norm(e + "norm"), layers: layers,
        unembedding: names.contains("head.dense.weight") ? head : nil)
}

/// A masked-language head: a dense layer with activation and norm, then the embedding and a bias.
func maskedHead(
    _ model: ModelDescription, _ names: TensorNames, dense: String, norm: String, decoder: String,
    bias: [String]
) -> UnembeddingTensors {
    let size = model.dVocab
    return UnembeddingTensors(
        norm: nil,
        transform: names.projection(dense, out: model.dModel, in: model.dModel),
        transformNorm: names.norm(norm),
        projection: Projection(
            parts: [TensorPart(tensor: decoder, rows: size, storedShape: [size, model.dModel])],
            bias: bias.first(where: names.contains).map {
                [TensorPart(tensor: $0, rows: size, storedShape: [size])]
            } ?? []))
}
