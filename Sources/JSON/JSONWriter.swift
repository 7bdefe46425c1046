// SPDX-License-Identifier: Apache-2.0
// JSON as the data tree has it: numbers with at most four decimals in their shortest form.

/// Writes compact JSON into a byte buffer.
public struct JSONWriter: Sendable {
    /// What was written.
    public private(set) var bytes: [UInt8] = []
    /// Whether the next value in the current array or object needs a comma before it.
    private var needsComma = false

    /// An empty buffer.
    public init() {}

    // MARK: Structure

    /// Writes an object whose members `body` writes.
    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try nested(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes an array whose elements `body` writes.
    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try nested(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes a member's name; its value must follow.
    public mutating func key(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func nested(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        separate()
        bytes.append(open)
        needsComma = false
        try body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Values

    /// Writes null.
    public mutating func null() {
        separate()
        bytes += "null".utf8
    }

    /// Writes true or false.
    public mutating func bool(_ value: Bool) {
        separate()
        bytes += (value ? "true" : "false").utf8
    }

    /// Writes a whole number.
    public mutating func int(_ value: Int) {
        separate()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(UInt64(value.magnitude))
    }

    /// Writes a number rounded to four decimals (halves away from zero), without trailing zeros.
    ///
    /// - Precondition: the value is finite: no NaN or infinity ever reaches a file.
    public mutating func number(_ value: Double) {
        precondition(value.isFinite, "JSON has no NaN or infinity")
        separate()
        let scaled = (abs(value) * 10_000).rounded()
        guard scaled < 9e15 else {
            bytes += "\(value.rounded())".utf8
            return
        }
        let units = UInt64(scaled)
        if value < 0, units > 0 { bytes.append(UInt8(ascii: "-")) }
        appendDigits(units / 10_000)
        appendFraction(units % 10_000)
    }

    /// Writes a Float32 in the same way.
    public mutating func number(_ value: Float) { number(Double(value)) }

    /// Writes a value that is JSON already.
    public mutating func json(_ value: some Sequence<UInt8>) {
        separate()
        bytes += value
    }

    /// Writes a string, escaped as JSON demands; everything else stays UTF-8.
    public mutating func string(_ value: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0x09: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0x0D: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case 0..<0x20, 0x7F:
                bytes += "\\u00".utf8
                bytes += [byte >> 4, byte & 0xF].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendDigits(_ value: UInt64) {
        guard value >= 10 else {
            bytes.append(UInt8(ascii: "0") + UInt8(value))
            return
        }
        let start = bytes.count
        var rest = value
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        bytes[start...].reverse()
    }

    /// Writes ten-thousandths after the point.
    private mutating func appendFraction(_ units: UInt64) {
        guard units > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var (rest, divisor) = (units, UInt64(1000))
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }
}

// Inlined, so that an element is not fetched through the sequence's witnesses.
extension JSONWriter {
    /// Writes an array of whole numbers.
    @inlinable
    public mutating func ints(_ values: some Sequence<Int>) {
        array { json in for value in values { json.int(value) } }
    }

    /// Writes an array of numbers.
    @inlinable
    public mutating func numbers(_ values: some Sequence<Double>) {
        array { json in for value in values { json.number(value) } }
    }

    /// Writes an array of strings.
    @inlinable
    public mutating func strings(_ values: some Sequence<String>) {
        array { json in for value in values { json.string(value) } }
    }
}

extension JSONWriter {
    /// Writes a member that is a whole number.
    public mutating func member(_ name: String, _ value: Int) {
        key(name)
        int(value)
    }

    /// Writes a member that is a number, in the way of `number`.
    public mutating func member(_ name: String, _ value: Double) {
        key(name)
        number(value)
    }

    /// Writes a member that is a number, or null where there is none.
    public mutating func member(_ name: String, _ value: Double?) {
        key(name)
        if let value { number(value) } else { null() }
    }

    /// Writes a member that is a Float32, in the way of `number`.
    public mutating func member(_ name: String, _ value: Float) { member(name, Double(value)) }

    /// Writes a member that is a string.
    public mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a member that is true or false.
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }
}
