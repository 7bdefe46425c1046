// SPDX-License-Identifier: Apache-2.0
// Where the values of a JSON text lie, so that one can be replaced while every other byte stays.

import Foundation

/// Why a text is not JSON.
package struct JSONTextError: Error, Equatable, CustomStringConvertible {
    /// Where, in bytes from the start.
    package let position: Int
    package let description: String
}

/// A JSON text. Numbers and strings are left as they are written, so that rewriting a file changes
/// nothing but what it was rewritten for.
package struct JSONText: Sendable {
    package let bytes: [UInt8]

    /// Checks the text from end to end.
    package init(_ bytes: [UInt8]) throws(JSONTextError) {
        self.bytes = bytes
        var scanner = JSONScanner(bytes, at: 0)
        scanner.skipSpace()
        try scanner.skipValue()
        scanner.skipSpace()
        guard scanner.position == bytes.count else {
            throw scanner.error("something after the end")
        }
    }

    /// The range of the whole value, without white space around it.
    package var root: Range<Int> {
        var scanner = JSONScanner(bytes, at: 0)
        scanner.skipSpace()
        var end = bytes.count
        while end > scanner.position, JSONScanner.isSpace(bytes[end - 1]) { end -= 1 }
        return scanner.position..<end
    }

    /// The members of the object at `range`, in order; nil if there is another value.
    package func members(of range: Range<Int>) throws(JSONTextError) -> [JSONMember]? {
        guard bytes[range.lowerBound] == UInt8(ascii: "{") else { return nil }
        var members: [JSONMember] = []
        var scanner = JSONScanner(bytes, at: range.lowerBound)
        try scanner.eachMember { name, value in
            members.append(JSONMember(name: name, value: value))
        }
        return members
    }

    /// The value of a member of the object at `range`; of several with this name the last.
    package func member(_ name: String, of range: Range<Int>) throws(JSONTextError) -> Range<Int>? {
        try members(of: range)?.last { $0.name == name }?.value
    }

    /// The elements of the array at `range`; nil if there is another value.
    package func elements(of range: Range<Int>) throws(JSONTextError) -> [Range<Int>]? {
        guard bytes[range.lowerBound] == UInt8(ascii: "[") else { return nil }
        var elements: [Range<Int>] = []
        var scanner = JSONScanner(bytes, at: range.lowerBound)
        try scanner.eachElement { elements.append($0) }
        return elements
    }

    /// The string at `range`; nil if there is another value.
    package func string(_ range: Range<Int>) -> String? {
        guard bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
        return JSONScanner.string(bytes[range])
    }

    /// The whole number at `range`; nil if there is another value, or one beyond Int.
    package func int(_ range: Range<Int>) -> Int? {
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        var value = 0
        for byte in bytes[range].dropFirst(isNegative ? 1 : 0) {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, exceeds) = tens.addingReportingOverflow(Int(byte) - 0x30)
            guard !overflows, !exceeds else { return nil }
            value = sum
        }
        return isNegative ? -value : value
    }

    /// Whether null is at `range`.
    package func isNull(_ range: Range<Int>) -> Bool {
        bytes[range.lowerBound] == UInt8(ascii: "n")
    }

    /// Whether a string at `range`, or within the value there, spells none: half of a surrogate pair, an escape that
    /// there is not, or bytes that are not UTF-8.
    package func hasMisspelling(in range: Range<Int>) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            guard bytes[position] == UInt8(ascii: "\"") else {
                position += 1
                continue
            }
            let start = position
            position += 1
            while bytes[position] != UInt8(ascii: "\"") {
                position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            position += 1
            if !JSONScanner.isText(bytes[start + 1..<position - 1]) { return true }
        }
        return false
    }

    /// The text with `replacement` in the place of `range`.
    package func replacing(_ range: Range<Int>, with replacement: [UInt8]) -> [UInt8] {
        Array(bytes[..<range.lowerBound]) + replacement + Array(bytes[range.upperBound...])
    }

    /// The text with this member of the object at its root set.
    package func setting(_ name: String, to value: [UInt8]) throws(JSONTextError) -> [UInt8] {
        if let old = try member(name, of: root) { return replacing(old, with: value) }
        let isEmpty = try members(of: root)?.isEmpty ?? true
        let member = (isEmpty ? "" : ",") + "\"\(name)\":"
        let end = root.upperBound - 1
        return replacing(end..<end, with: Array(member.utf8) + value)
    }

    /// The text with another element at the end of the array at `range`.
    package func appending(_ element: [UInt8], to range: Range<Int>) throws(JSONTextError)
        -> [UInt8]
    {
        let isEmpty = try elements(of: range)?.isEmpty ?? true
        let end = range.upperBound - 1
        return replacing(end..<end, with: (isEmpty ? [] : [UInt8(ascii: ",")]) + element)
    }
}

/// A member of an object.
package struct JSONMember: Sendable {
    package let name: String
    package let value: Range<Int>
}

