// SPDX-License-Identifier: Apache-2.0
// From published weights to a dictionary: which tensor is what, and how activations follow.
//
// References: google/gemma-scope (tutorial), Rajamanoharan et al. 2024 for JumpReLU; EleutherAI/sparsify,
// sparse_coder.py; saprmarks/dictionary_learning, dictionary.py; OpenMOSS/Language-Model-SAEs, sae.py, and SAELens,
// loading/pretrained_sae_loaders.py, for Llama Scope; SAELens for Gemma Scope 2, Qwen Scope, Goodfire and the
// outputs of heads (Kissane et al. 2024).

import Checkpoints
import Foundation
import Tensors
import UserErrors

extension FeatureDictionary {
    /// Loads a published dictionary.
    ///
    /// - Parameters:
    ///   - place: what it has to be of.
    ///   - named: the layer that the folder's name L<n> or Z<n> says, for files that name none.
    ///   - width: of the model's vectors there.
    init(
        _ published: PublishedDictionary, of place: DictionaryPlace, named: Int?, width: Int,
        layers: Int
    ) throws {
        let layer = try published.checkedLayer(of: place, named: named, layers: layers)
        let weights = try PublishedWeights(published.weights, width: width)
        let form = try published.form(weights)
        self.init(
            layer: layer, activation: form.activation,
            encoder: try weights.encoder(times: form.inputGain),
            encoderBias: try weights.encoderBias(),
            decoder: try weights.decoder(times: form.outputGain),
            decoderBias: try weights.decoderBias(times: form.outputGain),
            subtractsDecoderBias: form.subtractsDecoderBias)
    }
}

/// What weights alone do not say of a dictionary.
private struct PublishedForm {
    var activation: FeatureDictionary.Activation
    /// Whether the encoder reads what is left without the decoder's bias.
    var subtractsDecoderBias: Bool
    /// What the encoder's input is multiplied by, and its reconstruction, to get back.
    var inputGain: Float = 1
    var outputGain: Float = 1
}

extension PublishedDictionary {
    fileprivate func checkedLayer(
        of place: DictionaryPlace, named: Int?, layers: Int
    ) throws -> Int {
        let path = weights.path
        if let otherPlace {
            throw UserError(
                "\(path): is a dictionary of \(otherPlace), and QK and OV are explained by one of the residual stream; give that one."
            )
        }
        if let hook, hook.place != place {
            throw UserError(
                "\(path): is a dictionary of \(hook.place.name), not of \(place.name); call its folder \(HookName.letter(of: hook.place))\(hook.layer)."
            )
        }
        let letter = HookName.letter(of: place)
        guard let layer = hook?.layer ?? named else {
            throw UserError("\(path): no name says its layer; call its folder \(letter)<layer>.")
        }
        if let named, named != layer {
            throw UserError(
                "\(path): is for layer \(layer), its folder for layer \(named); call the folder \(letter)\(layer)."
            )
        }
        guard layer < layers else {
            throw UserError(
                "\(path): is of block \(hook?.block ?? layer), which no layer's attention reads, as the model ends with layer \(layers - 1); give a dictionary of an earlier layer."
            )
        }
        return layer
    }

    fileprivate func form(_ weights: PublishedWeights) throws -> PublishedForm {
        switch format {
        case .gemmaScope, .gemmaScope2:
            PublishedForm(
                activation: .jumpReLU(thresholds: try weights.thresholds()),
                subtractsDecoderBias: false)
        case .qwenScope:
            PublishedForm(
                activation: .topK(try weights.checked(k: size.l0.flatMap { Int($0) })),
                subtractsDecoderBias: false)
        case .goodfire: PublishedForm(activation: .relu, subtractsDecoderBias: false)
        case .attentionOutput: PublishedForm(activation: .relu, subtractsDecoderBias: true)
        case .sparsify: try sparsifyForm(weights)
        case .dictionaryLearning: try dictionaryLearningForm(weights)
        case .llamaScope, .llamaScopeR1: try llamaScopeForm(weights)
        }
    }

