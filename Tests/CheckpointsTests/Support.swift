// SPDX-License-Identifier: Apache-2.0
// Reads the fixtures' expected numbers and writes checkpoints byte by byte.

import Checkpoints
import Foundation
import TestSupport
import Testing
import UserErrors

func fixture(_ name: String) -> URL { Fixtures.url("checkpoints/\(name)") }

/// Raw little-endian Float32 values, read front to back.
struct ExpectedValues {
    private let data: Data
    private var position = 0

    init(_ name: String) throws { data = try Data(contentsOf: fixture(name)) }

    mutating func next(_ count: Int) -> [Float] {
        defer { position += 4 * count }
        return data.withUnsafeBytes { bytes in
            (0..<count).map {
                bytes.loadUnaligned(fromByteOffset: position + 4 * $0, as: Float.self)
            }
        }
    }

    var isAtEnd: Bool { position == data.count }
}

/// Whether two lists hold the same bits, NaNs and zeros included.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.map(\.bitPattern) == b.map(\.bitPattern)
}

/// The bytes of a number, little-endian.
func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> Data {
    withUnsafeBytes(of: number.littleEndian) { Data($0) }
}

/// A safetensors file with this header and as many zero bytes behind it.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> Data {
    littleEndian(length ?? UInt64(header.utf8.count)) + Data(header.utf8) + Data(count: data)
}

/// The pieces of a GGUF file, each of which a test can get wrong.
struct GGUFBytes {
    var magic = Data("GGUF".utf8)
    var version: UInt32 = 3
    var tensorCount: UInt64 = 1
    var pairs: [Data] = []
    var pairCount: UInt64?
    var name = string("w")
    var dimensions: [UInt64] = [32, 2]
    var dimensionCount: UInt32?
    var type: UInt32 = 0
    var offset: UInt64 = 0
    var dataSize = 256

    static func string(_ text: String) -> Data {
        littleEndian(UInt64(text.utf8.count)) + Data(text.utf8)
    }

    /// A key, the number of its type and the bytes of its value.
    static func pair(_ key: String, _ type: UInt32, _ value: Data) -> Data {
        string(key) + littleEndian(type) + value
    }

    var tensor: Data {
        var bytes = name + littleEndian(dimensionCount ?? UInt32(dimensions.count))
        for dimension in dimensions { bytes += littleEndian(dimension) }
        return bytes + littleEndian(type) + littleEndian(offset)
    }

    var data: Data {
        var bytes = magic + littleEndian(version) + littleEndian(tensorCount)
        bytes += littleEndian(pairCount ?? UInt64(pairs.count))
        for pair in pairs { bytes += pair }
        bytes += tensor
        return bytes + Data(count: (32 - bytes.count % 32) % 32 + dataSize)
    }
}

/// Opens `contents` as a file called `name`.
func open(_ contents: Data, as name: String) throws -> Checkpoint {
    try withTemporaryFolder { folder in
        let file = folder.appending(path: name)
        try contents.write(to: file)
        return try Checkpoint(opening: file)
    }
}

/// Expects that `contents` are refused with a sentence that has `words` in it.
func expectRefusal(
    _ contents: Data, as name: String, _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let error = #expect(throws: UserError.self, sourceLocation: sourceLocation) {
        try open(contents, as: name)
    }
    let message = error?.description ?? ""
    #expect(message.contains(words), sourceLocation: sourceLocation)
    #expect(message.contains(name) && message.hasSuffix("."), sourceLocation: sourceLocation)
}

/// Makes `contents` all that `file` holds, thousands of times a second.
///
/// The file is never emptied in between: file systems take a file that was emptied and written anew
/// for a replaced document and wait for the disk.
func refill(_ file: URL, with contents: Data) throws {
    let descriptor = open(file.path(percentEncoded: false), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let written = contents.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    try #require(written == contents.count)
    try #require(ftruncate(descriptor, off_t(contents.count)) == 0)
}
