// SPDX-License-Identifier: Apache-2.0
// A JSON reader that keeps keys as they are spelled.
//
// Foundation's readers put objects into dictionaries keyed by `String`, whose equality is canonical
// equivalence: a vocabulary that holds both "é" and "e" + U+0301 would lose one of them. Here an
// object is the list of its members, in the order of the file.

import Foundation
import UserErrors

/// A JSON value.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// What a message calls a value of this kind.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// One `"key": value` of an object.
struct JSONMember: Sendable {
    let key: String
    let value: JSONValue
}

extension JSONValue {
    /// Values nested deeper than this are refused, as serde_json does.
    static let maximumDepth = 127

    /// The value that `bytes`, the contents of the file `name`, holds.
    static func parse(_ bytes: Data, name: String) throws -> JSONValue {
        do {
            return try bytes.withUnsafeBytes { raw in
                var parser = JSONParser(raw.bindMemory(to: UInt8.self), name: name)
                return try parser.document()
            }
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError("\(name) cannot be read: \(error).")
        }
    }
}

private struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let name: String
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, name: String) {
        self.bytes = bytes
        self.name = name
    }

    mutating func document() throws -> JSONValue {
        let value = try self.value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("has text after its JSON value") }
        return value
    }

    private func error(_ problem: String) -> UserError {
        UserError("\(name) is not valid JSON: it \(problem) at byte \(position).")
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth <= JSONValue.maximumDepth else {
            throw error("nests deeper than \(JSONValue.maximumDepth) levels")
        }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case .some: return .number(try number())
        case nil: throw error("ends early")
        }
    }

    private mutating func literal(
        _ word: StaticString, _ value: JSONValue
    ) throws -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) {
            throw error("has an unknown word")
        }
        return value
    }

    private mutating func object(depth: Int) throws -> [JSONMember] {
        position += 1
        var members: [JSONMember] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return members }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("lacks a key") }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("lacks a colon") }
            members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("does not close an object") }
        return members
    }

    private mutating func array(depth: Int) throws -> [JSONValue] {
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return values }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("does not close an array") }
        return values
    }

    /// Whole numbers, the usual case, are read here; all others by the standard library, exactly.
    private mutating func number() throws -> Double {
        let start = position
        var whole = 0
        while let byte = next, (0x30...0x39).contains(byte), position - start < 15 {
            whole = whole * 10 + Int(byte - 0x30)
            position += 1
        }
        let isNumeric: (UInt8) -> Bool = {
            (0x30...0x39).contains($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E || $0 == 0x45
                || $0 == 0x65
        }
        if position > start, !(next.map(isNumeric) ?? false) { return Double(whole) }
        while let byte = next, isNumeric(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            position = start
            throw error("has something that is no value")
        }
        return value
    }

    private mutating func string() throws -> String {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        var text = try slice(start..<position)
        while true {
            guard let byte = next else { throw error("does not close a string") }
            if take(UInt8(ascii: "\"")) { return text }
            if take(UInt8(ascii: "\\")) {
                text.unicodeScalars.append(try escape())
            } else if byte < 0x20 {
                throw error("has a control character in a string")
            } else {
                let start = position
                while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"),
                    byte >= 0x20
                {
                    position += 1
                }
                text += try slice(start..<position)
            }
        }
    }

    private func slice(_ range: Range<Int>) throws -> String {
        let part = UnsafeBufferPointer(rebasing: bytes[range])
        guard let text = String(validating: part, as: UTF8.self) else {
            throw error("has a string that is not UTF-8 and ends")
        }
        return text
    }

    private mutating func escape() throws -> Unicode.Scalar {
        guard let byte = next else { throw error("ends early") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw error("has an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw error("has half a surrogate pair")
        }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("has half a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Unicode.Scalar(byte).hexDigitValue else {
                throw error("has a broken \\u escape")
            }
            unit = unit << 4 | digit
            position += 1
        }
        return unit
    }
}

extension Unicode.Scalar {
    /// The value of an ASCII hexadecimal digit.
    var hexDigitValue: UInt32? {
        switch self {
        case "0"..."9": value - 0x30
        case "a"..."f": value - 0x61 + 10
        case "A"..."F": value - 0x41 + 10
        default: nil
        }
    }
}
