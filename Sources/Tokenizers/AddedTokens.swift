// SPDX-License-Identifier: Apache-2.0
// Added tokens: strings that are found in the text before anything else looks at it.

/// A token beside the model's vocabulary, and how it is found.
struct AddedToken: Sendable {
    var content: String
    var id: Int32
    /// Not found within a word.
    var singleWord = false
    /// Takes the white space before it with it.
    var stripsLeft = false
    /// Takes the white space behind it with it.
    var stripsRight = false
    /// Is looked for in the normalized text.
    var isNormalized = false
}

/// Finds added tokens: at each place the longest, and nothing within one that was found.
struct AddedTokenFinder: Sendable {
    private let tokens: [AddedToken]
    private var trie = ByteTrie()
    private let longest: Int

    /// Each token is looked for as `spelling` writes it (its own content, or that normalized).
    init(_ tokens: [AddedToken], spelling: (String) -> [UInt8]) {
        self.tokens = tokens
        var longest = 0
        for (index, token) in tokens.enumerated() {
            let bytes = spelling(token.content)
            guard !bytes.isEmpty else { continue }
            trie.insert(bytes, Int32(index))
            longest = max(longest, bytes.count)
        }
        self.longest = longest
    }

    var isEmpty: Bool { longest == 0 }

    /// A part of a text: a token, or text in which there is none.
    enum Part {
        case token(Int32)
        case text(Range<Int>)
    }

    /// Cuts a text. If it is `open`, only up to where what follows cannot matter: the last part then
    /// is text whose end is open.
    func parts(of text: UnsafeBufferPointer<UInt8>, open: Bool) -> [Part] {
        if isEmpty { return text.isEmpty ? [] : [.text(0..<text.count)] }
        // A token that begins before `end` is there completely, with a character behind it.
        let end = open ? max(0, text.count - longest - 4) : text.count
        var parts: [Part] = []
        var textStart = 0
        var position = 0
        while position < end {
            guard let (index, count) = trie.longestMatch(in: text, at: position) else {
                position += 1
                continue
            }
            let token = tokens[Int(index)]
            let match = position..<position + count
            position = match.upperBound
            if token.singleWord, isInWord(match, of: text) { continue }
            var start = match.lowerBound
            var stop = match.upperBound
            if token.stripsLeft { start = max(textStart, skipSpace(before: start, in: text)) }
            if token.stripsRight {
                stop = skipSpace(behind: stop, in: text)
                // The white space may go on.
                if open, stop == text.count {
                    return parts + [.text(min(textStart, start)..<start)]
                }
            }
            if textStart < start { parts.append(.text(textStart..<start)) }
            parts.append(.token(token.id))
            textStart = stop
            position = max(position, stop)
        }
        var textEnd = max(textStart, scalarBoundary(atOrBefore: end, in: text))
        if open, tokens.contains(where: { $0.stripsLeft }) {
            textEnd = max(textStart, skipSpace(before: textEnd, in: text))
        }
        if textStart < textEnd { parts.append(.text(textStart..<textEnd)) }
        return parts
    }

    private func isInWord(_ match: Range<Int>, of text: UnsafeBufferPointer<UInt8>) -> Bool {
        if match.lowerBound > 0 {
            let before = scalarBoundary(atOrBefore: match.lowerBound - 1, in: text)
            if decodeScalar(text, at: before).0.isWord { return true }
        }
        return match.upperBound < text.count && decodeScalar(text, at: match.upperBound).0.isWord
    }

    private func skipSpace(before end: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var end = end
        while end > 0 {
            let start = scalarBoundary(atOrBefore: end - 1, in: text)
            guard decodeScalar(text, at: start).0.properties.isWhitespace else { break }
            end = start
        }
        return end
    }

    private func skipSpace(behind start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var start = start
        while start < text.count {
            let (scalar, count) = decodeScalar(text, at: start)
            guard scalar.properties.isWhitespace else { break }
            start += count
        }
        return start
    }
}
