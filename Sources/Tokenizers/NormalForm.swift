// SPDX-License-Identifier: Apache-2.0
// Unicode's normal forms, with the tables of Unicode 9, which `tokenizers` uses.

import Foundation

/// One of Unicode's four normal forms.
///
/// The text is cut into clusters, each a character and what may combine with it; Foundation maps
/// the clusters that can change. It is given one at a time because it takes quadratic time on long
/// strings, and always decomposed before it composes because it otherwise leaves some sequences
/// uncomposed. Characters that are newer than Unicode 9 have no mapping, and nothing combines or is
/// reordered across them.
enum NormalForm: Sendable {
    case nfc, nfd, nfkc, nfkd

    /// Longer runs of combining marks are cut, and may then be ordered and composed otherwise.
    private static let longestCluster = 4096

    func apply(to text: inout [UInt8]) {
        guard text.contains(where: { $0 >= 0x80 }) else { return }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        text.withUnsafeBufferPointer { text in
            var start = 0
            var changes = false
            var endsCluster = false
            var position = 0
            func flush() {
                let cluster = UnsafeBufferPointer(rebasing: text[start..<position])
                if changes {
                    output.append(contentsOf: map(String(decoding: cluster, as: UTF8.self)).utf8)
                } else {
                    output.append(contentsOf: cluster)
                }
                start = position
                changes = false
            }
            while position < text.count {
                let (scalar, count) = decodeScalar(text, at: position)
                if scalar.isASCII {
                    if position - start > 1 || changes { flush() }
                    output.append(contentsOf: text[start..<position])
                    start = position
                } else if !scalar.isKnown(inUnicode: 9) {
                    flush()
                    position += count
                    flush()
                    continue
                } else if endsCluster || NormalForm.startsCluster(scalar) {
                    flush()
                    changes = self.changes(scalar)
                } else {
                    if position - start > NormalForm.longestCluster { flush() }
                    changes = true
                }
                endsCluster = NormalForm.endsCluster(scalar)
                position += count
            }
            flush()
        }
        text = output
    }

    private func map(_ cluster: String) -> String {
        switch self {
        case .nfd: decomposed(cluster)
        case .nfc: decomposed(cluster).precomposedStringWithCanonicalMapping
        case .nfkd: decomposed(cluster.decomposedStringWithCompatibilityMapping)
        case .nfkc:
            decomposed(cluster.decomposedStringWithCompatibilityMapping)
                .precomposedStringWithCanonicalMapping
        }
    }

    /// Foundation decomposes marks without sorting what comes out; a second pass sorts it.
    private func decomposed(_ cluster: String) -> String {
        let once = cluster.decomposedStringWithCanonicalMapping
        return once.unicodeScalars.count > 2 ? once.decomposedStringWithCanonicalMapping : once
    }

    /// Whether nothing before `scalar` can combine or be reordered with it: it is no mark, no vowel
    /// or final consonant of a decomposed Hangul syllable, no halfwidth voicing mark, and not
    /// unassigned.
    static func startsCluster(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return true }
        switch scalar.value {
        case 0x1161...0x1175, 0x11A8...0x11C2, 0x3131...0x3163, 0xFF9E...0xFFDC:
            return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .unassigned: return false
        default: return scalar.properties.canonicalCombiningClass == .notReordered
        }
    }

    /// Whether nothing behind `scalar` combines with it, though Foundation would let it: it composes
    /// the old leading consonants of Hangul to nonsense, and takes a tag character (U+E0075) for the
    /// letter in its low bits.
    private static func endsCluster(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1113...0x115F, 0x3164...0x318E, 0x30000...: true
        default: false
        }
    }

    /// Whether a character may change where nothing combines with it.
    private func changes(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .nfc: scalar.properties.isFullCompositionExclusion
        case .nfd: NormalForm.canonicalMappings.contains(scalar)
        case .nfkc, .nfkd: NormalForm.compatibilityMappings.contains(scalar)
        }
    }

    private static let canonicalMappings = ScalarSet {
        $0.decomposedStringWithCanonicalMapping.unicodeScalars.elementsEqual($0.unicodeScalars)
    }

    private static let compatibilityMappings = ScalarSet {
        $0.decomposedStringWithCompatibilityMapping.unicodeScalars.elementsEqual($0.unicodeScalars)
    }
}

/// The characters that a mapping changes: a bit for each of the Basic Multilingual Plane; of the
/// others all that may have a mapping.
private struct ScalarSet: Sendable {
    private var bits = [Bool](repeating: false, count: 0x10000)

    init(isUnchanged: (String) -> Bool) {
        for value in UInt16(0x80)...UInt16.max {
            // Ideographs without mappings are most of the plane.
            if (0x3400...0x9FFF).contains(value) || (0xE000...0xF8FF).contains(value) { continue }
            guard let scalar = Unicode.Scalar(value) else { continue }
            bits[Int(value)] = !isUnchanged(String(Character(scalar)))
        }
    }

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0xFFFF: bits[Int(scalar.value)]
        // Emoji and ideographs have no mappings.
        case 0x1F300...0x1FAFF, 0x20000...0x2F7FF: false
        default: true
        }
    }
}
