// SPDX-License-Identifier: Apache-2.0
// Numbers (RFC 8259, section 6) and the words true, false and null.

extension JSONScanner {
    /// Passes over a number.
    ///
    /// - Returns: whether it has neither a fraction nor an exponent.
    mutating func passNumber() throws(JSONError) -> Bool {
        let start = position
        _ = take("-")
        guard isDigit else { throw error(position == start ? .noValue : .badNumber) }
        if take("0") {
            guard !isDigit else { throw error(.badNumber) }
        } else {
            skipDigits()
        }
        let end = position
        if take(".") { try passDigits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try passDigits()
        }
        return position == end
    }

    /// Reads a number: the nearest Double unless it is a whole number that Int holds.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isWhole = try passNumber()
        let digits = bytes[start..<position]
        if isWhole, let int = Self.int(digits) { return .int(int) }
        guard let double = Double(String(decoding: digits, as: UTF8.self)), double.isFinite else {
            throw JSONError(offset: start, problem: .tooLarge)
        }
        return JSONValue(double)
    }

    /// The number that these digits, perhaps behind a minus, spell; nil if Int does not hold it.
    static func int(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        let isNegative = digits.first == "-"
        var value = 0
        for byte in isNegative ? digits.dropFirst() : digits {
            // Downwards, as there is one negative number more than there are positive ones.
            let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
            let (next, exceeds) = tens.subtractingReportingOverflow(Int(byte) - 0x30)
            guard !overflows, !exceeds else { return nil }
            value = next
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }

    /// Reads true, false or null, or a number that is not finite where they are allowed; nil if something else comes.
    mutating func literal() throws(JSONError) -> JSONValue? {
        switch next {
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        case "N" where allowsNonFinite: return try word("NaN", .double(.nan))
        case "I" where allowsNonFinite: return try word("Infinity", .double(.infinity))
        case "-" where allowsNonFinite && position + 1 < bytes.count && bytes[position + 1] == "I":
            return try word("-Infinity", .double(-.infinity))
        default: return nil
        }
    }

    private mutating func word(
        _ word: StaticString, _ value: JSONValue
    ) throws(JSONError) -> JSONValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            word.withUTF8Buffer({ $0.elementsEqual(bytes[position..<end]) })
        else { throw error(.noValue) }
        position = end
        return value
    }

    var isDigit: Bool {
        guard let next else { return false }
        return next >= 0x30 && next <= 0x39
    }

    private mutating func skipDigits() { while isDigit { position += 1 } }

    private mutating func passDigits() throws(JSONError) {
        guard isDigit else { throw error(.badNumber) }
        skipDigits()
    }
}
