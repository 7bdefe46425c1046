// SPDX-License-Identifier: Apache-2.0
// Classes of characters, as the Rust functions that `tokenizers` asks define them.
//
// Each of those functions has the tables of one Unicode version, and characters that came later are
// nothing to it. The versions below were found by asking `tokenizers` 0.23 about every character.

/// A class of characters.
enum ScalarClass: Sendable {
    /// White_Space.
    case whitespace
    /// General categories Nd, Nl and No.
    case numeric
    /// ASCII punctuation (with `$`, `+`, `<` and the like) and the general categories P of
    /// Unicode 8.
    case punctuation
    /// One character.
    case single(Unicode.Scalar)

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .whitespace: scalar.properties.isWhitespace
        case .numeric: scalar.isNumeric
        case .punctuation: scalar.isPunctuation
        case .single(let single): scalar == single
        }
    }
}

extension Unicode.Scalar {
    var isNumeric: Bool {
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }

    var isPunctuation: Bool {
        switch value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        default: break
        }
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return isKnown(inUnicode: 8)
        // Punctuation then, something else today.
        default: return value == 0x166D || value == 0x111C9
        }
    }

    /// A mark without width (Mn) of Unicode 8.
    var isNonspacingMark: Bool {
        switch value {
        // These have another category today.
        case 0x1734, 0x1171E: true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
        default: properties.generalCategory == .nonspacingMark && isKnown(inUnicode: 8)
        }
    }

    /// A mark of any kind (M) of Unicode 9.
    var isMark: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark:
            value != 0x111C9 && isKnown(inUnicode: 9)
        // A mark then, a letter today.
        default: value == 0x1CF2 || value == 0x1CF3
        }
    }

    /// Part of a word for the `\w` of Rust's regex crate.
    var isWord: Bool {
        if isASCII {
            switch self {
            case "0"..."9", "A"..."Z", "a"..."z", "_": return true
            default: return false
            }
        }
        if properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return isKnown(inUnicode: 16)
        default: return properties.isAlphabetic && isKnown(inUnicode: 16)
        }
    }

    /// Whether a Unicode version (and those before it) had the character.
    func isKnown(inUnicode version: Int) -> Bool {
        guard let age = properties.age else { return false }
        return age.major <= version
    }
}
