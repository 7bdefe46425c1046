// SPDX-License-Identifier: Apache-2.0
// Products in bfloat16 against Float64 products of the rounded numbers.

import Foundation
import Tensors
import TestSupport
import Testing

private let hasBFloat16 = (try? Precision.bf16.requireSupport()) != nil

@Suite struct BFloat16Tests {
    /// Of the two bfloat16 around a number the nearer one, in Float64; of two as near, the one whose last bit is 0.
    private static func nearest(_ x: Float) -> UInt16 {
        let low = UInt16(x.bitPattern >> 16)
        let values = [low, low + 1].map { Double(Float(bitPattern: UInt32($0) << 16)) }
        let (below, above) = (abs(Double(x) - values[0]), abs(values[1] - Double(x)))
        if below == above { return low & 1 == 0 ? low : low + 1 }
        return below < above ? low : low + 1
    }

    @Test func `rounding takes the nearest, and of two as near the even one`() {
        var random = RandomStream(seed: 5)
        var numbers = (0..<20_000).map { _ in
            Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        }
        // Halfway between two neighbours.
        numbers += (0..<2_000).map { Float(bitPattern: UInt32($0) << 16 | 0x3F00_8000) }
        for x in numbers where x.isFinite && abs(x) < 3e38 {
            #expect(bfloat16(x) == Self.nearest(x))
            #expect(bfloat16(Lanes(repeating: x))[11] == Self.nearest(x))
        }
    }

    @Test func `what is no number stays none`() {
        for x in [Float.infinity, -.infinity, .nan, 0 * -Float.infinity] {
            let rounded = Float(bitPattern: UInt32(bfloat16(x)) << 16)
            #expect(rounded.isNaN == x.isNaN && (x.isNaN || rounded == x))
        }
    }
}

@Suite(.enabled(if: hasBFloat16, "oneDNN and a processor with avx512_bf16"))
struct PackedMatrixTests {
    private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = SplitMix(state: seed)
        return (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }

    private static func rounded(_ x: Float) -> Double {
        Double(Float(bitPattern: UInt32(bfloat16(x)) << 16))
    }

    private static func packed(_ weights: [Float], _ rows: Int, _ columns: Int) throws
        -> PackedMatrix
    {
        let matrix = try PackedMatrix(rows: rows, columns: columns)
        for panel in (0..<matrix.panelCount).reversed() { matrix.pack(panel: panel, of: weights) }
        return matrix
    }

    /// The shapes of the default model's block, and odd ones; lengths with and without a rest.
    @Test(
        arguments: [
            (960, 576, 330), (576, 1536, 64), (1600, 576, 257), (700, 577, 65), (1, 64, 3),
            (3, 17, 130), (64, 1, 1),
        ])
    func `a product is that of the rounded numbers`(rows: Int, columns: Int, length: Int) throws {
        let weights = Self.numbers(rows * columns, seed: 1)
        let x = Self.numbers(length * columns, seed: 2)
        let matrix = try Self.packed(weights, rows, columns)
        var y = [Float](repeating: .nan, count: length * rows)
        matrix.multiply(length, x, columns, into: &y, rows)
        let (w, v) = (weights.map(Self.rounded), x.map(Self.rounded))
        var worst = 0.0
        for i in stride(from: 0, to: length, by: max(1, length / 20)) {
            for j in 0..<rows {
                var (sum, size) = (0.0, 1e-30)
                for k in 0..<columns {
                    let term = v[i * columns + k] * w[j * columns + k]
                    sum += term
                    size += abs(term)
                }
                worst = max(worst, abs(Double(y[i * rows + j]) - sum) / size)
            }
        }
        // Float32 sums; numbers rounded otherwise, or sums in bfloat16, are a hundred times further away.
        #expect(worst < 5e-7)
    }

    @Test func `rows may lie apart, be scaled, and be added to what is there`() throws {
        let (rows, columns, length) = (192, 96, 70)
        let weights = Self.numbers(rows * columns, seed: 3)
        let x = Self.numbers(length * 100, seed: 4)
        let matrix = try Self.packed(weights, rows, columns)
        let before = Self.numbers(length * 200, seed: 5)
        for (stride, adding) in [(192, true), (200, true), (200, false)] {
            var y = before
            matrix.multiply(length, x, 100, into: &y, stride, scale: 0.25, adding: adding)
            for i in 0..<length {
                for j in 0..<stride where i * stride + j < y.count {
                    let old = before[i * stride + j]
                    guard j < rows else {
                        #expect(y[i * stride + j] == old)
                        continue
                    }
                    let sum = (0..<columns).reduce(0.0) {
                        $0 + Self.rounded(0.25 * x[i * 100 + $1])
                            * Self.rounded(weights[j * columns + $1])
                    }
                    let expected = sum + (adding ? Double(old) : 0)
                    #expect(abs(Double(y[i * stride + j]) - expected) < 1e-5)
                }
            }
        }
    }

    @Test func `a row is the same to the bit wherever it stands`() throws {
        let (rows, columns, length) = (576, 576, 300)
        let matrix = try Self.packed(Self.numbers(rows * columns, seed: 6), rows, columns)
        let x = Self.numbers(length * columns, seed: 7)
        var together = [Float](repeating: 0, count: length * rows)
        matrix.multiply(length, x, columns, into: &together, rows)
        for range in [0..<1, 255..<300, 17..<90, 100..<300] {
            var alone = [Float](repeating: 0, count: range.count * rows)
            x.withUnsafeBufferPointer { x in
                guard let x = x.baseAddress else { return }
                matrix.multiply(
                    range.count, x + range.lowerBound * columns, columns, into: &alone, rows)
            }
            #expect(alone == Array(together[range.lowerBound * rows..<range.upperBound * rows]))
        }
    }
}
