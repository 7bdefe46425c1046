// SPDX-License-Identifier: Apache-2.0
// What is needed of the configurations that publishers put beside weights. Keys keep the names they have there.

import Foundation
import JSON
import UserErrors

/// A small file of JSON; nil where it is none, or is not shaped so.
private func read<Value: Decodable>(_ type: Value.Type, _ url: URL) -> Value? {
    guard let data = try? readSmallFile(url, atMost: 1 << 22) else { return nil }
    return try? JSONDecoder().decode(type, checking: [UInt8](data))
}

/// EleutherAI sparsify's cfg.json.
// swift-format-ignore: AlwaysUseLowerCamelCase
struct SparsifyConfig: Decodable, Sendable {
    let d_in: Int?
    let expansion_factor: Int?
    let num_latents: Int?
    let k: Int?
    let activation: String?
    let transcode: Bool?
    /// Whether features are chosen by magnitude, so that activations can be negative.
    let signed: Bool?

    init?(_ url: URL) {
        guard let config = read(Self.self, url) else { return nil }
        self = config
    }

    /// As far as the file says it; sparsify writes 0 latents where the expansion factor counts.
    var features: Int? {
        if let num_latents, num_latents > 0 { return num_latents }
        guard let d_in, let expansion_factor else { return nil }
        let (product, overflows) = d_in.multipliedReportingOverflow(by: expansion_factor)
        return overflows ? nil : product
    }
}

/// dictionary_learning's config.json.
struct DictionaryLearningConfig: Sendable {
    let kind: String
    let layer: Int?
    let k: Int?
    let features: Int?
    let otherPlace: String?

    init?(_ url: URL) {
        struct File: Decodable {
            // swift-format-ignore: AlwaysUseLowerCamelCase
            struct Trainer: Decodable {
                let dict_class: String?
                let dict_size: Int?
                let layer: Int?
                let k: Int?
                let submodule_name: String?
            }
            let trainer: Trainer
        }
        guard let trainer = read(File.self, url)?.trainer else { return nil }
        kind = trainer.dict_class ?? "AutoEncoder"
        layer = trainer.layer.flatMap { (0..<1_000_000).contains($0) ? $0 : nil }
        k = trainer.k
        features = trainer.dict_size
        let place = (trainer.submodule_name ?? "").lowercased()
        otherPlace =
            if kind.lowercased().contains("crosscoder") {
                PublishedDictionary.crosscoder
            } else if kind.lowercased().contains("transcoder") {
                PublishedDictionary.transcoder
            } else if place.contains("mlp") || place.contains("attn")
                || place.contains("attention")
            { "\"\(place)\"" } else { nil }
    }
}

/// Llama Scope's hyperparams.json and the config.json of its R1 release, as OpenMOSS' language-model-saes writes both.
// swift-format-ignore: AlwaysUseLowerCamelCase
struct LlamaScopeConfig: Decodable, Sendable {
    let hook_point_in: String
    let hook_point_out: String?
    let d_model: Int?
    let d_sae: Int?
    let expansion_factor: Int?
    /// `jumprelu`, `topk` or `relu`.
    let act_fn: String?
    let jump_relu_threshold: Double?
    let top_k: Int?
    /// `dataset-wise`: the input is divided by the corpus's mean length and multiplied by sqrt(d_model).
    let norm_activation: String?
    /// The mean lengths of `in` and `out`.
    let dataset_average_activation_norm: [String: Double]?
    /// Whether features fire by what they add to the reconstruction.
    let sparsity_include_decoder_norm: Bool?
    let apply_decoder_bias_to_pre_encoder: Bool?
    let use_decoder_bias: Bool?
    let use_glu_encoder: Bool?

    init?(_ url: URL) {
        guard let config = read(Self.self, url) else { return nil }
        self = config
    }

    var hook: HookName? { HookName(hook_point_in) }

    var features: Int? {
        if let d_sae { return d_sae }
        guard let d_model, let expansion_factor else { return nil }
        let (product, overflows) = d_model.multipliedReportingOverflow(by: expansion_factor)
        return overflows ? nil : product
    }

    var otherPlace: String? {
        if let hook_point_out, hook_point_out != hook_point_in {
            return PublishedDictionary.transcoder
        }
        return hook == nil ? "\"\(hook_point_in)\"" : nil
    }
}

/// The configuration that Kissane et al. put beside their dictionaries.
// swift-format-ignore: AlwaysUseLowerCamelCase
struct AttentionOutputConfig: Decodable, Sendable {
    let act_name: String
    let act_size: Int?
    let dict_size: Int?

    init?(_ url: URL) {
        guard let config = read(Self.self, url) else { return nil }
        self = config
    }
}
