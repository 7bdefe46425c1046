// SPDX-License-Identifier: Apache-2.0
// Where the values of a JSON text lie, so that some can be read or kept byte by byte.

/// A JSON text that was checked from end to end. Numbers and strings stay as they are written, so that changing a
/// file changes nothing but what it is changed for.
///
/// A value is known by where its bytes lie; the ranges that are given must be ones that were got from the text as it
/// is.
public struct JSONText: Sendable {
    /// The text.
    public internal(set) var bytes: [UInt8]
    /// Where its value lies, without the space around it.
    public internal(set) var root: Range<Int>

    /// Checks the text.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        root = 0..<0
        root = try scan(from: 0) { scanner throws(JSONError) in
            let root = try scanner.skip()
            try scanner.end()
            return root
        }
    }

    /// A member of an object.
    public struct Member: Sendable {
        /// nil if it is not text.
        public let name: String?
        /// Where its value lies.
        public let value: Range<Int>
        /// Where it lies itself, from the quote before its name.
        public let range: Range<Int>
    }

    /// The members of the object at `value`, in order; nil if another value is there.
    public func members(of value: Range<Int>) -> [Member]? {
        try? scan(from: value.lowerBound) { scanner throws(JSONError) in
            var members: [Member] = []
            try scanner.beginObject()
            while let name = try scanner.nextName() {
                let value = try scanner.skip()
                members.append(
                    Member(
                        name: try? scanner.text(of: name), value: value,
                        range: name.inside.lowerBound - 1..<value.upperBound))
            }
            return members
        }
    }

    /// Where the value of a member of the object at `value` lies; of several with this name the last.
    public func member(_ name: String, of value: Range<Int>) -> Range<Int>? {
        members(of: value)?.last { $0.name == name }?.value
    }

    /// Where the elements of the array at `value` lie; nil if another value is there.
    public func elements(of value: Range<Int>) -> [Range<Int>]? {
        try? scan(from: value.lowerBound) { scanner throws(JSONError) in
            var elements: [Range<Int>] = []
            try scanner.beginArray()
            while try scanner.nextElement() { elements.append(try scanner.skip()) }
            return elements
        }
    }

    /// The string at `value`; nil if another value is there, or one that is not text.
    public func string(_ value: Range<Int>) -> String? {
        try? scan(from: value.lowerBound) { scanner throws(JSONError) in try scanner.string() }
    }

    /// The whole number at `value`; nil if another value is there, or one that Int does not hold.
    public func int(_ value: Range<Int>) -> Int? {
        let number = try? scan(from: value.lowerBound) { scanner throws(JSONError) in
            try scanner.number()
        }
        return if case .int(let int) = number { int } else { nil }
    }

    /// Whether null is at `value`.
    public func isNull(_ value: Range<Int>) -> Bool { bytes[value.lowerBound] == "n" }

    /// The first string at or within `value` that is not text; nil if all are.
    public func misspelling(in value: Range<Int>) -> JSONError? {
        do {
            _ = try scan(from: value.lowerBound) { scanner throws(JSONError) in
                try scanner.value()
            }
            return nil
        } catch {
            return error.problem == .notUTF8 || error.problem == .halfSurrogate ? error : nil
        }
    }

    private func scan<Result>(
        from position: Int, _ body: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            var scanner = JSONScanner(bytes, at: position)
            return try body(&scanner)
        }
    }
}
