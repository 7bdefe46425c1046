// SPDX-License-Identifier: Apache-2.0
// A trained dictionary as SAELens stores it: a folder with cfg.json and sae_weights.safetensors.
//
// Format: SAELens 6, `SAE.save_model` and `TopKSAEConfig.to_dict`.

import Foundation
import UserErrors

/// What cfg.json tells beside the numbers.
public struct SAELensMetadata: Sendable {
    /// The model's name.
    public var modelName: String
    /// The block that the residual stream enters.
    public var layer: Int
    /// Tokens in a sequence.
    public var contextSize: Int
    /// Whether sequences begin with the beginning-of-sequence token.
    public var prependsBOS: Bool
    /// Name of the text.
    public var dataset: String

    /// All of it.
    public init(
        modelName: String, layer: Int, contextSize: Int, prependsBOS: Bool, dataset: String
    ) {
        self.modelName = modelName
        self.layer = layer
        self.contextSize = contextSize
        self.prependsBOS = prependsBOS
        self.dataset = dataset
    }
}

extension TrainedDictionary {
    /// Writes a folder that SAELens loads, whole or not at all: the files are written to a folder
    /// beside it whose name begins with a dot, which takes the final name at the end. An older folder
    /// of that name is replaced.
    ///
    /// - Parameters:
    ///   - folder: the folder to write, such as `L5`.
    ///   - report: written as `training.json` into the same folder.
    ///   - note: written as `.parameters` into the same folder: what its maker wants to know later of how it was made.
    public func write(
        to folder: URL, metadata: SAELensMetadata, report: some Encodable, note: String? = nil
    ) throws {
        let files = FileManager.default
        let name = folder.lastPathComponent
        let partial = folder.deletingLastPathComponent().appending(path: ".\(name).partial")
        let replaced = folder.deletingLastPathComponent().appending(path: ".\(name).replaced")
        do {
            for leftover in [partial, replaced] where files.fileExists(atPath: leftover.path) {
                try files.removeItem(at: leftover)
            }
            try files.createDirectory(at: partial, withIntermediateDirectories: true)
        } catch {
            throw UserError.unwritable(partial)
        }
        // Under its final name it is not there any more.
        defer { try? files.removeItem(at: partial) }
        try write(JSON(self, metadata), to: partial.appending(path: "cfg.json"))
        try SafetensorsWriter.write(
            tensors, to: partial.appending(path: "sae_weights.safetensors"))
        try write(report, to: partial.appending(path: "training.json"))
        do {
            try note.map { try Data($0.utf8).write(to: partial.appending(path: ".parameters")) }
            if files.fileExists(atPath: folder.path) {
                try files.moveItem(at: folder, to: replaced)
            }
            try files.moveItem(at: partial, to: folder)
            if files.fileExists(atPath: replaced.path) { try files.removeItem(at: replaced) }
        } catch {
            throw UserError.unwritable(folder)
        }
    }

    private var tensors: [NamedTensor] {
        [
            NamedTensor(name: "W_dec", shape: [dSAE, dModel], values: decoder),
            NamedTensor(name: "W_enc", shape: [dModel, dSAE], values: transposedEncoder),
            NamedTensor(name: "b_dec", shape: [dModel], values: decoderBias),
            NamedTensor(name: "b_enc", shape: [dSAE], values: encoderBias),
        ]
    }

    private var transposedEncoder: [Float] {
        [Float](unsafeUninitializedCapacity: dSAE * dModel) { buffer, filled in
            encoder.withUnsafeBufferPointer { encoder in
                for i in 0..<dModel {
                    for f in 0..<dSAE { buffer[i * dSAE + f] = encoder[f * dModel + i] }
                }
            }
            filled = dSAE * dModel
        }
    }

    private func write(_ value: some Encodable, to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            var data = try encoder.encode(value)
            data.append(UInt8(ascii: "\n"))
            try data.write(to: url)
        } catch {
            throw UserError.unwritable(url)
        }
    }

    /// cfg.json.
    private struct JSON: Encodable {
        struct Metadata: Encodable {
            let hook_name: String
            let model_name: String
            let context_size: Int
            let prepend_bos: Bool
            let dataset_path: String
            let sae_lens_training_version: String? = nil
        }

        let architecture = "topk"
        let d_in: Int
        let d_sae: Int
        let k: Int
        let dtype = "float32"
        let device = "cpu"
        let apply_b_dec_to_input = true
        let normalize_activations = "none"
        let reshape_activations = "none"
        let rescale_acts_by_decoder_norm = false
        let metadata: Metadata

        init(_ dictionary: TrainedDictionary, _ facts: SAELensMetadata) {
            d_in = dictionary.dModel
            d_sae = dictionary.dSAE
            k = dictionary.k
            metadata = Metadata(
                hook_name: "blocks.\(facts.layer).hook_resid_pre", model_name: facts.modelName,
                context_size: facts.contextSize, prepend_bos: facts.prependsBOS,
                dataset_path: facts.dataset)
        }
    }
}