    private func sparsifyForm(_ weights: PublishedWeights) throws -> PublishedForm {
        let config = SparsifyConfig(files[1])
        guard let config, config.activation ?? "topk" == "topk", config.transcode != true,
            config.signed != true
        else {
            throw UserError(
                "\(files[1].path): describes no TopK dictionary of one place with activations above 0; give one that does."
            )
        }
        return PublishedForm(
            activation: .topK(try weights.checked(k: config.k)), subtractsDecoderBias: true)
    }

    private func dictionaryLearningForm(_ weights: PublishedWeights) throws -> PublishedForm {
        let config = DictionaryLearningConfig(files[1])
        let kind = config?.kind ?? "AutoEncoder"
        let activation: FeatureDictionary.Activation =
            switch kind {
            case "AutoEncoder", "AutoEncoderNew": .relu
            case "AutoEncoderTopK": .topK(try weights.checked(k: config?.k))
            case "BatchTopKSAE", "MatryoshkaBatchTopKSAE", "JumpReluAutoEncoder":
                .jumpReLU(thresholds: try weights.thresholds())
            case "GatedAutoEncoder":
                .gated(
                    scales: try weights.vector(["r_mag"]).map { exp($0) },
                    biases: try weights.vector(["mag_bias"]))
            default:
                throw UserError(
                    "\(files[0].path): is of the class \"\(kind)\", which is not read; AutoEncoder, GatedAutoEncoder, AutoEncoderTopK, BatchTopKSAE, MatryoshkaBatchTopKSAE and JumpReluAutoEncoder are."
                )
            }
        let readsWhole = ["AutoEncoderNew", "JumpReluAutoEncoder"].contains(kind)
        return PublishedForm(activation: activation, subtractsDecoderBias: !readsWhole)
    }

    /// Llama Scope's encoder reads x times s, s = sqrt(width) / (mean length of x in its corpus). Its one threshold of
    /// the first release is of x as it is, and so stands s times as high; those of the R1 release are in place.
    private func llamaScopeForm(_ weights: PublishedWeights) throws -> PublishedForm {
        guard let config = LlamaScopeConfig(files[1]) else {
            throw UserError("\(files[1].path): cannot be understood; download it again.")
        }
        func refusal(_ problem: String) -> UserError {
            UserError("\(files[1].path): \(problem), which is not read; give another dictionary.")
        }
        guard config.use_glu_encoder != true else { throw refusal("has a gated linear encoder") }
        var form = PublishedForm(
            activation: .relu,
            subtractsDecoderBias: config.apply_decoder_bias_to_pre_encoder == true)
        switch config.norm_activation ?? "dataset-wise" {
        case "dataset-wise":
            let means = config.dataset_average_activation_norm ?? [:]
            form.inputGain = try weights.gain(means["in"], of: config.hook_point_in)
            form.outputGain =
                1 / (try weights.gain(means["out"] ?? means["in"], of: config.hook_point_in))
        case "inference", "none": break
        case let other: throw refusal("normalises its input by \"\(other)\"")
        }
        switch config.act_fn ?? "jumprelu" {
        case "relu": break
        case "topk" where config.sparsity_include_decoder_norm != true:
            form.activation = .topK(try weights.checked(k: config.top_k))
        case "jumprelu":
            var thresholds: [Float]
            if format == .llamaScopeR1 {
                thresholds = try weights.vector(["log_jumprelu_threshold"]).map { exp($0) }
            } else {
                guard let threshold = config.jump_relu_threshold else {
                    throw refusal("has no jump_relu_threshold")
                }
                thresholds = [Float](
                    repeating: Float(threshold) * form.inputGain, count: weights.count)
            }
            if config.sparsity_include_decoder_norm == true {
                let lengths = try weights.decoderLengths()
                for i in thresholds.indices { thresholds[i] /= lengths[i] }
            }
            form.activation = .jumpReLU(thresholds: thresholds)
        case let other: throw refusal("has the activation function \"\(other)\"")
        }
        return form
    }
}

extension [Float] {
    fileprivate func scaled(by factor: Float) -> [Float] {
        factor == 1 ? self : map { $0 * factor }
    }
}

/// The tensors of a published dictionary, under whichever of their names they have.
private struct PublishedWeights {
    private let url: URL
    private let checkpoint: Checkpoint
    private let width: Int
    /// Number of features.
    let count: Int

