// SPDX-License-Identifier: Apache-2.0
// A model family: how its config.json and its tensor names map to the one description.

import UserErrors

/// One family of models.
struct Family: Sendable {
    /// `model_type` in config.json.
    let modelType: String
    /// What some checkpoints put before every tensor name and others leave out.
    let prefix: String
    /// Reads the configuration.
    let describe: @Sendable (ModelConfig) throws -> ModelDescription
    /// Names the tensors.
    let tensors: @Sendable (ModelDescription, TensorNames) -> ModelTensors

    /// Every family that works, in the order in which they are listed to the user.
    static let all: [Family] = [
        .gpt2, .llama, .mistral, .qwen2, .qwen3, .gptNeoX, .gemma, .gemma2, .gemma3, .gemma4, .phi3,
        .olmo2, .bert, .olmo, .olmo3, .olmoe, .qwen2MoE, .qwen3MoE, .qwen3Next, .qwen35, .mixtral,
        .gptOSS, .deepseekV3, .llama4, .smolLM3, .ministral3, .granite, .cohere2, .glm4, .exaone4,
        .nemotron, .museGlimmer, .phi, .stableLM, .starCoder2, .gptJ, .gptNeo, .gptBigCode, .bloom,
        .falcon, .opt, .roberta, .distilBERT, .modernBERT,
    ]

    /// Models that hold a language model of one of the families as their part for text.
    static let wrappers: [String: String] = [
        "gemma3": "gemma3_text", "gemma4": "gemma4_text", "qwen3_5": "qwen3_5_text",
        "mistral3": "mistral", "muse_glimmer": "muse_glimmer_text", "llama4": "llama4_text",
    ]

    /// The family of a config, or an error that lists those that work.
    static func of(_ config: ModelConfig) throws -> Family {
        guard let type = try config.string("model_type") else {
            throw UserError(
                "\(config.source): has no \"model_type\"; is it a model's config.json?")
        }
        guard let family = all.first(where: { $0.modelType == type }) else {
            let known = all.map(\.modelType).joined(separator: ", ")
            throw UserError(
                "\(config.source): the model family \"\(type)\" is not supported; these are: \(known)."
            )
        }
        return family
    }
}

/// The tensor names of a checkpoint, with the family's optional prefix.
struct TensorNames: Sendable {
    /// Either the family's prefix or nothing, whichever the checkpoint uses.
    let prefix: String
    private let names: Set<String>

    init(names: Set<String>, optionalPrefix: String) {
        self.names = names
        prefix = names.contains { $0.hasPrefix(optionalPrefix) } ? optionalPrefix : ""
    }

    /// Whether the checkpoint has this tensor (full name).
    func contains(_ name: String) -> Bool { names.contains(name) }

    /// The unembedding: the tensor called `name` if there is one, unless the config says that it is the
    /// embedding.
    func unembedding(_ name: String, _ model: ModelDescription, else embedding: String) -> String {
        contains(name) && model.tiesEmbeddings != true ? name : embedding
    }

    /// The bias parts that go with these weight parts, if the checkpoint has them.
    func bias(of parts: [TensorPart]) -> [TensorPart] {
        var biases: [TensorPart] = []
        for part in parts {
            guard part.tensor.hasSuffix(".weight") else { return [] }
            let name = part.tensor.dropLast("weight".count) + "bias"
            guard contains(String(name)) else { return [] }
            var bias = part
            bias.tensor = String(name)
            if case .columns(let from) = part.layout {
                bias.storedShape = [part.storedShape[1]]
                bias.layout = .rows(from: from)
            } else {
                bias.storedShape = [part.storedShape[0]]
            }
            biases.append(bias)
        }
        return biases
    }

    /// A projection from weight parts, with its bias if the checkpoint has one.
    func projection(_ parts: [TensorPart]) -> Projection {
        Projection(parts: parts, bias: bias(of: parts))
    }

    /// A projection stored as one [out, in] tensor.
    func projection(_ name: String, out: Int, in dModel: Int) -> Projection {
        projection([TensorPart(tensor: name, rows: out, storedShape: [out, dModel])])
    }

    /// Query, key and value projections that are [d_model, d_model] each, by the name of each.
    func separateQKV(
        _ dModel: Int, of spaces: [String] = ["q", "k", "v"], name: (String) -> String
    ) -> Projection {
        projection(
            spaces.map {
                TensorPart(tensor: name($0), rows: dModel, storedShape: [dModel, dModel])
            })
    }

    /// A projection whose parts stand one below the other in a single stored tensor.
    func stacked(_ name: String, _ parts: [TensorPart]) -> Projection {
        let total = parts.map(\.rows).reduce(0, +)
        var from = 0
        return projection(
            parts.map { part in
                defer { from += part.rows }
                return TensorPart(
                    tensor: name, rows: part.rows, storedShape: [total, part.columns],
                    layout: .rows(from: from))
            })
    }

    /// A norm by the stem of its names, with a bias if the checkpoint has one. Checkpoints as old as
    /// the first BERT say gamma and beta.
    func norm(_ stem: String) -> NormTensors {
        let isOld = contains("\(stem).gamma")
        let bias = stem + (isOld ? ".beta" : ".bias")
        return NormTensors(
            weight: stem + (isOld ? ".gamma" : ".weight"), bias: contains(bias) ? bias : nil)
    }
}
