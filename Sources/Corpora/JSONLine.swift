// SPDX-License-Identifier: Apache-2.0
// One string field out of a line of JSON, without building the rest of the object.

/// Why a line yields no text; goes behind the place in a message.
struct LineFault: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Checks that a line is one JSON object (RFC 8259, all of it) and takes one of its fields.
///
/// The last field of that name counts, as in most parsers. The line must be valid UTF-8.
struct JSONLine {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// How deep values may be nested, as Foundation's parser has it.
    private static let deepest = 512

    /// The string under `field`.
    static func text(
        of field: String, in line: UnsafeBufferPointer<UInt8>
    ) throws(LineFault) -> String {
        var scanner = JSONLine(bytes: line)
        return try scanner.field(field)
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    // MARK: - Values

    private mutating func field(_ name: String) throws(LineFault) -> String {
        var found: Range<Int>?
        var isPresent = false
        let name = Array(name.utf8)
        skipSpace()
        guard take("{") else { throw fault("an object") }
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                let key = try string()
                let isField = equals(key, name)
                try colon()
                if isField {
                    isPresent = true
                    found = peek == UInt8(ascii: "\"") ? try string() : nil
                    if found == nil { try value(depth: 1) }
                } else {
                    try value(depth: 1)
                }
                skipSpace()
            } while take(",")
            guard take("}") else { throw fault("a comma or }") }
        }
        skipSpace()
        guard position == bytes.count else { throw fault("the end of the line") }
        let quoted = String(decoding: name, as: UTF8.self)
        guard isPresent else { throw LineFault("has no field \"\(quoted)\"") }
        guard let found else { throw LineFault("has no string in its field \"\(quoted)\"") }
        guard let text = decoded(found) else {
            throw LineFault("has half of a surrogate pair in its text")
        }
        return text
    }

    private mutating func value(depth: Int) throws(LineFault) {
        guard depth <= Self.deepest else {
            throw LineFault("is nested more than \(Self.deepest) deep")
        }
        switch peek {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        // Numbers that JSON does not have and Python's json.dumps writes.
        case UInt8(ascii: "N"): try literal("NaN")
        case UInt8(ascii: "I"): try literal("Infinity")
        default: try number()
        }
    }

    private mutating func object(depth: Int) throws(LineFault) {
        position += 1
        skipSpace()
        if take("}") { return }
        repeat {
            skipSpace()
            _ = try string()
            try colon()
            try value(depth: depth + 1)
            skipSpace()
        } while take(",")
        guard take("}") else { throw fault("a comma or }") }
    }

    private mutating func array(depth: Int) throws(LineFault) {
        position += 1
        skipSpace()
        if take("]") { return }
        repeat {
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
        } while take(",")
        guard take("]") else { throw fault("a comma or ]") }
    }

    private mutating func number() throws(LineFault) {
        let start = position
        _ = take("-")
        if position > start, position < bytes.count, bytes[position] == UInt8(ascii: "I") {
            return try literal("Infinity")
        }
        guard position == start || isDigit else { throw fault("a digit") }
        guard isDigit else { throw fault("a value") }
        if !take("0") { skipDigits() }
        if take(".") {
            guard isDigit else { throw fault("a digit") }
            skipDigits()
        }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard isDigit else { throw fault("a digit") }
            skipDigits()
        }
    }

    private mutating func literal(_ word: StaticString) throws(LineFault) {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(
                UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw fault("a value") }
        position = end
    }

    // MARK: - Strings

    /// Passes over a string and returns where its inside lies.
    private mutating func string() throws(LineFault) -> Range<Int> {
        guard take("\"") else { throw fault("a string") }
        let start = position
        while true {
            skipPlain()
            switch peek {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"):
                position += 1
                try escape()
            case nil: throw fault("the end of the string")
            default: throw fault("no control character in a string")
            }
        }
    }

    /// Moves to the next byte that means something in a string: a quote, a backslash, a control.
    ///
    /// Eight bytes at a time: `(x - 0x01..) & ~x & 0x80..` marks the zero bytes of x, and possibly
    /// ones above a zero byte, so the lowest mark is right (Mycroft's test).
    private mutating func skipPlain() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        if let base = UnsafeRawPointer(bytes.baseAddress) {
            while position + 8 <= bytes.count {
                let word = UInt64(
                    littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let quote = word ^ (ones &* 0x22)
                let backslash = word ^ (ones &* 0x5C)
                let marks =
                    (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
                        | ((word &- ones &* 0x20) & ~word)) & (ones &* 0x80)
                guard marks == 0 else {
                    position += marks.trailingZeroBitCount / 8
                    return
                }
                position += 8
            }
        }
        while position < bytes.count, bytes[position] >= 0x20,
            bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\")
        { position += 1 }
    }

    private mutating func escape() throws(LineFault) {
        switch peek {
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let digit = peek, JSONString.hexDigit(digit) != nil else {
                    throw fault("four hexadecimal digits")
                }
                position += 1
            }
        case let byte? where JSONString.unescaped(byte) != nil: position += 1
        default: throw fault("an escape that JSON knows")
        }
    }

    /// Whether the string at `range` reads `name`.
    private func equals(_ range: Range<Int>, _ name: [UInt8]) -> Bool {
        if !bytes[range].contains(UInt8(ascii: "\\")) { return bytes[range].elementsEqual(name) }
        return decoded(range)?.utf8.elementsEqual(name) ?? false
    }

    /// What the string at `range`, which `string` has checked, stands for; nil for half a character.
    private func decoded(_ range: Range<Int>) -> String? {
        JSONString.decoded(UnsafeBufferPointer(rebasing: bytes[range]))
    }

    // MARK: - Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var isDigit: Bool {
        guard let byte = peek else { return false }
        return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private mutating func skipDigits() { while isDigit { position += 1 } }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func colon() throws(LineFault) {
        skipSpace()
        guard take(":") else { throw fault("a colon") }
        skipSpace()
    }

    private func fault(_ expected: StaticString) -> LineFault {
        LineFault("is not a JSON object: \(expected) was expected at byte \(position + 1)")
    }
}
