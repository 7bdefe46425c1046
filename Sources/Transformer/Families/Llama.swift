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
///   - defaultTheta: of rotary positions, where the config states none.
///   - isPartial: whether the family can turn a part of a head's dimensions only.
func describeLlamaLike(
    _ config: ModelConfig, defaultTheta: Double = 10_000, isPartial: Bool = false
) throws -> ModelDescription {
    let dModel = try config.count("hidden_size")
    let nHeads = try config.count("num_attention_heads")
    let nKVHeads = try config.countIfAny("num_key_value_heads") ?? nHeads
    let nLayers = try config.count("num_hidden_layers", limit: 4096)
    let dHead = try dHead(config, dModel: dModel, nHeads: nHeads)
    guard nHeads % nKVHeads == 0 else {
        throw config.unusable("num_attention_heads", "must be a multiple of num_key_value_heads")
    }
    return ModelDescription(
        family: try config.string("model_type") ?? "llama",
        nLayers: nLayers, nHeads: nHeads, nKVHeads: nKVHeads, dHead: dHead,
        dModel: dModel, dMLP: try config.count("intermediate_size"),
        dVocab: try config.count("vocab_size"),
        nCtx: try config.count("max_position_embeddings", limit: 1 << 30),
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .rootMeanSquare(epsilon: Float(try config.positive("rms_norm_eps"))),
        activation: try config.activation("hidden_activation", "hidden_act"), isGated: true,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(window: nil, rotary: 0), count: nLayers),
        rotaries: [
            try Rotary.read(
                config, dHead: dHead, defaultTheta: defaultTheta, isPartial: isPartial)
        ])
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
        let heads = model.nHeads * model.dHead
        let keyHeads = model.nKVHeads * model.dHead
        return LayerTensors(
            inputNorm: names.norm(h + "input_layernorm"),
            feedForwardNorm: names.norm(h + "post_attention_layernorm"),
            qkv: names.projection([
                rows(h + "self_attn.q_proj.weight", heads),
                rows(h + "self_attn.k_proj.weight", keyHeads),
                rows(h + "self_attn.v_proj.weight", keyHeads),
            ]),
            output: names.projection(h + "self_attn.o_proj.weight", out: dModel, in: heads),
            up: names.projection([
                rows(h + "mlp.gate_proj.weight", model.dMLP),
                rows(h + "mlp.up_proj.weight", model.dMLP),
            ]),
            down: names.projection(h + "mlp.down_proj.weight", out: dModel, in: model.dMLP))
    }
    let embedding = p + "embed_tokens.weight"
    let head = names.contains("lm_head.weight") ? "lm_head.weight" : embedding
    return ModelTensors(
        tokenEmbedding: embedding, layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "norm"),
            projection: names.projection(head, out: model.dVocab, in: dModel)))
}

/// The window of each layer, from `layer_types` or, without it, from `isSliding`.
func slidingWindows(
    _ config: ModelConfig, nLayers: Int, isSliding: (Int) -> Bool
) throws -> [Int?] {
    let window = try config.countIfAny("sliding_window", limit: 1 << 30)
    let slides = try slidingLayers(config, nLayers: nLayers) ?? (0..<nLayers).map(isSliding)
    return slides.map { $0 ? window : nil }
}

/// Which layers `layer_types` calls sliding; nil without that key.
private func slidingLayers(_ config: ModelConfig, nLayers: Int) throws -> [Bool]? {
    guard let types = try config.strings("layer_types") else { return nil }
    guard types.count == nLayers else {
        throw config.unusable("layer_types", "must have one entry a layer")
    }
    var slides: [Bool] = []
    for type in types {
        switch type {
        case "full_attention": slides.append(false)
        case "sliding_attention" where config.has("sliding_window"): slides.append(true)
        case "sliding_attention":
            throw config.unusable("sliding_window", "is missing, though \"layer_types\" needs it")
        default:
            throw config.unusable(
                "layer_types",
                "names \"\(type)\"; full_attention and sliding_attention are known")
        }
    }
    return slides
}

extension ModelDescription {
    /// The same model with these windows.
    func with(windows: [Int?]) -> ModelDescription {
        var model = self
        for (l, window) in windows.enumerated() { model.layers[l].window = window }
        return model
    }
}
