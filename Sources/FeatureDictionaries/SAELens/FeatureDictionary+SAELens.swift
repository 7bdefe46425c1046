// SPDX-License-Identifier: Apache-2.0
// Loading a dictionary that SAELens saved: cfg.json and sae_weights.safetensors.
//
// What the weights mean follows the classes of sae_lens/saes in
// https://github.com/decoderesearch/SAELens, held against its release 6.54.

import Checkpoints
import Foundation
import Tensors
import UserErrors

extension FeatureDictionary {
    /// Loads the dictionary in `folder` for a model of this width and number of layers.
    ///
    /// What can be worked into the weights is: encoder and decoder of a TopK dictionary with
    /// `rescale_acts_by_decoder_norm` come out rescaled, with a decoder of unit length.
    ///
    /// - Parameters:
    ///   - folder: if it is called L<n>, the dictionary must be of layer n.
    ///   - place: what it has to be of; for the outputs of heads the folder may be called Z<n>.
    ///   - dModel: of the model's vectors there.
    ///   - layers: the model's number of blocks.
    ///   - usesLayerNorm: whether the model's norms take the mean off; without, TransformerLens ignores
    ///     `center_writing_weights`, and so does this.
    public init(
        contentsOf folder: URL, of place: DictionaryPlace = .residualStream, dModel: Int,
        layers: Int, usesLayerNorm: Bool = true
    ) throws {
        let files = DictionaryFiles(folder)
        for file in files.files where !FileManager.default.fileExists(atPath: file.path) {
            throw UserError(
                "\(folder.path): has no \(file.lastPathComponent); give a folder with a dictionary as "
                    + "SAELens saves it.")
        }
        let config = try SAELensConfig(contentsOf: files.configuration)
        let architecture = try config.knownArchitecture()
        let layer = try config.layer(of: place, inFolder: folder, layers: layers)
        let count = try config.checkedCount(of: place, dModel: dModel)
        let rescaling = try config.rescaling()
        let weights = try SAELensWeights(
            files.weights, architecture: architecture, dModel: dModel, count: count)

        var encoder = try weights.transposedMatrix("W_enc")
        var decoder = try weights.matrix("W_dec")
        var encoderBias = try weights.vector(architecture == .gated ? "b_gate" : "b_enc")
        let activation: Activation
        switch architecture {
        case .standard: activation = .relu
        case .topk:
            activation = .topK(try config.checkedK(count: count))
            if config.rescalesByDecoderNorm {
                Self.foldDecoderNorm(&encoder, &encoderBias, &decoder)
            }
        case .jumprelu: activation = .jumpReLU(thresholds: try weights.thresholds())
        case .gated:
            activation = .gated(
                scales: try weights.exponentials("r_mag"), biases: try weights.vector("b_mag"))
        }
        self.init(
            layer: layer, activation: activation, encoder: encoder, encoderBias: encoderBias,
            decoder: decoder, decoderBias: try weights.decoderBias(),
            subtractsDecoderBias: config.subtractsDecoderBias,
            normalization: InputNormalization(
                rescaling: rescaling,
                isCentred: config.centresWritingWeights && usesLayerNorm
                    && place == .residualStream))
    }

    /// Moves the length of each decoder row into the encoder: activations are then selected by what
    /// they add to the reconstruction. A feature with a direction of length 0 never fires.
    private static func foldDecoderNorm(
        _ encoder: inout [Float], _ encoderBias: inout [Float], _ decoder: inout [Float]
    ) {
        let dModel = decoder.count / encoderBias.count
        for feature in encoderBias.indices {
            let row = feature * dModel..<(feature + 1) * dModel
            let length = decoder.withUnsafeBufferPointer { decoder in
                decoder.baseAddress.map {
                    sumOfSquares($0 + row.lowerBound, dModel, around: 0).squareRoot()
                } ?? 0
            }
            encoderBias[feature] *= length
            for i in row {
                encoder[i] *= length
                if length > 0 { decoder[i] /= length }
            }
        }
    }
}

/// The kinds of dictionaries that are understood, under SAELens' names.
enum SAELensArchitecture: String, CaseIterable {
    case standard, topk, jumprelu, gated

