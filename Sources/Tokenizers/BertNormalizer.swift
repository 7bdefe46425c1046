// SPDX-License-Identifier: Apache-2.0
// The normalizers of BERT and of Google's NMT.

import Foundation

/// `BertNormalizer` of `tokenizers`: its parts run in the order of the properties.
struct BertNormalizer: Sendable {
    /// Removes control characters and makes every white space a space.
    var cleansText: Bool
    /// Puts spaces around ideographs.
    var spacesIdeographs: Bool
    /// Decomposes and removes nonspacing marks.
    var stripsAccents: Bool
    var lowercases: Bool

    func apply(to text: inout [UInt8]) {
        if cleansText {
            mapScalars(&text) { scalar, output in
                if !BertNormalizer.isRemoved(scalar) {
                    output.append(scalar: scalar.properties.isWhitespace ? " " : scalar)
                }
            }
        }
        if spacesIdeographs, text.contains(where: { $0 >= 0xE3 }) {
            mapScalars(&text) { scalar, output in
                let isIdeograph = BertNormalizer.isIdeograph(scalar)
                if isIdeograph { output.append(0x20) }
                output.append(scalar: scalar)
                if isIdeograph { output.append(0x20) }
            }
        }
        if stripsAccents, text.contains(where: { $0 >= 0x80 }) {
            NormalForm.nfd.apply(to: &text)
            mapScalars(&text) { if !$0.isNonspacingMark { $1.append(scalar: $0) } }
        }
        if lowercases { NormalizerStep.lowercase.apply(to: &text) }
    }

    private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": return false
        case "\0", "\u{FFFD}": return true
        default: break
        }
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: return scalar.isKnown(inUnicode: 8)
        default: return false
        }
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}

/// The `Nmt` normalizer: removes control characters, and makes unusual white space a space.
enum Nmt {
    static func append(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        switch scalar.value {
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF,
            0xFFFD:
            output.append(0x20)
        default: output.append(scalar: scalar)
        }
    }
}
