// SPDX-License-Identifier: Apache-2.0
// Numbers and strings of a GGUF header, one after another, each checked against the file's size.

import UserErrors

/// A place in a mapped GGUF file; what is read moves it on. Numbers are little-endian.
struct GGUFReader {
    let file: MappedFile
    private(set) var position: Int

    init(_ file: MappedFile, at position: Int = 0) {
        self.file = file
        self.position = position
    }

    /// The bytes between the place and the end of the file.
    var remaining: Int { file.byteCount - position }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type = Number.self
    ) throws -> Number {
        let start = try advance(by: MemoryLayout<Number>.size)
        return Number(littleEndian: file.base.loadUnaligned(fromByteOffset: start, as: Number.self))
    }

    /// A 64-bit count of things of which each takes at least `size` bytes of what is left.
    mutating func count(of things: String, atLeast size: Int) throws -> Int {
        let count: UInt64 = try number()
        guard count <= UInt64(remaining / size) else {
            throw UserError.malformed(
                file.url, "announces \(count) \(things) and has \(remaining) bytes left for them")
        }
        return Int(count)
    }

    /// The bytes of a string: its length in 64 bits, then UTF-8.
    mutating func stringBytes() throws -> UnsafeRawBufferPointer {
        let length = try count(of: "bytes of a string", atLeast: 1)
        let start = try advance(by: length)
        return UnsafeRawBufferPointer(start: file.base + start, count: length)
    }

    /// A string that names something and must be valid UTF-8.
    mutating func name() throws -> String {
        let bytes = try stringBytes()
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw UserError.malformed(
                file.url, "has a name that is not UTF-8 before byte \(position)")
        }
        return name
    }

    /// Moves on by `count` bytes.
    /// - Returns: the place before.
    @discardableResult
    mutating func advance(by count: Int) throws -> Int {
        guard count <= remaining else {
            throw UserError.malformed(file.url, "ends in the middle of its header")
        }
        defer { position += count }
        return position
    }
}
