// SPDX-License-Identifier: Apache-2.0
// The byte alphabet of GPT-2: every byte has a printable character.

/// GPT-2's `bytes_to_unicode`: printable Latin-1 bytes stand for themselves, the other 68 for the
/// characters from U+0100 on, in order.
enum ByteLevel {
    private static func isPrintable(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }

    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            if isPrintable(byte) { return Unicode.Scalar(byte) }
            defer { next += 1 }
            return Unicode.Scalar(next) ?? "?"
        }
    }()

    /// The byte of each character up to U+0143, the last one in use.
    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    /// The bytes that a token's characters stand for; nil if one of them is not of the alphabet.
    static func decode(_ token: some Sequence<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        for scalar in String(decoding: Array(token), as: UTF8.self).unicodeScalars {
            guard scalar.value < 0x144, let byte = bytes[Int(scalar.value)] else { return nil }
            decoded.append(byte)
        }
        return decoded
    }

    /// The characters of `bytes`, as UTF-8, appended to `text`.
    static func encode(_ bytes: some Sequence<UInt8>, into text: inout [UInt8]) {
        for byte in bytes { text.append(contentsOf: UTF8.encode(scalars[Int(byte)]) ?? .init()) }
    }

    /// The pattern that separates words, as GPT-2 has it.
    static let pattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}
