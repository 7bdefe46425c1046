// SPDX-License-Identifier: Apache-2.0
// The escapes of JSON strings (RFC 8259, section 7).

/// The inside of a JSON string, and the text it stands for.
enum JSONString {
    /// The text of a string whose escapes are known to be well formed and whose bytes are valid UTF-8;
    /// nil when it has half of a surrogate pair.
    static func decoded(_ raw: UnsafeBufferPointer<UInt8>) -> String? {
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var pairsAreWhole = true
        // An escape is never shorter than what it stands for.
        let text = String(unsafeUninitializedCapacity: raw.count) { output in
            var count = 0
            var index = 0
            while index < raw.count {
                let plain = raw[index...].firstIndex(of: UInt8(ascii: "\\")) ?? raw.count
                count = output[count...].initialize(fromContentsOf: raw[index..<plain])
                index = plain
                guard index < raw.count else { break }
                if let byte = unescaped(raw[index + 1]) {
                    count = output[count...].initialize(fromContentsOf: CollectionOfOne(byte))
                    index += 2
                } else if let (scalar, length) = scalar(at: index, in: raw) {
                    count = output[count...].initialize(
                        fromContentsOf: UTF8.encode(scalar) ?? .init())
                    index += length
                } else {
                    pairsAreWhole = false
                    return 0
                }
            }
            return count
        }
        return pairsAreWhole ? text : nil
    }

    /// The byte that the letter of a short escape stands for; nil for any other letter.
    static func unescaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The value of a hexadecimal digit.
    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The character that the escape at `index` (`\uXXXX`, or two of them that are a surrogate pair)
    /// stands for, and how long it is; nil for half a pair.
    private static func scalar(
        at index: Int, in raw: UnsafeBufferPointer<UInt8>
    ) -> (Unicode.Scalar, Int)? {
        let first = unit(at: index, in: raw)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, index + 12 <= raw.count, raw[index + 6] == UInt8(ascii: "\\"),
            raw[index + 7] == UInt8(ascii: "u")
        else { return nil }
        let second = unit(at: index + 6, in: raw)
        guard (0xDC00..<0xE000).contains(second) else { return nil }
        let code = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        return Unicode.Scalar(code).map { ($0, 12) }
    }

    private static func unit(at index: Int, in raw: UnsafeBufferPointer<UInt8>) -> UInt16 {
        raw[index + 2..<index + 6].reduce(0) { $0 << 4 | UInt16(hexDigit($1) ?? 0) }
    }
}