    /// The tensors beside W_enc, W_dec and b_dec, each [d_sae].
    var vectors: [String] {
        switch self {
        case .standard, .topk: ["b_enc"]
        case .jumprelu: ["b_enc", "threshold"]
        case .gated: ["b_gate", "b_mag", "r_mag"]
        }
    }
}

extension SAELensConfig {
    /// The architecture, if it is one that is understood.
    fileprivate func knownArchitecture() throws -> SAELensArchitecture {
        guard let known = SAELensArchitecture(rawValue: architecture) else {
            let names = SAELensArchitecture.allCases.map(\.rawValue).joined(separator: ", ")
            let use = otherPlace.map { ", of \($0)" } ?? ""
            throw refusal(
                "is of architecture \"\(architecture)\"\(use)", "those understood are \(names)")
        }
        if let function = activationFunction, function != "relu", known != .topk {
            throw refusal(
                "has the activation function \"\(function)\"", "those understood are relu and topk")
        }
        return known
    }

    /// What is done to the input, if it is understood.
    fileprivate func rescaling() throws -> InputNormalization.Rescaling {
        switch normalization {
        case "none", "expected_average_only_in": .none
        case "constant_norm_rescale": .constantNorm
        case "layer_norm": .layerNorm
        default:
            throw refusal(
                "normalizes activations by \"\(normalization)\"",
                "those understood are none, expected_average_only_in, constant_norm_rescale and "
                    + "layer_norm; fold any other into the weights with SAELens")
        }
    }

    /// The number of features, if both sizes can be.
    fileprivate func checkedCount(
        of place: DictionaryPlace, dModel expected: Int
    ) throws -> Int {
        guard let dModel, let count else {
            throw refusal("lacks \"d_in\" or \"d_sae\"", "save the dictionary with SAELens again")
        }
        guard dModel == expected else {
            throw refusal(
                "has width \(dModel), \(place.isWide(expected))",
                "give a dictionary of this model")
        }
        guard (1...FeatureDictionary.mostFeatures).contains(count),
            !count.multipliedReportingOverflow(by: dModel).overflow
        else {
            throw refusal(
                "has \(count) features",
                "it must be from 1 to \(FeatureDictionary.mostFeatures)")
        }
        return count
    }

    fileprivate func checkedK(count: Int) throws -> Int {
        guard (1...count).contains(k) else {
            throw refusal("keeps \(k) of \(count) features", "k must be from 1 to \(count)")
        }
        return k
    }

    /// The place in the model and its layer, or nil without a hook. The layer may lie beyond the last.
    private func hook() throws -> HookName? {
        guard let hookName else { return nil }
        guard let hook = HookName(hookName) else {
            throw refusal(
                "belongs to \"\(hookName)\", which is neither the residual stream between blocks nor the outputs of heads",
                "the hooks understood are \(HookName.understood)")
        }
        guard !isOfOneHead else {
            throw refusal("belongs to one head", "give a dictionary of the whole layer")
        }
        return hook
    }

    /// The layer, held against the folder's name and the model.
    fileprivate func layer(
        of place: DictionaryPlace, inFolder folder: URL, layers: Int
    ) throws -> Int {
        let named = HookName.layer(ofFolder: folder.lastPathComponent, place)
        let hooked = try hook()
        if let hooked, hooked.place != place {
            throw refusal(
                "is of \(hooked.place.name), not of \(place.name)",
                "call its folder \(HookName.letter(of: hooked.place))\(hooked.layer)")
        }
        guard let layer = hooked?.layer ?? named else {
            throw refusal(
                "names no hook",
                "give \"hook_name\", or call the folder \(HookName.letter(of: place))<layer>")
        }
        if let named, named != layer {
            throw refusal(
                "is for layer \(layer) (\(hookName ?? "")), its folder for layer \(named)",
                "call the folder \(HookName.letter(of: place))\(layer)")
        }
        guard layer < layers else {
            throw refusal(
                "is for layer \(layer)\(hookName.map { " (\($0))" } ?? ""), the model has "
                    + "\(layers) layers, 0 to \(layers - 1)",
                "give a dictionary of this model")
        }
        return layer
    }

    private func refusal(_ problem: String, _ advice: String) -> UserError {
        UserError("\(source.path): \(problem); \(advice).")
    }
}
