// SPDX-License-Identifier: Apache-2.0
// BLOOM (2022) and Falcon (2023): q, k and v in one tensor, ALiBi in one and in some of the other.
// Reference: transformers, models/bloom, models/falcon.

extension Family {
    static let bloom = Family(
        modelType: "bloom", prefix: "transformer.", describe: describeBLOOM, tensors: bloomTensors)

    static let falcon = Family(
        modelType: "falcon", prefix: "transformer.", describe: describeFalcon,
        tensors: falconTensors)
}

@Sendable private func describeBLOOM(_ config: ModelConfig) throws -> ModelDescription {
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["n_embed", "hidden_size"], nHeads: ["n_head", "num_attention_heads"],
        nLayers: ["n_layer", "num_hidden_layers"])
    var model = ModelDescription(
        family: "bloom", nLayers: nLayers, nHeads: nHeads, nKVHeads: nHeads,
        dHead: dHead, dModel: dModel, dMLP: 4 * dModel,
        dVocab: try config.count("vocab_size"),
        nCtx: try config.countIfAny("seq_length") ?? 1 << 20,
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .layer(epsilon: Float(try config.positiveIfAny("layer_norm_epsilon") ?? 1e-5)),
        activation: .geluTanh, isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
    model.addsToNormedInput = try config.flag(
        "apply_residual_connection_post_layernorm", default: false)
    model.keyBias = KeyBias(nHeads: nHeads)
    model.tiesEmbeddings = try config.flagIfAny("tie_word_embeddings")
    return model
}

@Sendable private func bloomTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    var tensors = fusedTensors(model, names) { name in
        (0..<3).map {
            TensorPart(
                tensor: name, rows: model.dModel, storedShape: [3 * model.dModel, model.dModel],
                layout: .perHead(part: $0, dHead: model.dHead))
        }
    }
    tensors.embeddingNorm = names.norm(names.prefix + "word_embeddings_layernorm")
    return tensors
}

@Sendable private func describeFalcon(_ config: ModelConfig) throws -> ModelDescription {
    let (dModel, nHeads, nLayers, dHead) = try config.evenHeads(
        dModel: ["hidden_size"], nHeads: ["num_attention_heads", "n_head"],
        nLayers: ["num_hidden_layers", "n_layer"])
    let isNew = try config.flag("new_decoder_architecture", default: false)
    var nKVHeads = nHeads
    if isNew {
        nKVHeads = try config.countIfAny("num_kv_heads") ?? nHeads
    } else if try config.flag("multi_query", default: true) {
        nKVHeads = 1
    }
    guard nHeads % nKVHeads == 0 else {
        throw config.unusable("num_kv_heads", "must divide the number of heads")
    }
    var model = ModelDescription(
        family: "falcon", nLayers: nLayers, nHeads: nHeads, nKVHeads: nKVHeads, dHead: dHead,
        dModel: dModel, dMLP: try config.countIfAny("ffn_hidden_size") ?? 4 * dModel,
        dVocab: try config.count("vocab_size"),
        nCtx: try config.countIfAny("max_position_embeddings", limit: 1 << 30) ?? 2048,
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .layer(epsilon: Float(try config.positiveIfAny("layer_norm_epsilon") ?? 1e-5)),
        activation: try config.has("activation") ? config.activation("activation") : .gelu,
        isGated: false, scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: nLayers))
    model.hasParallelResidual = try isNew || config.flag("parallel_attn", default: true)
    // Of two norms, or of one with a parallel residual, or of one after the other.
    model.parallelNorms =
        try isNew && (config.countIfAny("num_ln_in_parallel_attn") ?? 2) == 2
    model.tiesEmbeddings = try config.flagIfAny("tie_word_embeddings") ?? true
    if try config.flag("alibi", default: false) {
        model.keyBias = KeyBias(nHeads: nHeads, roundedScale: model.scoreScale)
    } else {
        model.rotaries = [try RotarySettings(config).rotary(dHead: dHead)]
        for l in model.layers.indices { model.layers[l].rotary = 0 }
    }
    return model
}

@Sendable private func falconTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    let (dHead, dModel) = (model.dHead, model.dModel)
    let rows = (model.nHeads + 2 * model.nKVHeads) * dHead
    // Rows come per key/value head: its queries, its key, its value.
    let queries = model.nHeads / model.nKVHeads * dHead
    let group = queries + 2 * dHead
    var tensors = fusedTensors(model, names) { name in
        [(0, queries), (queries, dHead), (queries + dHead, dHead)].map { from, count in
            TensorPart(
                tensor: name, rows: model.nKVHeads * count, storedShape: [rows, dModel],
                layout: .grouped(from: from, count: count, group: group))
        }
    }
    for l in tensors.layers.indices {
        let h = "\(names.prefix)h.\(l)."
        if model.parallelNorms {
            tensors.layers[l].inputNorm = names.norm(h + "ln_attn")
            tensors.layers[l].feedForwardNorm = names.norm(h + "ln_mlp")
        } else if model.hasParallelResidual {
            tensors.layers[l].feedForwardNorm = tensors.layers[l].inputNorm
        }
    }
    return tensors
}

/// The tensors that both have, with q, k and v out of one.
private func fusedTensors(
    _ model: ModelDescription, _ names: TensorNames, qkv: (String) -> [TensorPart]
) -> ModelTensors {
    let p = names.prefix
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)h.\(l)."
        return LayerTensors(
            inputNorm: names.norm(h + "input_layernorm"),
            feedForwardNorm: names.norm(h + "post_attention_layernorm"),
            qkv: names.projection(qkv(h + "self_attention.query_key_value.weight")),
            output: names.projection(
                h + "self_attention.dense.weight", out: model.dModel, in: model.dModel),
            up: names.projection(h + "mlp.dense_h_to_4h.weight", out: model.dMLP, in: model.dModel),
            down: names.projection(
                h + "mlp.dense_4h_to_h.weight", out: model.dModel, in: model.dMLP))
    }
    let embedding = p + "word_embeddings.weight"
    return ModelTensors(
        tokenEmbedding: embedding, layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "ln_f"),
            projection: names.projection(
                names.unembedding("lm_head.weight", model, else: embedding), out: model.dVocab,
                in: model.dModel)))
}
