// SPDX-License-Identifier: Apache-2.0
// SentencePiece's precompiled character maps (its nmt_nfkc and the like).

import Foundation
import UserErrors

/// A map from character sequences to replacements: a double-array trie (as Darts-clone writes it)
/// whose values are places in a list of zero-terminated strings.
struct PrecompiledMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Reads the binary map: the trie's size in bytes (32 bits, little-endian), the trie, the
    /// replacements.
    init(_ blob: [UInt8], name: String) throws {
        func word(_ offset: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(blob[offset + $1]) << UInt32(8 * $1) }
        }
        guard blob.count >= 4, word(0) % 4 == 0, Int(word(0)) <= blob.count - 4, word(0) > 0 else {
            throw UserError("\(name) is not a precompiled character map.")
        }
        let size = Int(word(0))
        units = stride(from: 4, to: 4 + size, by: 4).map(word)
        replacements = Array(blob[(4 + size)...])
    }

    /// Replaces what the map has a replacement for: whole user-perceived characters of fewer than
    /// six bytes first, else the characters that they consist of.
    func apply(to text: inout [UInt8]) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        for character in String(decoding: text, as: UTF8.self) {
            let bytes = Array(character.utf8)
            if bytes.count < 6, let replacement = replacement(of: bytes[...]) {
                output.append(contentsOf: replacement)
                continue
            }
            for scalar in character.unicodeScalars {
                let bytes = Array(UTF8.encode(scalar) ?? .init())
                output.append(contentsOf: replacement(of: bytes[...]) ?? bytes[...])
            }
        }
        text = output
    }

    /// The replacement of the shortest beginning of `key` that has one, which is what
    /// `tokenizers` takes for that of the whole.
    private func replacement(of key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let root = units.first else { return nil }
        var node = PrecompiledMap.offset(root)
        for byte in key {
            guard byte != 0 else { return nil }
            node ^= Int(byte)
            guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
            let unit = units[node]
            node ^= PrecompiledMap.offset(unit)
            guard node < units.count else { return nil }
            if unit >> 8 & 1 == 1 {
                let start = Int(units[node] & 0x7FFF_FFFF)
                guard start <= replacements.count else { return nil }
                return replacements[start...].prefix { $0 != 0 }
            }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 1 << 9) >> 6)
    }
}
