// SPDX-License-Identifier: Apache-2.0
// A model on disk, understood: its description, and every tensor it needs found and checked.

import Checkpoints
import Foundation
import UserErrors

/// A language model whose weights stay mapped in their stored type.
public struct Model: Sendable {
    /// What it computes.
    public let description: ModelDescription
    /// The files it consists of.
    public let checkpoint: Checkpoint
    /// The folder or file it was opened from.
    public let url: URL
    let tensors: ModelTensors
    /// The checkpoint's names for the names in `tensors`, where the two differ (GGUF).
    private let storedNames: [String: String]

    /// Opens a Hugging Face folder (config.json and safetensors) or a GGUF file, and checks that
    /// every tensor the forward pass needs is there in the right shape and in a type we can read.
    public init(opening url: URL) throws {
        let checkpoint = try Checkpoint(opening: url)
        self.url = url
        self.checkpoint = checkpoint
        let dialect = checkpoint.format == .gguf ? try GGUFDialect(checkpoint) : nil
        let config: ModelConfig
        if let dialect {
            config = try dialect.config()
        } else {
            config = try ModelConfig(
                contentsOf: Self.folder(of: url).appending(path: "config.json"))
        }
        let family = try Family.of(config)
        try config.refuseUnknownFeatures()
        storedNames = dialect?.huggingFaceNames(of: checkpoint) ?? [:]
        let names = dialect == nil ? Set(checkpoint.tensors.keys) : Set(storedNames.keys)
        var description = try family.describe(config)
        var tensors = family.tensors(
            description, TensorNames(names: names, optionalPrefix: family.prefix))
        try dialect?.adapt(&description, &tensors, checkpoint)
        self.description = description
        self.tensors = tensors
        try checkTensors()
        try checkBiases(config)
        try checkUnreadTensors(names)
    }

    /// The folder that holds config.json and the tokenizer: `url` itself, or the one it lies in.
    public static func folder(of url: URL) -> URL {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? url : url.deletingLastPathComponent()
    }

    /// What the checkpoint calls a name in `tensors`.
    func storedName(_ name: String) -> String { storedNames[name] ?? name }

    /// The stored tensor for a name in `tensors`.
    func stored(_ name: String, shape: [Int]) throws -> StoredTensor {
        try checkpoint.tensor(storedName(name), shape: shape)
    }

    /// A vector such as a norm's weight, widened.
    func vector(_ name: String, count: Int) throws -> [Float] {
        try stored(name, shape: [count]).widened()
    }

    /// The table of token types, whose number of rows is not in every config.
    func typeEmbedding(_ name: String) throws -> StoredTensor {
        let rows = checkpoint.tensors[storedName(name)]?.rows ?? 1
        return try stored(name, shape: [max(rows, 1), description.dModel])
    }

    private func checkTensors() throws {
        let d = description
        _ = try stored(tensors.tokenEmbedding, shape: [d.dVocab, d.dModel])
        if let name = tensors.positionEmbedding {
            _ = try stored(name, shape: [d.nCtx, d.dModel])
        }
        for layer in tensors.layers {
            for projection in [layer.qkv, layer.output, layer.up, layer.down] {
                for part in projection.parts + projection.bias {
                    _ = try stored(part.tensor, shape: part.storedShape)
                }
            }
            for norm in layer.residualNorms {
                _ = try stored(norm.weight, shape: [d.dModel])
                if let bias = norm.bias { _ = try stored(bias, shape: [d.dModel]) }
            }
            if let name = layer.queryNorm { _ = try stored(name, shape: [queryNormWidth]) }
            if let name = layer.keyNorm { _ = try stored(name, shape: [keyNormWidth]) }
        }
    }

    /// Width of the query norm's weight.
    var queryNormWidth: Int {
        description.queryKeyNorm == .allHeads
            ? description.nHeads * description.dHead : description.dHead
    }

    /// Width of the key norm's weight.
    var keyNormWidth: Int {
        description.queryKeyNorm == .allHeads
            ? description.nKVHeads * description.dHead : description.dHead
    }
}

extension LayerTensors {
    /// The norms of vectors as wide as the residual stream.
    var residualNorms: [NormTensors] {
        [
            inputNorm, attentionOutputNorm, afterAttentionNorm, feedForwardNorm,
            feedForwardOutputNorm, afterFeedForwardNorm,
        ].compactMap { $0 }
    }
}
