// SPDX-License-Identifier: Apache-2.0
// Classes of characters, as the Rust functions that `tokenizers` asks define them.

/// A class of characters.
enum ScalarClass: Sendable {
    /// White_Space.
    case whitespace
    /// General categories Nd, Nl and No.
    case numeric
    /// ASCII punctuation (with `$`, `+`, `<` and the like) and the general categories P.
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
            return true
        default: return false
        }
    }

    /// A mark without width (Mn).
    var isNonspacingMark: Bool { properties.generalCategory == .nonspacingMark }

    /// Part of a word for the `\w` of Rust's regex crate.
    var isWord: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default: return false
        }
    }
}
