// SPDX-License-Identifier: Apache-2.0
// Normalizers: what rewrites a text before it is cut into pieces.

import Foundation

/// One step of normalization; a `Sequence` of them is an array of steps.
enum NormalizerStep: Sendable {
    case normalForm(NormalForm)
    case lowercase
    case stripAccents
    case bert(BertNormalizer)
    case replace(Finder, with: [UInt8])
    case prepend([UInt8])
    case strip(left: Bool, right: Bool)
    /// Replaces each byte by its character of the byte alphabet.
    case byteAlphabet
    case nmt
    case precompiled(PrecompiledMap)
}

extension NormalizerStep {
    /// Rewrites `text`, which is UTF-8.
    func apply(to text: inout [UInt8]) {
        switch self {
        case .normalForm(let form): form.apply(to: &text)
        case .lowercase: mapScalars(&text) { $0.appendLowercase(to: &$1) }
        case .stripAccents:
            mapScalars(&text) { if !$0.isMark { $1.append(scalar: $0) } }
        case .bert(let normalizer): normalizer.apply(to: &text)
        case .replace(let finder, let content): replaceMatches(of: finder, with: content, in: &text)
        case .prepend(let prefix): if !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
        case .strip(let left, let right): stripSpace(&text, left: left, right: right)
        case .byteAlphabet:
            var output: [UInt8] = []
            ByteLevel.encode(text, into: &output)
            text = output
        case .nmt: mapScalars(&text) { scalar, output in Nmt.append(scalar, to: &output) }
        case .precompiled(let map): map.apply(to: &text)
        }
    }

    /// Whether a text may be cut between two characters, normalized in two parts, and joined.
    ///
    /// Normal forms act on a character and what combines with it, a precompiled map on whole
    /// user-perceived characters; matches of longer patterns can lie anywhere.
    func allowsCut(between left: Unicode.Scalar, and right: Unicode.Scalar) -> Bool {
        switch self {
        case .lowercase, .stripAccents, .prepend, .strip, .byteAlphabet, .nmt,
            .replace(.nothing, _), .replace(.scalars, _), .replace(.words, _):
            return true
        case .replace(.literal(let literal), _):
            return String(decoding: literal, as: UTF8.self).unicodeScalars.count == 1
        case .replace(.pattern, _): return false
        case .precompiled: return left.isASCII && right.isASCII && left != "\r"
        case .normalForm, .bert: return NormalForm.startsCluster(right)
        }
    }
}

/// Replaces every character by what `body` appends for it.
func mapScalars(_ text: inout [UInt8], _ body: (Unicode.Scalar, inout [UInt8]) -> Void) {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    text.withUnsafeBufferPointer { text in
        var position = 0
        while position < text.count {
            let (scalar, count) = decodeScalar(text, at: position)
            body(scalar, &output)
            position += count
        }
    }
    text = output
}

extension [UInt8] {
    @inline(__always)
    mutating func append(scalar: Unicode.Scalar) {
        if scalar.isASCII {
            append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
            append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }
}

extension Unicode.Scalar {
    /// The character's own lowercase mapping, whatever stands around it.
    @inline(__always)
    func appendLowercase(to output: inout [UInt8]) {
        if isASCII {
            let byte = UInt8(truncatingIfNeeded: value)
            output.append((0x41...0x5A).contains(byte) ? byte + 0x20 : byte)
        } else {
            output.append(contentsOf: properties.lowercaseMapping.utf8)
        }
    }
}

private func replaceMatches(of finder: Finder, with content: [UInt8], in text: inout [UInt8]) {
    // The same search that cuts pieces marks what to replace.
    var pieces = Pieces(text, startsText: true, end: .closed)
    PreTokenizerStep.split(finder, .removed, inverted: false).apply(to: &pieces)
    var matches = Pieces(text, startsText: true, end: .closed)
    PreTokenizerStep.split(finder, .removed, inverted: true).apply(to: &matches)
    guard !matches.ranges.isEmpty else { return }

    var output: [UInt8] = []
    output.reserveCapacity(text.count + matches.ranges.count * content.count)
    var piece = pieces.ranges.makeIterator()
    var nextPiece = piece.next()
    for match in matches.ranges {
        while let range = nextPiece, range.lowerBound < match.lowerBound {
            output.append(contentsOf: text[range])
            nextPiece = piece.next()
        }
        output.append(contentsOf: content)
    }
    while let range = nextPiece {
        output.append(contentsOf: text[range])
        nextPiece = piece.next()
    }
    text = output
}

private func stripSpace(_ text: inout [UInt8], left: Bool, right: Bool) {
    text = text.withUnsafeBufferPointer { bytes in
        var start = 0
        while left, start < bytes.count {
            let (scalar, count) = decodeScalar(bytes, at: start)
            guard scalar.properties.isWhitespace else { break }
            start += count
        }
        var end = bytes.count
        while right, end > start {
            var last = end - 1
            while last > start, bytes[last] & 0xC0 == 0x80 { last -= 1 }
            guard decodeScalar(bytes, at: last).0.properties.isWhitespace else { break }
            end = last
        }
        return Array(bytes[start..<end])
    }
}
