// SPDX-License-Identifier: Apache-2.0
// What half numbers keep of vectors of any size.

import AttentionStats
import Testing

@Suite struct HalfVectorsTests {
    private func stored(_ vectors: [[Float]], width: Int) -> HalfVectors {
        var half = HalfVectors()
        for vector in vectors { half.append(vector, vector.count, width: width) }
        return half
    }

    /// From the least Float to half of the largest, at and about the powers of two, where half runs out of range or digits.
    @Test func `vectors of any size come back to eleven bits of their largest entry`() {
        let mantissas: [Float] = [1, 1.0005, 1.4142, 1.9993, 1.9999999]
        for exponent in -149...126 {
            for mantissa in mantissas {
                let size = Float(sign: .plus, exponent: exponent, significand: mantissa)
                let vector = [size, -size / 3, size / 1000, 0]
                let back = stored([vector], width: 4).widened(width: 4)
                for (a, b) in zip(vector, back) {
                    #expect(b.isFinite)
                    let error = abs(Double(a) - Double(b))
                    #expect(error <= Double(size) * 0x1p-11, "\(a) came back as \(b)")
                }
            }
        }
    }

    @Test func `vectors of usual size are plain half numbers`() {
        let vectors: [[Float]] = [
            [1, -2.5, 0.3333, 1e-3], [32_767, 0, 0, 1], [0, 0, 0, 0], [0.001, 0, 0, 0],
        ]
        let half = stored(vectors, width: 4)
        #expect(half.exponents == [0, 0, 0, 0])
        #expect(half.values == vectors.joined().map(Float16.init))
        #expect(stored([[32_768], [0.0009]], width: 1).exponents == [15, -11])
    }

    @Test func `narrow vectors end in zeros, and rows are those asked for`() {
        let half = stored([[1, 2], [0x1p31, 0x1p32], [5, 6]], width: 3)
        #expect(half.count == 3)
        #expect(half.values.count == 9)
        #expect(half.rows(1..<3, width: 3).widened(width: 3) == [0x1p31, 0x1p32, 0, 5, 6, 0])
    }

    @Test func `the rows of a matrix are vectors`() {
        let matrix: [Float] = [1, 2, 0x1p31, 0x1p32, 5, 6]
        #expect(
            HalfVectors(matrix, width: 2)
                == stored([[1, 2], [0x1p31, 0x1p32], [5, 6]], width: 2))
    }

    @Test func `what is no number stays none`() {
        let half = stored([[.infinity, 1], [.nan, 1]], width: 2)
        let back = half.widened(width: 2)
        #expect(back[0] == .infinity && back[1] == 1 && back[2].isNaN && back[3] == 1)
    }
}
