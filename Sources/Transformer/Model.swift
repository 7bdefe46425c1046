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
        let text = try config.textConfig()
        let family = try Family.of(text)
        try text.refuseUnknownFeatures()
        storedNames =
            try dialect?.huggingFaceNames(of: checkpoint)
            ?? CheckpointNames.plain(checkpoint, isWrapped: text.source != config.source)
        let names = Set(storedNames.keys)
        var description = try family.describe(text)
        try text.refuseParts(missingIn: description)
        var tensors = family.tensors(
            description, TensorNames(names: names, optionalPrefix: family.prefix))
        try dialect?.adapt(&description, &tensors, checkpoint)
        if tensors.positionEmbedding != nil { description.limitsPositions = true }
        self.description = description
        self.tensors = tensors
        try checkTensors()
        try checkBiases(text)
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
        _ = try stored(tensors.tokenEmbedding, shape: [d.dVocab, d.dEmbedding ?? d.dModel])
        if let name = tensors.positionEmbedding {
            _ = try stored(name, shape: [d.nCtx + d.positionOffset, d.dModel])
        }
        for (index, layer) in tensors.layers.enumerated() {
            for projection in layer.projections + layer.experts.flatMap({ [$0.up, $0.down] }) {
                for part in projection.parts + projection.bias { _ = try stored(part) }
            }
            for name in layer.residualNorms.flatMap(\.names) {
                _ = try stored(name, shape: [d.dModel])
            }
            for (name, shape) in layer.vectors(d, layer: index) {
                _ = try stored(name, shape: shape)
            }
        }
    }
}