    init(_ url: URL, width: Int) throws {
        checkpoint = try Checkpoint(opening: url)
        self.url = url
        self.width = width
        let names = ["b_enc", "encoder.bias", "encoder_linear.bias", "gate_bias"]
        guard let bias = names.lazy.compactMap({ [checkpoint] in checkpoint.tensors[$0] }).first,
            bias.shape.count == 1, (1...FeatureDictionary.mostFeatures).contains(bias.shape[0])
        else {
            throw UserError(
                "\(url.path): has no bias of an encoder for each of its features (\(names.joined(separator: ", "))); give a dictionary of features."
            )
        }
        count = bias.shape[0]
    }

    /// [count, width], whichever way the file has it.
    func encoder(times gain: Float) throws -> [Float] {
        try matrix(["W_enc", "w_enc", "encoder.weight", "encoder_linear.weight"], times: gain)
    }

    func decoder(times gain: Float) throws -> [Float] {
        try matrix(["W_dec", "w_dec", "decoder.weight", "decoder_linear.weight"], times: gain)
    }

    /// The length of each feature's direction, [count].
    func decoderLengths() throws -> [Float] {
        try decoder(times: 1).withUnsafeBufferPointer { decoder in
            guard let start = decoder.baseAddress else { return [] }
            return (0..<count).map {
                sumOfSquares(start + $0 * width, width, around: 0).squareRoot()
            }
        }
    }

    func encoderBias() throws -> [Float] {
        try vector(["b_enc", "encoder.bias", "encoder_linear.bias", "gate_bias"])
    }

    func decoderBias(times gain: Float) throws -> [Float] {
        try vector(
            ["b_dec", "bias", "decoder_bias", "decoder_linear.bias", "decoder.bias"], size: width,
            times: gain)
    }

    /// One threshold a feature, or one for all.
    func thresholds() throws -> [Float] {
        if let single = checkpoint.tensors["threshold"], single.shape.isEmpty || single.shape == [1]
        {
            let value = try checkpoint.tensor("threshold", shape: single.shape).widened()
            return try finite([Float](repeating: value[0], count: count), "threshold")
        }
        return try vector(["threshold"])
    }

    /// sqrt(width) / (mean length), the mean from the configuration or else from the tensor of this place.
    func gain(_ stated: Double?, of place: String) throws -> Float {
        var mean = stated
        for name in ["in", place].map({ "dataset_average_activation_norm.\($0)" }) {
            guard mean == nil, let stored = checkpoint.tensors[name],
                stored.shape.isEmpty || stored.shape == [1]
            else { continue }
            mean = Double(try checkpoint.tensor(name, shape: stored.shape).widened()[0])
        }
        guard let mean, mean.isFinite, mean > 0 else {
            throw UserError(
                "\(url.path): nothing says how long its inputs are on average (dataset_average_activation_norm); download the dictionary again."
            )
        }
        return Float(Double(width).squareRoot() / mean)
    }

    /// How many features fire at once, if that can be.
    func checked(k: Int?) throws -> Int {
        guard let k, (1...count).contains(k) else {
            throw UserError(
                "\(url.path): nothing says how many features fire at once (k); keep the names and files that its publisher gave it."
            )
        }
        return k
    }

    /// One value a feature, or as many as told.
    func vector(_ names: [String], size: Int? = nil, times gain: Float = 1) throws -> [Float] {
        let name = try present(names)
        let values = try checkpoint.tensor(name, shape: [size ?? count]).widened()
        return try finite(values.scaled(by: gain), name)
    }

    private func matrix(_ names: [String], times gain: Float) throws -> [Float] {
        let name = try present(names)
        let stored = checkpoint.tensors[name]?.shape ?? []
        // Where both sizes are the same, the name says which way it lies: Linear layers have [out, in].
        let isTransposed =
            stored == [width, count]
            && (width != count || name.hasSuffix(".weight") == name.contains("dec"))
        let shape = isTransposed ? [width, count] : [count, width]
        let tensor = try checkpoint.tensor(name, shape: shape)
        let size = count * width
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
        return try finite(values.scaled(by: gain), name)
    }

    private func present(_ names: [String]) throws -> String {
        guard let name = names.first(where: { checkpoint.tensors[$0] != nil }) else {
            throw UserError(
                "\(url.path): has none of the tensors \(names.joined(separator: ", ")); give a dictionary of features."
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
