// SPDX-License-Identifier: Apache-2.0
// Pre-tokenizers: what cuts a text into the pieces within which a model works.

/// One step of pre-tokenization; a `Sequence` of them is an array of steps.
enum PreTokenizerStep: Sendable {
    /// Cuts at what `finder` finds (or, inverted, at what lies between).
    case split(Finder, SplitBehavior, inverted: Bool)
    /// Puts a space before each piece that does not start with one.
    case prefixSpace
    /// Replaces each byte by its character of the byte alphabet.
    case byteAlphabet
    /// Replaces spaces, and prepends the replacement to pieces that do not start with it.
    case metaspace(replacement: [UInt8], PrependScheme)
}

/// Which pieces a Metaspace step prepends its replacement to.
enum PrependScheme: String, Sendable {
    /// Only to one that starts where the text starts.
    case first
    case always
    case never
}

extension PreTokenizerStep {
    /// Cuts the pieces further.
    func apply(to pieces: inout Pieces) {
        switch self {
        case .split(.pattern(let pattern), let behavior, let inverted):
            guard let matcher = Matcher(pattern) else { return }
            split(&pieces, matcher, behavior, inverted)
            if pieces.end == .open { pieces.end = .undecided }
        case .split(.literal(let literal), let behavior, let inverted):
            split(&pieces, LiteralSearch(literal: literal), behavior, inverted)
            // The end may be the beginning of the string.
            if literal.count > 1, pieces.end == .open { pieces.end = .undecided }
        case .split(.scalars(let scalars), let behavior, let inverted):
            split(&pieces, ScalarSearch(scalars), behavior, inverted)
        case .split(.words, let behavior, let inverted):
            split(&pieces, WordSearch(), behavior, inverted)
        case .split(.nothing, let behavior, let inverted):
            if inverted, behavior == .removed { pieces.ranges = [] }
        case .prefixSpace:
            rewrite(&pieces) { piece, _, output in
                if piece.first != 0x20 { output.append(0x20) }
                output.append(contentsOf: piece)
            }
        case .byteAlphabet:
            rewrite(&pieces) { piece, _, output in ByteLevel.encode(piece, into: &output) }
        case .metaspace(let replacement, let scheme):
            metaspace(&pieces, replacement, scheme)
        }
    }

    /// Cuts each piece at its matches. A limit reached in a pattern leaves the rest of that piece
    /// in one part.
    private func split<S: Search & ~Copyable>(
        _ pieces: inout Pieces, _ search: borrowing S, _ behavior: SplitBehavior, _ inverted: Bool
    ) {
        var parts = PieceCollector(
            behavior, capacity: max(pieces.ranges.count, pieces.bytes.count / 5))
        pieces.bytes.withUnsafeBufferPointer { bytes in
            for (index, range) in pieces.ranges.enumerated() {
                let isOpen = pieces.end != .closed && index == pieces.ranges.count - 1
                let subject = UnsafeBufferPointer(rebasing: bytes[range])
                let base = range.lowerBound
                var end = 0
                var start = 0
                var lastMatchEnd = -1
                var undecided: Range<Int>?
                search: while start <= subject.count {
                    switch search.next(in: subject, from: start, open: isOpen) {
                    case .match(let match):
                        // An empty match right behind the last match does not count.
                        if match.isEmpty, match.lowerBound == lastMatchEnd {
                            start +=
                                start < subject.count ? decodeScalar(subject, at: start).count : 1
                            continue
                        }
                        if end < match.lowerBound {
                            parts.add(base + end..<base + match.lowerBound, isMatch: inverted)
                        }
                        parts.add(
                            base + match.lowerBound..<base + match.upperBound, isMatch: !inverted)
                        end = match.upperBound
                        start = end
                        lastMatchEnd = end
                    case .undecided:
                        undecided = base + end..<range.upperBound
                        break search
                    case .none, .exhausted: break search
                    }
                }
                if undecided == nil, end < subject.count {
                    parts.add(base + end..<range.upperBound, isMatch: inverted)
                }
                parts.finishPiece(undecidedFrom: undecided)
            }
        }
        if parts.ranges.first?.lowerBound != pieces.ranges.first?.lowerBound {
            pieces.startsText = false
        }
        pieces.ranges = parts.ranges
    }

    /// Replaces every piece by what `body` appends to the output for it.
    private func rewrite(
        _ pieces: inout Pieces,
        _ body: (_ piece: Slice<UnsafeBufferPointer<UInt8>>, _ isFirst: Bool, inout [UInt8]) -> Void
    ) {
        var output: [UInt8] = []
        output.reserveCapacity(pieces.bytes.count + pieces.bytes.count / 4)
        pieces.bytes.withUnsafeBufferPointer { bytes in
            for index in pieces.ranges.indices {
                let start = output.count
                body(bytes[pieces.ranges[index]], index == 0 && pieces.startsText, &output)
                pieces.ranges[index] = start..<output.count
            }
        }
        pieces.bytes = output
    }

    private func metaspace(
        _ pieces: inout Pieces, _ replacement: [UInt8], _ scheme: PrependScheme
    ) {
        rewrite(&pieces) { piece, isFirst, output in
            let startsWithIt = piece.first == 0x20 || piece.starts(with: replacement)
            if !startsWithIt, scheme == .always || (scheme == .first && isFirst) {
                output.append(contentsOf: replacement)
            }
            for byte in piece {
                byte == 0x20 ? output.append(contentsOf: replacement) : output.append(byte)
            }
        }
    }
}
