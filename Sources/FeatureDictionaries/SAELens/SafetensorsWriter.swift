// SPDX-License-Identifier: Apache-2.0
// Hugging Face's safetensors, written.
//
//     uint64 n | n bytes of JSON | tensor data
//     JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, ... }

import Foundation
import UserErrors

/// A Float32 tensor to be written.
struct NamedTensor {
    let name: String
    let shape: [Int]
    /// Row-major.
    let values: [Float]
}

enum SafetensorsWriter {
    /// Writes tensors one after the other, as they are given.
    static func write(_ tensors: [NamedTensor], to url: URL) throws {
        do {
            let header = try header(of: tensors)
            guard FileManager.default.createFile(atPath: url.path, contents: nil) else {
                throw CocoaError(.fileWriteUnknown)
            }
            let file = try FileHandle(forWritingTo: url)
            try file.write(contentsOf: header)
            for tensor in tensors {
                try file.write(contentsOf: tensor.values.withUnsafeBytes { Data($0) })
            }
            try file.close()
        } catch {
            throw UserError.unwritable(url)
        }
    }

    /// The length of the JSON and the JSON, filled with spaces so that the data begin at a multiple of
    /// eight bytes.
    private static func header(of tensors: [NamedTensor]) throws -> Data {
        struct Entry: Encodable {
            let dtype = "F32"
            let shape: [Int]
            let data_offsets: [Int]
        }
        var entries: [String: Entry] = [:]
        var offset = 0
        for tensor in tensors {
            precondition(tensor.values.count == tensor.shape.reduce(1, *))
            let end = offset + tensor.values.count * MemoryLayout<Float>.size
            entries[tensor.name] = Entry(shape: tensor.shape, data_offsets: [offset, end])
            offset = end
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = try encoder.encode(entries)
        json += Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
    }
}

extension UserError {
    /// For a file that could not be written.
    static func unwritable(_ url: URL) -> UserError {
        UserError(
            "\(url.path): cannot be written; is there room on the disk, and may you write there?")
    }
}
