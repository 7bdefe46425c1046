// SPDX-License-Identifier: Apache-2.0
// Hexadecimal digits, as byte tokens and patterns have them.

extension Unicode.Scalar {
    /// The value of an ASCII hexadecimal digit.
    var hexDigitValue: UInt32? {
        switch self {
        case "0"..."9": value - 0x30
        case "a"..."f": value - 0x61 + 10
        case "A"..."F": value - 0x41 + 10
        default: nil
        }
    }
}
