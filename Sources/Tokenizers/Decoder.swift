// SPDX-License-Identifier: Apache-2.0
// Decoders: from token strings back to text, for a sequence and for a single token.

/// One step of decoding; a `Sequence` of them is an array of steps.
enum DecoderStep: Sendable {
    case byteLevel
    case byteFallback
    case fuse
    case replace(Finder, with: [UInt8])
    case strip(Unicode.Scalar, start: Int, stop: Int)
    case metaspace(Unicode.Scalar, PrependScheme)
    case wordPiece(prefix: String, cleanup: Bool)
    case endOfWord(suffix: String)
}

extension DecoderStep {
    /// Rewrites token strings (UTF-8) as `tokenizers` does.
    func apply(to tokens: inout [[UInt8]]) {
        switch self {
        case .byteLevel:
            let bytes = tokens.flatMap { ByteLevel.decode($0) ?? $0 }
            tokens = [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .byteFallback: tokens = DecoderStep.joinBytes(tokens)
        case .fuse: tokens = [Array(tokens.joined())]
        case .replace(let finder, let content):
            for index in tokens.indices {
                NormalizerStep.replace(finder, with: content).apply(to: &tokens[index])
            }
        case .strip(let scalar, let start, let stop):
            for index in tokens.indices {
                tokens[index] = DecoderStep.strip(tokens[index], scalar, start, stop)
            }
        case .metaspace(let replacement, let scheme):
            for index in tokens.indices {
                mapScalars(&tokens[index]) { scalar, output in
                    if scalar != replacement {
                        output.append(scalar: scalar)
                    } else if index > 0 || scheme == .never {
                        output.append(0x20)
                    }
                }
            }
        case .wordPiece(let prefix, let cleanup):
            let prefix = Array(prefix.utf8)
            for index in tokens.indices {
                if index > 0 {
                    if tokens[index].starts(with: prefix) {
                        tokens[index].removeFirst(prefix.count)
                    } else {
                        tokens[index].insert(0x20, at: 0)
                    }
                }
                if cleanup { tokens[index] = WordPieceCleanup.apply(tokens[index]) }
            }
        case .endOfWord(let suffix):
            let finder: Finder = suffix.isEmpty ? .nothing : .literal(Array(suffix.utf8))
            for index in tokens.indices {
                let space: [UInt8] = index == tokens.count - 1 ? [] : [0x20]
                NormalizerStep.replace(finder, with: space).apply(to: &tokens[index])
            }
        }
    }

    /// The byte that a token such as `<0x0A>` stands for.
    static func byte(of token: some Collection<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)) else { return nil }
        let digits = token.dropFirst(3).map { Unicode.Scalar($0) }
        guard digits[2] == ">", let high = digits[0].hexDigitValue,
            let low = digits[1].hexDigitValue
        else { return nil }
        return UInt8(high << 4 | low)
    }

    /// Runs of byte tokens become the text that they spell, or one U+FFFD per byte.
    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var joined: [[UInt8]] = []
        var bytes: [UInt8] = []
        func flush() {
            guard !bytes.isEmpty else { return }
            if String(validating: bytes, as: UTF8.self) != nil {
                joined.append(bytes)
            } else {
                joined += Array(repeating: Array("\u{FFFD}".utf8), count: bytes.count)
            }
            bytes = []
        }
        for token in tokens {
            if let byte = byte(of: token) {
                bytes.append(byte)
            } else {
                flush()
                joined.append(token)
            }
        }
        flush()
        return joined
    }

    private static func strip(
        _ token: [UInt8], _ scalar: Unicode.Scalar, _ start: Int, _ stop: Int
    ) -> [UInt8] {
        let scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
        let left = scalars.prefix(start).prefix { $0 == scalar }.count
        let right = scalars.dropFirst(left).suffix(stop).reversed().prefix { $0 == scalar }.count
        var output: [UInt8] = []
        for scalar in scalars[left..<scalars.count - right] { output.append(scalar: scalar) }
        return output
    }

    /// The bytes that a single token contributes to a text, with its spaces.
    func bytesOfOne(_ token: [UInt8]) -> [UInt8] {
        switch self {
        case .byteLevel: return ByteLevel.decode(token) ?? token
        case .byteFallback: return DecoderStep.byte(of: token).map { [$0] } ?? token
        case .fuse, .strip, .wordPiece: return token
        case .replace, .endOfWord:
            // As in the middle of a sequence.
            var tokens = [token, []]
            apply(to: &tokens)
            return tokens[0]
        case .metaspace(let replacement, _):
            var tokens = [[], token]
            DecoderStep.metaspace(replacement, .always).apply(to: &tokens)
            return tokens[1]
        }
    }
}

/// The spaces that WordPiece's decoder takes away again.
private enum WordPieceCleanup {
    private static let rules: [(String, String)] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]

    static func apply(_ token: [UInt8]) -> [UInt8] {
        var token = token
        for (from, to) in rules {
            NormalizerStep.replace(.literal(Array(from.utf8)), with: Array(to.utf8))
                .apply(to: &token)
        }
        return token
    }
}

/// Text for bytes that need not be UTF-8: complete characters as they are, all other bytes, and
/// U+FFFD itself, as `<0xHH>`.
func readable(_ bytes: [UInt8]) -> String {
    var text = ""
    var decoder = UTF8()
    var position = 0
    while position < bytes.count {
        var rest = bytes[position...].makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&rest), scalar != "\u{FFFD}" {
            text.unicodeScalars.append(scalar)
            position += UTF8.width(scalar)
        } else {
            let digits = String(bytes[position], radix: 16, uppercase: true)
            text += "<0x\(digits.count < 2 ? "0" : "")\(digits)>"
            position += 1
        }
        decoder = UTF8()
    }
    return text
}
