// SPDX-License-Identifier: Apache-2.0
// Families that are GPT-2 but for a few things: GPT-J (2021), GPT-Neo (2021), SantaCoder and StarCoder (2023).
// Reference: transformers, models/gptj, gpt_neo, gpt_bigcode.

extension Family {
    static let gptJ = Family(
        modelType: "gptj", prefix: "transformer.", describe: describeGPTJ, tensors: gptJTensors)

    static let gptNeo = Family(
        modelType: "gpt_neo", prefix: "transformer.", describe: describeGPTNeo,
        tensors: gptNeoTensors)

    static let gptBigCode = Family(
        modelType: "gpt_bigcode", prefix: "transformer.", describe: describeGPTBigCode,
        tensors: gptBigCodeTensors)
}

/// What the three have in common.
private func describeGPTLike(
    _ config: ModelConfig, dModel: String, nHeads: String, nLayers: String, nCtx: String,
    dMLP: String
) throws -> ModelDescription {
    let (width, heads, layers, dHead) = try config.evenHeads(
        dModel: [dModel], nHeads: [nHeads], nLayers: [nLayers])
    var model = ModelDescription(
        family: try config.string("model_type") ?? "gpt2", nLayers: layers, nHeads: heads,
        nKVHeads: heads, dHead: dHead, dModel: width,
        dMLP: try config.countIfAny(dMLP) ?? 4 * width,
        dVocab: try config.count("vocab_size"), nCtx: try config.count(nCtx),
        beginningOfSequence: try config.beginningOfSequence(),
        norm: .layer(epsilon: Float(try config.positiveIfAny("layer_norm_epsilon") ?? 1e-5)),
        activation: try config.activation("activation_function"), isGated: false,
        scoreScale: 1 / Float(dHead).squareRoot(),
        layers: Array(repeating: .init(), count: layers))
    model.tiesEmbeddings = try config.flagIfAny("tie_word_embeddings")
    return model
}

/// The tensors the three have in common; `names` are those of attention and MLP behind the block's stem.
private func gptTensors(
    _ model: ModelDescription, _ names: TensorNames, qkv: (String) -> Projection, output: String,
    up: String, down: String, feedForwardNorm: String
) -> ModelTensors {
    let p = names.prefix
    let (dModel, dMLP) = (model.dModel, model.dMLP)
    let layers = (0..<model.nLayers).map { l in
        let h = "\(p)h.\(l)."
        return LayerTensors(
            inputNorm: names.norm(h + "ln_1"), feedForwardNorm: names.norm(h + feedForwardNorm),
            qkv: qkv(h),
            output: names.projection(h + output, out: dModel, in: dModel),
            up: names.projection(h + up, out: dMLP, in: dModel),
            down: names.projection(h + down, out: dModel, in: dMLP))
    }
    let embedding = p + "wte.weight"
    let hasPositions = names.contains(p + "wpe.weight")
    return ModelTensors(
        tokenEmbedding: embedding, positionEmbedding: hasPositions ? p + "wpe.weight" : nil,
        layers: layers,
        unembedding: UnembeddingTensors(
            norm: names.norm(p + "ln_f"),
            projection: names.projection(
                names.unembedding("lm_head.weight", model, else: embedding), out: model.dVocab,
                in: dModel)))
}

@Sendable private func describeGPTJ(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeGPTLike(
        config, dModel: "n_embd", nHeads: "n_head", nLayers: "n_layer", nCtx: "n_positions",
        dMLP: "n_inner")
    let turning = try config.countIfAny("rotary_dim", limit: 1 << 16) ?? 64
    guard turning <= model.dHead, turning % 2 == 0 else {
        throw config.unusable("rotary_dim", "must be even and not above the width of a head")
    }
    var rotary = Rotary(dimensions: turning, theta: 10_000)
    rotary.layout = .neighbours
    model.rotaries = [rotary]
    for l in model.layers.indices { model.layers[l].rotary = 0 }
    model.hasParallelResidual = true
    model.limitsPositions = true
    return model
}

@Sendable private func gptJTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    gptTensors(
        model, names,
        qkv: { h in names.separateQKV(model.dModel) { "\(h)attn.\($0)_proj.weight" } },
        output: "attn.out_proj.weight", up: "mlp.fc_in.weight", down: "mlp.fc_out.weight",
        feedForwardNorm: "ln_1")
}

@Sendable private func describeGPTNeo(_ config: ModelConfig) throws -> ModelDescription {
    var model = try describeGPTLike(
        config, dModel: "hidden_size", nHeads: "num_heads", nLayers: "num_layers",
        nCtx: "max_position_embeddings", dMLP: "intermediate_size")
    // GPT-Neo never divided its scores.
    model.scoreScale = 1
    let window = try config.countIfAny("window_size") ?? 256
    let kinds = try attentionKinds(config, nLayers: model.nLayers)
    for l in model.layers.indices where kinds[l] == "local" { model.layers[l].window = window }
    return model
}

/// `attention_layers`, or `attention_types`, [[[kind, ...], times], ...], written out.
private func attentionKinds(_ config: ModelConfig, nLayers: Int) throws -> [String] {
    var kinds: [String] = []
    if case .array(let runs)? = config["attention_types"] {
        for case .array(let run) in runs {
            guard run.count == 2, case .array(let names) = run[0], case .int(let times) = run[1],
                times >= 0, times <= nLayers
            else { throw config.unusable("attention_types", "must be [[[kind, ...], times], ...]") }
            for _ in 0..<times { for case .string(let name) in names { kinds.append(name) } }
        }
    } else {
        kinds = try config.strings("attention_layers") ?? []
    }
    guard kinds.count == nLayers, kinds.allSatisfy({ ["global", "local"].contains($0) }) else {
        throw config.unusable("attention_types", "must name global or local for each layer")
    }
    return kinds
}

@Sendable private func gptNeoTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    gptTensors(
        model, names,
        qkv: { h in names.separateQKV(model.dModel) { "\(h)attn.attention.\($0)_proj.weight" } },
        output: "attn.attention.out_proj.weight", up: "mlp.c_fc.weight",
        down: "mlp.c_proj.weight", feedForwardNorm: "ln_2")
}

@Sendable private func describeGPTBigCode(_ config: ModelConfig) throws -> ModelDescription {
    try config.require("scale_attn_weights", is: true, default: true)
    var model = try describeGPTLike(
        config.defaulting(["activation_function": .string("gelu_pytorch_tanh")]), dModel: "n_embd",
        nHeads: "n_head", nLayers: "n_layer", nCtx: "n_positions", dMLP: "n_inner")
    if try config.flag("multi_query", default: true) { model.nKVHeads = 1 }
    return model
}

@Sendable private func gptBigCodeTensors(_ model: ModelDescription, _ names: TensorNames)
    -> ModelTensors
{
    let (dModel, dHead) = (model.dModel, model.dHead)
    return gptTensors(
        model, names,
        qkv: { h in
            let name = h + "attn.c_attn.weight"
            guard model.nKVHeads == 1, model.nHeads > 1 else {
                return names.projection(
                    (0..<3).map {
                        TensorPart(
                            tensor: name, rows: dModel, storedShape: [3 * dModel, dModel],
                            layout: .perHead(part: $0, dHead: dHead))
                    })
            }
            return names.stacked(
                name,
                [dModel, dHead, dHead].map {
                    TensorPart(tensor: name, rows: $0, storedShape: [$0, dModel])
                })
        }, output: "attn.c_proj.weight", up: "mlp.c_fc.weight", down: "mlp.c_proj.weight",
        feedForwardNorm: "ln_2")
}