/// Walks over JSON without building values.
struct JSONScanner {
    private let bytes: [UInt8]
    private(set) var position: Int
    private var depth = 0

    /// Deeper nesting is refused, as it would exhaust the stack.
    private static let deepest = 256

    init(_ bytes: [UInt8], at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    func error(_ problem: String) -> JSONTextError {
        JSONTextError(position: position, description: "\(problem) at byte \(position)")
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    }

    /// Skips the value that starts here.
    mutating func skipValue() throws(JSONTextError) {
        switch current {
        case UInt8(ascii: "{"): try eachMember { _, _ in }
        case UInt8(ascii: "["): try eachElement { _ in }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try skip("true")
        case UInt8(ascii: "f"): try skip("false")
        case UInt8(ascii: "n"): try skip("null")
        default: try skipNumber()
        }
    }

    /// Calls `body` with the range of each element of the array that starts here, and passes it.
    mutating func eachElement(_ body: (Range<Int>) -> Void) throws(JSONTextError) {
        try nested(close: UInt8(ascii: "]")) { scanner throws(JSONTextError) in
            let start = scanner.position
            try scanner.skipValue()
            body(start..<scanner.position)
        }
    }

    /// Calls `body` with each member of the object that starts here, and passes it.
    mutating func eachMember(_ body: (String, Range<Int>) -> Void) throws(JSONTextError) {
        try nested(close: UInt8(ascii: "}")) { scanner throws(JSONTextError) in
            let start = scanner.position
            guard scanner.current == UInt8(ascii: "\"") else {
                throw scanner.error("a member without a name")
            }
            try scanner.skipString()
            let name = start..<scanner.position
            scanner.skipSpace()
            guard scanner.current == UInt8(ascii: ":") else { throw scanner.error("no colon") }
            scanner.position += 1
            scanner.skipSpace()
            let value = scanner.position
            try scanner.skipValue()
            body(Self.string(scanner.bytes[name]) ?? "", value..<scanner.position)
        }
    }

    /// The items between the brackets, with commas between them.
    private mutating func nested(
        close: UInt8, _ item: (inout JSONScanner) throws(JSONTextError) -> Void
    ) throws(JSONTextError) {
        guard depth < Self.deepest else { throw error("nesting deeper than \(Self.deepest)") }
        depth += 1
        position += 1
        skipSpace()
        if current == close {
            position += 1
            depth -= 1
            return
        }
        while true {
            skipSpace()
            try item(&self)
            skipSpace()
            guard let byte = current, byte == close || byte == UInt8(ascii: ",") else {
                throw error("no comma and no end")
            }
            position += 1
            if byte == close { break }
        }
        depth -= 1
    }

    private mutating func skipString() throws(JSONTextError) {
        position += 1
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw error("a control character in a string") }
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw error("a string without an end") }
        position += 1
    }

    /// RFC 8259: a sign, whole digits, perhaps a fraction, perhaps an exponent.
    private mutating func skipNumber() throws(JSONTextError) {
        if current == UInt8(ascii: "-") { position += 1 }
        try skipDigits()
        if current == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        guard current == UInt8(ascii: "e") || current == UInt8(ascii: "E") else { return }
        position += 1
        if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
        try skipDigits()
    }

    private mutating func skipDigits() throws(JSONTextError) {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard start < position else { throw error("no value") }
    }

    private mutating func skip(_ literal: StaticString) throws(JSONTextError) {
        let end = position + literal.utf8CodeUnitCount
        let isHere =
            end <= bytes.count
            && literal.withUTF8Buffer { $0.elementsEqual(bytes[position..<end]) }
        guard isHere else { throw error("no value") }
        position = end
    }

    /// Whether the bytes between the quotes of a string spell one.
    static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var rest = bytes
        while let backslash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            rest = rest[(backslash + 1)...]
            guard let kind = rest.popFirst() else { return false }
            guard kind == UInt8(ascii: "u") else {
                guard #"\"\/bfnrt"#.utf8.contains(kind) else { return false }
                continue
            }
            guard let unit = codeUnit(&rest) else { return false }
            if UTF16.isTrailSurrogate(unit) { return false }
            guard UTF16.isLeadSurrogate(unit) else { continue }
            guard rest.starts(with: #"\u"#.utf8) else { return false }
            rest = rest.dropFirst(2)
            guard let other = codeUnit(&rest), UTF16.isTrailSurrogate(other) else { return false }
        }
        return true
    }

    /// Four hexadecimal digits.
    private static func codeUnit(_ bytes: inout ArraySlice<UInt8>) -> UInt16? {
        let digits = bytes.prefix(4)
        bytes = bytes.dropFirst(4)
        guard digits.count == 4, let text = String(validating: digits, as: UTF8.self),
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") })
        else { return nil }
        return UInt16(text, radix: 16)
    }

    /// The string that these bytes, with its quotes, spell; nil if they spell none.
    static func string(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.contains(UInt8(ascii: "\\")) else {
            return String(validating: bytes.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONDecoder().decode(String.self, from: Data(bytes))
    }
}
