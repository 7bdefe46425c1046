// SPDX-License-Identifier: Apache-2.0
// A safetensors checkpoint cut into several files, and the index that says which tensor is where.

import Foundation
import UserErrors

/// The tensors that `model.safetensors.index.json` lists, out of the files it names:
/// { "metadata": {...}, "weight_map": { "tensor": "model-00001-of-00002.safetensors", ... } }.
enum ShardIndex {
    /// - Returns: the tensors, and the shards in the order of their names.
    static func open(
        _ index: URL
    ) throws -> (tensors: [String: StoredTensor], shards: [URL]) {
        let names = try tensorNames(of: index)
        let folder = index.deletingLastPathComponent()
        var tensors: [String: StoredTensor] = [:]
        var shards: [URL] = []
        for (shard, names) in names.sorted(by: { $0.key < $1.key }) {
            let url = folder.appending(path: shard)
            let file = try MappedFile(url)
            let found =
                try url.pathExtension == "bin"
                ? TorchFile.tensors(of: file) : Safetensors.tensors(of: file)
            for name in names {
                guard let tensor = found[name] else {
                    throw UserError(
                        index, "places the tensor \(quoted(name)) in \(shard), which lacks it",
                        advice: "download the index and all its files again")
                }
                tensors[name] = tensor
            }
            shards.append(url)
        }
        return (tensors, shards)
    }

    /// The names of the tensors of each file.
    private static func tensorNames(of index: URL) throws -> [String: [String]] {
        let file = try MappedFile(index)
        guard file.byteCount <= Safetensors.longestHeader else {
            throw UserError.malformed(index, "is larger than an index can be")
        }
        var seen: Set<String> = []
        var shards: [String: [String]] = [:]
        var found = false
        var reader = JSONReader(
            UnsafeRawBufferPointer(start: file.base, count: file.byteCount), file: index,
            what: "the index")
        try reader.object { (reader, key) throws in
            guard key == "weight_map" else { return try reader.skip() }
            guard !found else { throw UserError.malformed(index, "has two members \"weight_map\"") }
            found = true
            try reader.object { (reader, name) throws in
                let shard = try reader.string()
                try check(shard, of: index)
                guard seen.insert(name).inserted else {
                    throw UserError.malformed(index, "places the tensor \(quoted(name)) twice")
                }
                shards[shard, default: []].append(name)
            }
        }
        try reader.end()
        withExtendedLifetime(file) {}
        guard found else { throw UserError.malformed(index, "has no member \"weight_map\"") }
        return shards
    }

    /// A shard is a plain file name: nothing outside the folder of the index is ever opened.
    private static func check(_ shard: String, of index: URL) throws {
        let plain = shard.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "/") }
        guard plain, shard.hasSuffix(".safetensors") || shard.hasSuffix(".bin"),
            !shard.hasPrefix(".")
        else {
            throw UserError.malformed(
                index,
                "names the file \(quoted(shard)), which is no file of weights beside the index")
        }
    }
}
