// SPDX-License-Identifier: Apache-2.0
// From published weights to a dictionary: which tensor is what, and how activations follow.
//
// References: google/gemma-scope (tutorial), Rajamanoharan et al. 2024 for JumpReLU; EleutherAI/sparsify,
// sparse_coder.py; saprmarks/dictionary_learning, dictionary.py; SAELens, loading/pretrained_sae_loaders.py for
// Gemma Scope 2, Qwen Scope and Goodfire.

import Checkpoints
import Foundation
import Tensors
import UserErrors

extension FeatureDictionary {
    /// Loads a published dictionary for a model of this width and number of layers.
    ///
    /// - Parameter named: the layer that the folder's name L<n> says, for files that name none.
    init(
        _ published: PublishedDictionary, named: Int?, dModel: Int, layers: Int
    ) throws {
        let path = published.weights.path
        if let place = published.otherPlace {
            throw UserError(
                "\(path): is a dictionary of \(place), and QK and OV are explained by one of the residual stream; give that one."
            )
        }
        guard let layer = published.layer ?? named else {
            throw UserError("\(path): no name says its layer; call its folder L<layer>.")
        }
        if let named, named != layer {
            throw UserError(
                "\(path): is for layer \(layer), its folder for layer \(named); call the folder L\(layer)."
            )
        }
        guard layer < layers else {
            throw UserError(
                "\(path): is of what layer \(layer - 1) puts out, and the model ends with layer \(layers - 1); give a dictionary of an earlier layer."
            )
        }
        let weights = try PublishedWeights(published.weights, dModel: dModel)
        func k(_ stated: Int?) throws -> Int {
            guard let stated, (1...weights.count).contains(stated) else {
                throw UserError("\(path): nothing says how many features fire at once (k).")
            }
            return stated
        }
        var activation = Activation.relu
        var subtractsBias = true
        switch published.format {
        case .gemmaScope, .gemmaScope2:
            activation = .jumpReLU(thresholds: try weights.thresholds())
            subtractsBias = false
        case .qwenScope:
            activation = .topK(try k(published.featuresInName))
            subtractsBias = false
        case .goodfire: subtractsBias = false
        case .sparsify:
            struct Config: Decodable {
                let k: Int
                let activation: String?
                let transcode: Bool?
            }
            let config = try? JSONDecoder().decode(
                Config.self, from: readSmallFile(published.files[1], atMost: 1 << 22))
            guard let config, config.activation ?? "topk" == "topk", config.transcode != true else {
                throw UserError(
                    "\(published.files[1].path): describes no TopK dictionary of one place; give one that does."
                )
            }
            activation = .topK(try k(config.k))
        case .dictionaryLearning:
            let config = DictionaryLearningConfig(published.files[1])
            (activation, subtractsBias) = try weights.activation(
                ofKind: config?.kind ?? "AutoEncoder", k: config?.k, path: path)
        }
        let encoderBias = try weights.encoderBias()
        self.init(
            layer: layer, activation: activation, encoder: try weights.encoder(),
            encoderBias: encoderBias, decoder: try weights.decoder(),
            decoderBias: try weights.decoderBias(), subtractsDecoderBias: subtractsBias)
    }
}

/// The tensors of a published dictionary, under whichever of their names they have.
private struct PublishedWeights {
    private let url: URL
    private let checkpoint: Checkpoint
    private let dModel: Int
    /// Number of features.
    let count: Int

    init(_ url: URL, dModel: Int) throws {
        checkpoint = try Checkpoint(opening: url)
        self.url = url
        self.dModel = dModel
        let names = ["b_enc", "encoder.bias", "encoder_linear.bias", "gate_bias"]
        guard let bias = names.lazy.compactMap({ [checkpoint] in checkpoint.tensors[$0] }).first,
            bias.shape.count == 1, (1...FeatureDictionary.mostFeatures).contains(bias.shape[0])
        else {
            throw UserError(
                "\(url.path): has no bias of an encoder; is it a dictionary of features?")
        }
        count = bias.shape[0]
    }

