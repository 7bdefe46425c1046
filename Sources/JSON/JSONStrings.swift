// SPDX-License-Identifier: Apache-2.0
// Strings and their escapes (RFC 8259, section 7).

/// A string as it is written.
struct JSONQuoted {
    /// Where what stands between its quotes lies.
    let inside: Range<Int>
    let hasEscapes: Bool
}

extension JSONScanner {
    /// Passes over a string, whose first quote comes next.
    mutating func passString() throws(JSONError) -> JSONQuoted {
        position += 1
        let start = position
        var hasEscapes = false
        while true {
            skipPlain()
            switch next {
            case "\"":
                position += 1
                return JSONQuoted(inside: start..<position - 1, hasEscapes: hasEscapes)
            case "\\":
                hasEscapes = true
                try passEscape()
            default: throw error(.controlCharacter)
            }
        }
    }

    /// Moves to the next byte that means something in a string: a quote, a backslash, a control.
    ///
    /// Eight bytes at a time: `(x - 0x01..) & ~x & 0x80..` marks the zero bytes of x, and possibly ones above a zero
    /// byte, so the lowest mark is right (Mycroft's test).
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
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\")
        { position += 1 }
    }

    private mutating func passEscape() throws(JSONError) {
        position += 1
        if take("u") {
            for _ in 0..<4 {
                guard let next, hexadecimalDigit(next) != nil else { throw error(.unknownEscape) }
                position += 1
            }
        } else {
            guard let next, unescaped(next) != nil else { throw error(.unknownEscape) }
            position += 1
        }
    }

    // MARK: Text

    /// What a string that was passed stands for.
    func text(of string: JSONQuoted) throws(JSONError) -> String {
        let inside = UnsafeBufferPointer(rebasing: bytes[string.inside])
        guard !string.hasEscapes else { return try unescapedText(inside, string) }
        guard let text = String(validating: inside, as: UTF8.self) else {
            throw JSONError(offset: string.inside.lowerBound, problem: .notUTF8)
        }
        return text
    }

    private func unescapedText(
        _ inside: UnsafeBufferPointer<UInt8>, _ string: JSONQuoted
    ) throws(JSONError) -> String {
        // An escape is never shorter than what it stands for.
        let text: Result<String, JSONError> = withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: inside.count
        ) { output in
            var count = 0
            var place = 0
            while place < inside.count {
                if inside[place] != UInt8(ascii: "\\") {
                    output.initializeElement(at: count, to: inside[place])
                    (place, count) = (place + 1, count + 1)
                } else if let byte = unescaped(inside[place + 1]) {
                    output.initializeElement(at: count, to: byte)
                    (place, count) = (place + 2, count + 1)
                } else if let (scalar, length) = scalar(at: place, of: inside) {
                    for byte in UTF8.encode(scalar) ?? .init() {
                        output.initializeElement(at: count, to: byte)
                        count += 1
                    }
                    place += length
                } else {
                    return .failure(at(place, .halfSurrogate))
                }
            }
            let text = String(
                validating: UnsafeBufferPointer(rebasing: output[..<count]), as: UTF8.self)
            return text.map { .success($0) } ?? .failure(at(0, .notUTF8))
        }
        func at(_ place: Int, _ problem: JSONError.Problem) -> JSONError {
            JSONError(offset: string.inside.lowerBound + place, problem: problem)
        }
        return try text.get()
    }

    /// Whether a string that was passed stands for `text`.
    func isEqual(_ string: JSONQuoted, to text: String) -> Bool {
        if string.hasEscapes {
            return (try? self.text(of: string))?.utf8.elementsEqual(text.utf8) ?? false
        }
        return string.inside.count == text.utf8.count
            && bytes[string.inside].elementsEqual(text.utf8)
    }
}

/// The byte that the letter of a short escape stands for; nil for any other letter.
private func unescaped(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
}

/// The value of a hexadecimal digit.
private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// The character that the escape at `place` (`\uXXXX`, or two of them that are a surrogate pair) stands for, and how
/// long it is; nil for half a pair.
private func scalar(
    at place: Int, of inside: UnsafeBufferPointer<UInt8>
) -> (Unicode.Scalar, length: Int)? {
    let first = codeUnit(at: place, of: inside)
    if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
    guard UTF16.isLeadSurrogate(first), place + 12 <= inside.count, inside[place + 6] == "\\",
        inside[place + 7] == "u"
    else { return nil }
    let second = codeUnit(at: place + 6, of: inside)
    guard UTF16.isTrailSurrogate(second) else { return nil }
    let code = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
    return Unicode.Scalar(code).map { ($0, 12) }
}

private func codeUnit(at place: Int, of inside: UnsafeBufferPointer<UInt8>) -> UInt16 {
    inside[place + 2..<place + 6].reduce(0) { $0 << 4 | UInt16(hexadecimalDigit($1) ?? 0) }
}
