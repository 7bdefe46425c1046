// SPDX-License-Identifier: Apache-2.0
// Hugging Face's safetensors: a JSON header that says where each tensor lies behind it.
//
// Format: https://github.com/huggingface/safetensors; the checks are those of
// `SafeTensors::deserialize`.
//
//     uint64 n | n bytes of JSON | tensor data
//     JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, ... }
//
// Offsets count from the end of the header. As the reference does, a file is refused whose tensors
// leave a hole, overlap, or do not end where the file ends.

import Foundation
import JSON
import UserErrors

enum Safetensors {
    /// The largest header the reference implementation reads.
    static let longestHeader = 100_000_000

    /// The tensors of one file.
    static func tensors(of file: MappedFile) throws -> [String: StoredTensor] {
        guard file.byteCount >= 8 else {
            throw UserError.malformed(file.url, "is too short to be a safetensors file")
        }
        let length = file.base.loadUnaligned(as: UInt64.self).littleEndian
        guard length <= longestHeader else {
            throw UserError.malformed(
                file.url, "announces a header of \(length) bytes, more than safetensors allows")
        }
        guard Int(length) <= file.byteCount - 8 else {
            throw UserError.malformed(
                file.url,
                "announces a header of \(length) bytes and holds \(file.byteCount - 8)")
        }
        let entries = try header(
            UnsafeRawBufferPointer(start: file.base + 8, count: Int(length)), of: file.url)
        try checkCoverage(entries, dataSize: file.byteCount - 8 - Int(length), of: file.url)

        var tensors = [String: StoredTensor](minimumCapacity: entries.count)
        for entry in entries {
            let tensor = StoredTensor(
                name: entry.name, extent: entry.extent, file: file,
                offset: 8 + Int(length) + entry.begin)
            guard tensors.updateValue(tensor, forKey: entry.name) == nil else {
                throw UserError.malformed(file.url, "has two tensors named \(quoted(entry.name))")
            }
        }
        return tensors
    }

    /// A tensor as the header describes it; `begin` and `end` count from the end of the header.
    private struct Entry {
        let name: String
        let extent: TensorExtent
        let begin: Int
        let end: Int
    }

    private static func header(
        _ bytes: UnsafeRawBufferPointer, of file: URL
    ) throws -> [Entry] {
        try readingJSON("its header", of: file, bytes) { scanner in
            var entries: [Entry] = []
            try scanner.beginObject()
            while let name = try scanner.nextKey() {
                if name == "__metadata__" {
                    try scanner.skip()
                } else {
                    entries.append(try entry(name, &scanner, of: file))
                }
            }
            return entries
        }
    }

    private static func entry(
        _ name: String, _ scanner: inout JSONScanner, of file: URL
    ) throws -> Entry {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        var repeated = false
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "dtype":
                repeated = repeated || type != nil
                type = try scanner.string()
            case "shape":
                repeated = repeated || shape != nil
                shape = try scanner.naturals()
            case "data_offsets":
                repeated = repeated || offsets != nil
                offsets = try scanner.naturals()
            default: try scanner.skip()
            }
        }
        guard let type, let shape, let offsets, !repeated, offsets.count == 2 else {
            throw UserError.malformed(
                file,
                "must give the tensor \(quoted(name)) one dtype, shape and pair of data_offsets")
        }
        guard let extent = TensorExtent(shape: shape, type: StoredType(safetensors: type)) else {
            throw UserError.malformed(
                file, "gives the tensor \(quoted(name)) the impossible shape \(described(shape))")
        }
        guard offsets[0] <= offsets[1],
            offsets[1] - offsets[0] == extent.byteCount ?? offsets[1] - offsets[0]
        else {
            throw UserError.malformed(
                file,
                "gives the tensor \(quoted(name)) bytes \(offsets[0]) to \(offsets[1]), which is "
                    + "not the size of \(described(shape)) in \(extent.type)"
            )
        }
        return Entry(name: name, extent: extent, begin: offsets[0], end: offsets[1])
    }

    /// Makes sure that the tensors fill the data from its first byte to its last, one after another.
    private static func checkCoverage(
        _ entries: [Entry], dataSize: Int, of file: URL
    ) throws {
        var end = 0
        for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
            guard entry.begin == end else {
                throw UserError.malformed(
                    file,
                    "has a hole or an overlap before the tensor \(quoted(entry.name)), which begins "
                        + "at byte \(entry.begin) of the data instead of \(end)"
                )
            }
            end = entry.end
        }
        guard end == dataSize else {
            throw UserError.malformed(
                file, "holds \(dataSize) bytes of tensors where its header announces \(end)")
        }
    }
}