    /// [count, dModel], whichever way the file has it.
    func encoder() throws -> [Float] {
        try matrix(["W_enc", "w_enc", "encoder.weight", "encoder_linear.weight"])
    }

    func decoder() throws -> [Float] {
        try matrix(["W_dec", "w_dec", "decoder.weight", "decoder_linear.weight"])
    }

    func encoderBias() throws -> [Float] {
        try vector(["b_enc", "encoder.bias", "encoder_linear.bias", "gate_bias"], count: count)
    }

    func decoderBias() throws -> [Float] {
        try vector(
            ["b_dec", "bias", "decoder_bias", "decoder_linear.bias", "decoder.bias"], count: dModel)
    }

    /// One threshold a feature, or one for all.
    func thresholds() throws -> [Float] {
        if let single = checkpoint.tensors["threshold"], single.shape.isEmpty || single.shape == [1]
        {
            let value = try checkpoint.tensor("threshold", shape: single.shape).widened()
            return [Float](repeating: value[0], count: count)
        }
        return try vector(["threshold"], count: count)
    }

    /// What dictionary_learning's class of this name computes, and whether it takes the decoder's bias off first.
    func activation(
        ofKind kind: String, k: Int?, path: String
    ) throws -> (FeatureDictionary.Activation, Bool) {
        switch kind {
        case "AutoEncoder", "AutoEncoderNew": return (.relu, kind == "AutoEncoder")
        case "AutoEncoderTopK":
            guard let k, (1...count).contains(k) else {
                throw UserError("\(path): nothing says how many features fire at once (k).")
            }
            return (.topK(k), true)
        case "BatchTopKSAE", "MatryoshkaBatchTopKSAE":
            return (.jumpReLU(thresholds: try thresholds()), true)
        case "JumpReluAutoEncoder": return (.jumpReLU(thresholds: try thresholds()), false)
        case "GatedAutoEncoder":
            return (
                .gated(
                    scales: try vector(["r_mag"], count: count).map { exp($0) },
                    biases: try vector(["mag_bias"], count: count)), true
            )
        default:
            throw UserError(
                "\(path): is of the class \"\(kind)\", which is not read; AutoEncoder, GatedAutoEncoder, AutoEncoderTopK, BatchTopKSAE, MatryoshkaBatchTopKSAE and JumpReluAutoEncoder are."
            )
        }
    }

    private func matrix(_ names: [String]) throws -> [Float] {
        let name = try present(names)
        let stored = checkpoint.tensors[name]?.shape ?? []
        // Where both sizes are the same, the name says which way it lies: Linear layers have [out, in].
        let isTransposed =
            stored == [dModel, count]
            && (dModel != count || name.hasSuffix(".weight") == name.contains("dec"))
        let shape = isTransposed ? [dModel, count] : [count, dModel]
        let tensor = try checkpoint.tensor(name, shape: shape)
        let size = count * dModel
        let values = [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
            if let destination = buffer.baseAddress {
                if isTransposed {
                    tensor.widenTransposed(columns: 0..<count, into: destination)
                } else {
                    tensor.widen(rows: 0..<count, into: destination)
                }
            }
            initialized = size
        }
        return try finite(values, name)
    }

    private func vector(_ names: [String], count: Int) throws -> [Float] {
        let name = try present(names)
        return try finite(checkpoint.tensor(name, shape: [count]).widened(), name)
    }

    private func present(_ names: [String]) throws -> String {
        guard let name = names.first(where: { checkpoint.tensors[$0] != nil }) else {
            throw UserError(
                "\(url.path): has none of the tensors \(names.joined(separator: ", ")); is it a dictionary of features?"
            )
        }
        return name
    }

    private func finite(_ values: [Float], _ name: String) throws -> [Float] {
        guard values.allSatisfy(\.isFinite) else {
            throw UserError(
                "\(url.path): has values in \(name) that are not finite; download the dictionary again."
            )
        }
        return values
    }
}
