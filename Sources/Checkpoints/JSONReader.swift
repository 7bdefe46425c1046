// SPDX-License-Identifier: Apache-2.0
// A strict reader of the little JSON that safetensors headers and indexes consist of.

import Foundation
import UserErrors

/// Reads JSON from front to back, straight into what the caller wants.
///
/// Foundation's parser keeps one of two members of the same name and tells nobody; a header with two
/// tensors of one name must be refused. Errors name the file and the byte.
struct JSONReader {
    private let file: URL
    /// What the text is, for messages, such as "its header".
    private let what: String
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter bytes: must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer, file: URL, what: String) {
        self.bytes = bytes
        self.file = file
        self.what = what
    }

    /// Reads an object; `member` reads the value that follows each name.
    mutating func object(
        _ member: (inout JSONReader, String) throws -> Void
    ) throws {
        try expect("{")
        guard !accept("}") else { return }
        repeat {
            let name = try string()
            try expect(":")
            try member(&self, name)
        } while accept(",")
        try expect("}")
    }

    /// Reads an array of numbers from 0 up without fraction or exponent.
    mutating func naturals() throws -> [Int] {
        try expect("[")
        var values: [Int] = []
        guard !accept("]") else { return values }
        repeat { values.append(try natural()) } while accept(",")
        try expect("]")
        return values
    }

    /// Reads a string.
    mutating func string() throws -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("a string that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
            case 0..<0x20: throw malformed("a control character in a string")
            default: text.append(byte)
            }
        }
        throw malformed("a string without an end")
    }

    /// Reads any value and forgets it.
    mutating func skip(depth: Int = 0) throws {
        guard depth < 32 else { throw malformed("values nested too deeply") }
        switch peek() {
        case UInt8(ascii: "{"):
            try object { (reader, _) throws in try reader.skip(depth: depth + 1) }
        case UInt8(ascii: "["):
            try expect("[")
            guard !accept("]") else { return }
            repeat { try skip(depth: depth + 1) } while accept(",")
            try expect("]")
        case UInt8(ascii: "\""):
            _ = try string()
        default:
            // Numbers and literals, whose spelling does not matter where the value is not used.
            let start = position
            while let byte = peekRaw(), Self.scalarBytes.contains(byte) { position += 1 }
            guard position > start else { throw malformed("something that is not a value") }
        }
    }

    /// Makes sure that nothing but white space is left.
    mutating func end() throws {
        guard peek() == nil else { throw malformed("text after its end") }
    }

    private static let scalarBytes = Set("+-.0123456789Eaeflnrstu".utf8)

    private mutating func natural() throws -> Int {
        guard peek() != nil else { throw malformed("no number where one is expected") }
        let start = position
        var value = 0
        while let byte = peekRaw(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw malformed("a number too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw malformed("no whole number where one is expected") }
        if let byte = peekRaw(), Self.scalarBytes.contains(byte) {
            throw malformed("a number that is not whole")
        }
        return value
    }

    /// What follows a backslash, in UTF-8.
    private mutating func escape() throws -> [UInt8] {
        switch next() {
        case UInt8(ascii: "\""): return [UInt8(ascii: "\"")]
        case UInt8(ascii: "\\"): return [UInt8(ascii: "\\")]
        case UInt8(ascii: "/"): return [UInt8(ascii: "/")]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code >> 10 == 0xd800 >> 10 {
                guard next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") else {
                    throw malformed("half a character")
                }
                let low = try hexadecimal()
                guard low >> 10 == 0xdc00 >> 10 else { throw malformed("half a character") }
                code = 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
            }
            guard let scalar = Unicode.Scalar(code) else { throw malformed("half a character") }
            return Array(String(Character(scalar)).utf8)
        default: throw malformed("an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next(),
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw malformed("an unknown escape in a string") }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    // MARK: Bytes

    private mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    private func peekRaw() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The next byte that is not white space.
    private mutating func peek() -> UInt8? {
        while let byte = peekRaw() {
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard accept(character) else {
            throw malformed("no \"\(character)\" where one is expected")
        }
    }

    private func malformed(_ problem: String) -> UserError {
        .malformed(file, "\(what) is not the JSON it must be (\(problem), at byte \(position))")
    }
}
