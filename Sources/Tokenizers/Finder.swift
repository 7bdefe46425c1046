// SPDX-License-Identifier: Apache-2.0
// What pre-tokenizers and normalizers look for in a text: patterns, strings, classes of characters.

/// Something that can be searched for.
enum Finder: Sendable {
    case pattern(Pattern)
    /// A string, as UTF-8, not empty.
    case literal([UInt8])
    /// Every single character of a class.
    case scalars(ScalarClass)
    /// Runs of word characters, and runs of what is neither that nor white space: `\w+|[^\w\s]+`
    /// as Rust's regex crate understands it.
    case words
    /// Nothing: an empty pattern string matches nowhere.
    case nothing
}

/// Gives the matches of a finder in one subject after another.
protocol Search: ~Copyable {
    /// The first match at or after `start`; offsets are those of `subject`.
    func next(in subject: UnsafeBufferPointer<UInt8>, from start: Int, open: Bool)
        -> Matcher.Outcome
}

extension Matcher: Search {}

/// Finds a string.
struct LiteralSearch: Search {
    let literal: [UInt8]

    @inline(__always)
    func next(in subject: UnsafeBufferPointer<UInt8>, from start: Int, open: Bool)
        -> Matcher.Outcome
    {
        var position = start
        while position + literal.count <= subject.count {
            if subject[position] == literal[0], matches(subject, at: position) {
                return .match(position..<position + literal.count)
            }
            position += 1
        }
        return .none
    }

    private func matches(_ subject: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        for (offset, byte) in literal.enumerated() where subject[position + offset] != byte {
            return false
        }
        return true
    }
}

/// Finds characters of a class, one at a time.
struct ScalarSearch: Search {
    let scalars: ScalarClass
    private let ascii: [Bool]

    init(_ scalars: ScalarClass) {
        self.scalars = scalars
        ascii = (0..<0x80).map { scalars.contains(Unicode.Scalar(UInt8($0))) }
    }

    @inline(__always)
    func next(in subject: UnsafeBufferPointer<UInt8>, from start: Int, open: Bool)
        -> Matcher.Outcome
    {
        var position = start
        while position < subject.count {
            if subject[position] < 0x80 {
                if ascii[Int(subject[position])] { return .match(position..<position + 1) }
                position += 1
            } else {
                let (scalar, count) = decodeScalar(subject, at: position)
                if scalars.contains(scalar) { return .match(position..<position + count) }
                position += count
            }
        }
        return .none
    }
}

/// Finds runs of word characters, and runs of other characters but white space.
struct WordSearch: Search {
    private enum Kind {
        case word, space, other

        init(_ scalar: Unicode.Scalar) {
            self = scalar.isWord ? .word : scalar.properties.isWhitespace ? .space : .other
        }
    }

    func next(in subject: UnsafeBufferPointer<UInt8>, from start: Int, open: Bool)
        -> Matcher.Outcome
    {
        var runStart = start
        var runKind = Kind.space
        var position = start
        while position < subject.count {
            let (scalar, count) = decodeScalar(subject, at: position)
            let kind = Kind(scalar)
            if kind != runKind {
                if runKind != .space { return .match(runStart..<position) }
                runStart = position
                runKind = kind
            }
            position += count
        }
        return runKind == .space ? .none : .match(runStart..<position)
    }
}

/// The last place up to `end` where a character of valid UTF-8 starts, or its end.
@inline(__always)
func scalarBoundary(atOrBefore end: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var end = end
    while end > 0, end < text.count, text[end] & 0xC0 == 0x80 { end -= 1 }
    return end
}

/// The character at `position` of valid UTF-8, and its length in bytes.
@inline(__always)
func decodeScalar(
    _ bytes: UnsafeBufferPointer<UInt8>, at position: Int
) -> (Unicode.Scalar, count: Int) {
    let first = UInt32(bytes[position])
    if first < 0x80 { return (Unicode.Scalar(UInt8(first)), 1) }
    let count = min(first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4, bytes.count - position)
    var value = first & (0x7F >> UInt32(count))
    for offset in 1..<max(count, 1) { value = value << 6 | UInt32(bytes[position + offset] & 0x3F) }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", count)
}
