// SPDX-License-Identifier: Apache-2.0
// Digests as the reference implementation computes them.

import Digests
import Foundation
import TestSupport
import Testing

@Suite struct XXH64Tests {
    /// Byte i of the test's data is (31 i^2 + 7 i) mod 251.
    private static let bytes = (0..<100_000).map { (i: Int) -> UInt8 in
        UInt8((31 * i * i + 7 * i) % 251)
    }

    /// Of the first n bytes, by xxhash 4.1.0 (PyPI), which wraps Collet's own code.
    private static let expected: [(n: Int, digest: UInt64)] = [
        (0, 0xEF46_DB37_51D8_E999), (1, 0xE934_A84A_DB05_2768), (3, 0x9D96_6A97_BACC_F29A),
        (4, 0x0AF8_1965_D90A_DCBB), (7, 0xEF9B_F8A8_592A_367B), (8, 0xF8AD_53C4_7FBD_01A3),
        (12, 0xD706_ED7A_7E76_3F8F), (31, 0x0AC1_E811_2ADD_7158), (32, 0xE182_70D0_A13B_B361),
        (33, 0xF949_AE5F_41A1_F0E0), (63, 0xFFD9_E851_4F32_6595), (64, 0x6B5E_62E8_B469_8CDF),
        (100, 0xC272_A31E_2805_836B), (1000, 0x24E2_F402_3645_514C),
        (4097, 0x1BFE_5B52_275C_1ADE), (100_000, 0x172E_7157_074B_FAC7),
    ]

    @Test(arguments: expected)
    func `digests are those of the reference`(n: Int, digest: UInt64) {
        var hash = XXH64()
        Self.bytes.prefix(n).withUnsafeBytes { hash.update($0) }
        #expect(hash.digest == digest)
    }

    @Test(arguments: [1, 7, 31, 32, 33, 1000])
    func `pieces give what the whole gives`(size: Int) {
        var hash = XXH64()
        for start in stride(from: 0, to: Self.bytes.count, by: size) {
            Self.bytes[start..<min(start + size, Self.bytes.count)].withUnsafeBytes {
                hash.update($0)
            }
        }
        #expect(hash.digest == Self.expected.last?.digest)
    }

    @Test func `a file is read from where it is told to its end`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try Data([1, 2, 3] + Self.bytes).write(to: file)
            let handle = try FileHandle(forReadingFrom: file)
            let found = try #require(xxh64(of: handle.fileDescriptor, from: 3))
            #expect(found == (0x172E_7157_074B_FAC7, 100_000))
            #expect(xxh64(of: -1, from: 0) == nil)
        }
    }
}
