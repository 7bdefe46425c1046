// SPDX-License-Identifier: Apache-2.0
// From the front of a JSON text to its back (RFC 8259), value by value.

/// Reads a JSON text straight into what the caller wants.
///
/// The grammar is checked in full, whether a value is wanted or skipped. Whether a string is text (UTF-8, no half of
/// a surrogate pair), which the grammar leaves open, is checked where the string is asked for. Time is linear in the
/// bytes, and memory is bounded by the depth.
///
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() {
///         if key == "shape" { shape = try scanner.natural() } else { try scanner.skip() }
///     }
///     try scanner.end()
public struct JSONScanner {
    /// Values nested deeper than this are refused, as they would exhaust the stack. Foundation has the same limit.
    public static let deepest = 512

    let bytes: UnsafeBufferPointer<UInt8>
    let allowsNonFinite: Bool
    /// How many bytes have been read.
    public internal(set) var position: Int
    private var depth = 0
    /// Whether a value has been read since the last bracket was opened: a comma must come before the next.
    private var isAfterValue = false

    /// - Parameters:
    ///   - bytes: must outlive the scanner.
    ///   - position: where to begin.
    ///   - allowsNonFinite: whether NaN, Infinity and -Infinity, which Python's json.dumps writes, are numbers.
    public init(
        _ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0, allowsNonFinite: Bool = false
    ) {
        self.bytes = bytes
        self.position = position
        self.allowsNonFinite = allowsNonFinite
    }

    // MARK: Structure

    /// Steps into the object that comes next.
    public mutating func beginObject() throws(JSONError) { try begin("{", or: .noObject) }

    /// The name of the object's next member, whose value must then be read; nil after the last one, when the object
    /// is passed.
    public mutating func nextKey() throws(JSONError) -> String? {
        guard let name = try nextName() else { return nil }
        return try text(of: name)
    }

    /// The same, as it is written.
    mutating func nextName() throws(JSONError) -> JSONQuoted? {
        guard try isMore(before: "}") else { return nil }
        guard let name = try quoted() else { throw error(.noName) }
        skipSpace()
        guard take(":") else { throw error(.noColon) }
        return name
    }

    /// Steps into the array that comes next.
    public mutating func beginArray() throws(JSONError) { try begin("[", or: .noArray) }

    /// Whether the array has another element, which must then be read; if not, the array is passed.
    public mutating func nextElement() throws(JSONError) -> Bool { try isMore(before: "]") }

    /// Makes sure that nothing but white space is left.
    public mutating func end() throws(JSONError) {
        skipSpace()
        guard next == nil else { throw error(.textAfterEnd) }
    }

    private mutating func begin(
        _ bracket: Unicode.Scalar, or problem: JSONError.Problem
    ) throws(JSONError) {
        skipSpace()
        guard take(bracket) else { throw error(problem) }
        guard depth < Self.deepest else { throw error(.tooDeep) }
        depth += 1
        isAfterValue = false
    }

    private mutating func isMore(before bracket: Unicode.Scalar) throws(JSONError) -> Bool {
        skipSpace()
        guard !take(bracket) else {
            depth -= 1
            isAfterValue = true
            return false
        }
        if isAfterValue {
            guard take(",") else { throw error(.noComma) }
            skipSpace()
        }
        return true
    }

    // MARK: Values

    /// Passes over any value.
    ///
    /// - Returns: where it lies.
    @discardableResult
    public mutating func skip() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = position
        switch next {
        case "{":
            try beginObject()
            while try nextName() != nil { try skip() }
        case "[":
            try beginArray()
            while try nextElement() { try skip() }
        default:
            if try quoted() == nil, try literal() == nil { _ = try passNumber() }
        }
        isAfterValue = true
        return start..<position
    }

    /// Reads any value.
    public mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        let value: JSONValue
        switch next {
        case "{":
            var members: [JSONMember] = []
            try beginObject()
            while let key = try nextKey() {
                members.append(JSONMember(key: key, value: try self.value()))
            }
            value = .object(members)
        case "[":
            var elements: [JSONValue] = []
            try beginArray()
            while try nextElement() { elements.append(try self.value()) }
            value = .array(elements)
        default:
            if let string = try quoted() {
                value = .string(try text(of: string))
            } else if let literal = try literal() {
                value = literal
            } else {
                value = try number()
            }
        }
        isAfterValue = true
        return value
    }

    /// Reads a string.
    public mutating func string() throws(JSONError) -> String {
        guard let string = try quoted() else { throw error(.noString) }
        return try text(of: string)
    }

    /// Passes over a string; nil, and nothing but space is passed, if another value comes.
    mutating func quoted() throws(JSONError) -> JSONQuoted? {
        skipSpace()
        guard next == "\"" else { return nil }
        isAfterValue = true
        return try passString()
    }

    /// Reads a whole number from 0 up, written without fraction or exponent.
    public mutating func natural() throws(JSONError) -> Int {
        skipSpace()
        guard isDigit else { throw error(.noNatural) }
        let start = position
        guard try passNumber() else { throw JSONError(offset: start, problem: .noNatural) }
        guard let natural = Self.int(bytes[start..<position]) else {
            throw JSONError(offset: start, problem: .tooLarge)
        }
        isAfterValue = true
        return natural
    }

    /// Reads an array of such numbers.
    public mutating func naturals() throws(JSONError) -> [Int] {
        var naturals: [Int] = []
        try beginArray()
        while try nextElement() { naturals.append(try natural()) }
        return naturals
    }

    // MARK: Bytes

    /// The byte at `position`, nil at the end.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == character else { return false }
        position += 1
        return true
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    func error(_ problem: JSONError.Problem) -> JSONError {
        JSONError(offset: position, problem: position < bytes.count ? problem : .endsEarly)
    }
}

/// Whether a byte is this ASCII character.
func == (byte: UInt8?, character: Unicode.Scalar) -> Bool { byte == UInt8(ascii: character) }

/// The same in a switch.
func ~= (character: Unicode.Scalar, byte: UInt8?) -> Bool { byte == UInt8(ascii: character) }
