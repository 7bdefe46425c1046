// SPDX-License-Identifier: Apache-2.0
// Llama (Touvron et al. 2023): RMS norm, rotary positions, grouped queries, gated MLP. Its names and
// its shape are shared by most families since; each of those states only what differs.
// Reference: transformers, models/llama/modeling_llama.py.

extension Family {
    static let llama = Family(
        modelType: "llama", prefix: "model.", describe: describeLlama,
        tensors: { llamaTensors($0, $1) })
}

@Sendable private func describeLlama(_ config: ModelConfig) throws -> ModelDescription {
    try config.requireFullAttention()
    return try describeLlamaLike(config)
}

/// The description of a Llama-like model; families then change what differs.
///
/// - Parameters:
///   - rotary: what the family says of rotary positions where the config is silent.
///   - norm: its norm where it is not root mean square by `rms_norm_eps`.
func describeLlamaLike(
    _ config: ModelConfig, rotary: RotaryDefaults = RotaryDefaults(),
    norm: ModelDescription.Norm? = nil
) throws -> ModelDescription {
    let dModel = try config.count("hidden_size")
    let nHeads = try config.count("num_attention_heads")
    let nKVHeads = try config.countIfAny("num_key_value_heads") ?? nHeads
    let nLayers = try config.count("num_hidden_layers", limit: 4096)
    let dHead = try dHead(config, dModel: dModel, nHeads: nHeads)
    guard nHeads % nKVHeads == 0 else {
        throw config.unusable("num_attention_heads", "must be a multiple of num_key_value_heads")
    }
    let settings = try RotarySettings(config, rotary)
    let nCtx = try config.count("max_position_embeddings", limit: 1 << 30)
    let longest = try settings.longestSequence(nCtx)
    var model = ModelDescription(
        family: try config.string("model_type") ?? "llama",
        nLayers: nLayers, nHeads: nHeads, nKVHeads: nKVHeads, dHead: dHead,
        dModel: dModel, dMLP: try config.count("intermediate_size"),
        dVocab: try config.count("vocab_size"), nCtx: longest,
        beginningOfSequence: try config.beginningOfSequence(),
        norm: try norm ?? .rootMeanSquare(epsilon: Float(config.positive("rms_norm_eps"))),
        activation: try config.activation("hidden_activation", "hidden_act"), isGated: true,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(window: nil, rotary: 0), count: nLayers),
        rotaries: [try settings.rotary(dHead: dHead)])
    model.limitsPositions = longest < nCtx
    model.tiesEmbeddings = try config.flagIfAny("tie_word_embeddings")
    return model
}

private func dHead(
    _ config: ModelConfig, dModel: Int, nHeads: Int
) throws -> Int {
    if let stated = try config.countIfAny("head_dim", limit: 1 << 16) { return stated }
    guard dModel % nHeads == 0, dModel / nHeads <= 1 << 16 else {
        throw config.unusable(
            "hidden_size", "must be a multiple of num_attention_heads, with heads of at most 65536")
    }
    return dModel / nHeads
}

/// The tensors of a Llama-like model; families then change what differs.
func llamaTensors(_ model: ModelDescription, _ names: TensorNames) -> ModelTensors {
    let p = names.prefix
    let dModel = model.dModel
    func rows(_ name: String, _ out: Int) -> TensorPart {
        TensorPart(tensor: name, rows: out, storedShape: [out, dModel])
    }
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)layers.\(l)."
        let shape = model.shape(of: l)
        let dMLP = model.dMLP(of: l)
        var layer = LayerTensors(
            inputNorm: names.norm(h + "input_layernorm"),
            feedForwardNorm: names.norm(h + "post_attention_layernorm"))
        if model.layers[l].hasAttention {
            layer.qkv = names.projection([
                rows(h + "self_attn.q_proj.weight", shape.nHeads * shape.dHead),
                rows(h + "self_attn.k_proj.weight", shape.nKVHeads * shape.dHead),
                rows(h + "self_attn.v_proj.weight", shape.nKVHeads * shape.dValue),
            ])
            layer.output = names.projection(
                h + "self_attn.o_proj.weight", out: dModel, in: shape.zWidth)
        }
        if model.layers[l].hasMLP {
            layer.up = names.projection([
                rows(h + "mlp.gate_proj.weight", dMLP), rows(h + "mlp.up_proj.weight", dMLP),
            ])
            layer.down = names.projection(h + "mlp.down_proj.weight", out: dModel, in: dMLP)
        }
        return layer
    }
    let embedding = p + "embed_tokens.weight"
    return ModelTensors(
        tokenEmbedding: embedding, layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "norm"),
            projection: names.projection(
                names.unembedding("lm_head.weight", model, else: embedding), out: model.dVocab,
                in: dModel)))
}

/// What each layer is, from `layer_types` or, without it, from `fallback`.
///
/// - Parameter known: the kinds that the family has.
func layerTypes(
    _ config: ModelConfig, nLayers: Int, known: [String], fallback: (Int) -> String
) throws -> [String] {
    guard let types = try config.strings("layer_types") else { return (0..<nLayers).map(fallback) }
    guard types.count == nLayers else {
        throw config.unusable("layer_types", "must have one entry a layer")
    }
    if let type = types.first(where: { !known.contains($0) }) {
        throw config.unusable(
            "layer_types", "names \"\(type)\"; \(known.joined(separator: " and ")) are known")
    }
    return types
}

/// The window of each layer, from `layer_types` or, without it, from `isSliding`.
func slidingWindows(
    _ config: ModelConfig, nLayers: Int, isSliding: (Int) -> Bool
) throws -> [Int?] {
    let types = try layerTypes(
        config, nLayers: nLayers, known: ["full_attention", "sliding_attention"]
    ) { isSliding($0) ? "sliding_attention" : "full_attention" }
    let window = try config.countIfAny("sliding_window", limit: 1 << 30)
    if config.has("layer_types"), window == nil, types.contains("sliding_attention") {
        throw config.unusable("sliding_window", "is missing, though \"layer_types\" needs it")
    }
    return types.map { $0 == "sliding_attention" ? window : nil }
}

extension ModelDescription {
    /// The same model with these windows.
    func with(windows: [Int?]) -> ModelDescription {
        var model = self
        for (l, window) in windows.enumerated() { model.layers[l].window = window }
        return model
    }
}
