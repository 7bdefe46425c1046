// SPDX-License-Identifier: Apache-2.0
// A model's weights on disk: safetensors in one file or several, or GGUF.

import Foundation
import UserErrors

/// The tensors of a trained model, mapped into memory in the type they are stored in.
///
/// Opening reads and checks the headers only; the size of every tensor is held against the size of
/// its file, so that reading later cannot leave the mapping. (A file that another program shortens
/// while it is in use ends this one with SIGBUS; replace checkpoints by renaming.)
public struct Checkpoint: Sendable {
    /// How the weights are packed.
    public enum Format: String, Sendable {
        case safetensors, gguf, torch, numpy
    }

    /// The files the checkpoint consists of, the index of a sharded one first.
    public let files: [URL]
    /// How the weights are packed.
    public let format: Format
    /// All tensors by name, those of types this program does not read included.
    public let tensors: [String: StoredTensor]
    /// The key-value pairs of a GGUF file; empty for safetensors.
    public let metadata: GGUFMetadata

    /// Opens a checkpoint.
    ///
    /// - Parameter url: a file ending in `.safetensors`, `.gguf` or `.bin`, or a folder with
    ///   `model.safetensors`, or with `model.safetensors.index.json` and the files it names, or the same
    ///   as `pytorch_model.bin`, or with exactly one file of the first two endings.
    public init(opening url: URL) throws {
        let file = try Self.entryPoint(of: url)
        switch file.pathExtension.lowercased() {
        case "gguf":
            let contents = try SplitGGUF.contents(of: file)
            format = .gguf
            files = contents.files
            tensors = contents.tensors
            metadata = contents.metadata
        case "safetensors":
            format = .safetensors
            files = [file]
            tensors = Self.joiningMXFP4(try Safetensors.tensors(of: MappedFile(file)))
            metadata = GGUFMetadata()
        case "npz":
            format = .numpy
            files = [file]
            tensors = try NumPyArchive.tensors(of: MappedFile(file))
            metadata = GGUFMetadata()
        case "bin", "pt", "pth":
            format = .torch
            files = [file]
            tensors = try TorchFile.tensors(of: MappedFile(file))
            metadata = GGUFMetadata()
        default:
            let sharded = try ShardIndex.open(file)
            format = sharded.shards.first?.pathExtension == "bin" ? .torch : .safetensors
            files = [file] + sharded.shards
            tensors = Self.joiningMXFP4(sharded.tensors)
            metadata = GGUFMetadata()
        }
    }

    /// The tensor called `name`, which must have `shape` and a type that can be widened.
    public func tensor(_ name: String, shape: [Int]) throws -> StoredTensor {
        guard let tensor = tensors[name] else {
            throw UserError(
                files[0], "has no tensor \(quoted(name)) (expected with shape \(described(shape)))",
                advice: "check that config and weights are of the same model")
        }
        guard tensor.shape == shape else {
            throw UserError(
                tensor.url,
                "has the tensor \(quoted(name)) with shape \(described(tensor.shape)) where "
                    + "\(described(shape)) is expected",
                advice: "check that config and weights are of the same model")
        }
        guard tensor.type.widens else {
            throw UserError(
                tensor.url,
                "stores the tensor \(quoted(name)) in type \(tensor.type), which cannot be read",
                advice: "convert the checkpoint to F32, F16, BF16 or a common GGUF quantization")
        }
        return tensor
    }

    /// The file to begin with: a weights file or an index.
    private static func entryPoint(of url: URL) throws -> URL {
        var isFolder: ObjCBool = false
        let path = url.path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UserError(
                url, "does not exist", advice: "give a model folder, a .safetensors or a .gguf file"
            )
        }
        guard isFolder.boolValue else {
            guard isWeights(url) || isTorch(url) else {
                throw UserError(
                    url, "is neither a folder nor a .safetensors, .gguf or .bin file",
                    advice: "give the model folder or its weights file")
            }
            return url
        }
        for name in [
            "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
            "pytorch_model.bin.index.json",
        ] {
            let candidate = url.appending(path: name)
            if FileManager.default.fileExists(atPath: candidate.path(percentEncoded: false)) {
                return candidate
            }
        }
        let contents =
            (try? FileManager.default.contentsOfDirectory(
                at: url, includingPropertiesForKeys: nil)) ?? []
        let weights = contents.filter(isWeights)
        guard weights.count == 1 else {
            throw UserError(
                url,
                "holds \(weights.isEmpty ? "no" : "several") .safetensors or .gguf files and no "
                    + "model.safetensors",
                advice: "give the weights file itself")
        }
        return weights[0]
    }

    private static func isTorch(_ url: URL) -> Bool {
        ["bin", "pt", "pth", "npz"].contains(url.pathExtension.lowercased())
    }

    private static func isWeights(_ url: URL) -> Bool {
        ["safetensors", "gguf"].contains(url.pathExtension.lowercased())
    }
}
