// SPDX-License-Identifier: Apache-2.0
// A safetensors checkpoint cut into several files, and the index that says which tensor is where.

import Foundation
import JSON
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
        let bytes = UnsafeRawBufferPointer(start: file.base, count: file.byteCount)
        var shards: [String: [String]]?
        try readingJSON("the index", of: index, bytes) { scanner in
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                guard key == "weight_map" else {
                    try scanner.skip()
                    continue
                }
                guard shards == nil else {
                    throw UserError.malformed(index, "has two members \"weight_map\"")
                }
                shards = try weightMap(&scanner, of: index)
            }
        }
        withExtendedLifetime(file) {}
        guard let shards else {
            throw UserError.malformed(index, "has no member \"weight_map\"")
        }
        return shards
    }

    /// { "tensor": "file", ... } the other way round.
    private static func weightMap(
        _ scanner: inout JSONScanner, of index: URL
    ) throws -> [String: [String]] {
        var seen: Set<String> = []
        var shards: [String: [String]] = [:]
        try scanner.beginObject()
        while let name = try scanner.nextKey() {
            let shard = try scanner.string()
            try check(shard, of: index)
            guard seen.insert(name).inserted else {
                throw UserError.malformed(index, "places the tensor \(quoted(name)) twice")
            }
            shards[shard, default: []].append(name)
        }
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
