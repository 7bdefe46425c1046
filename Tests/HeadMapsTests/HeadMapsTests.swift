// SPDX-License-Identifier: Apache-2.0
// Likeness of heads and maps of them against their definitions.

import AttentionStats
import Foundation
import HeadMaps
import Testing

@Suite struct PatternLikenessTests {
    @Test func `likeness is the coefficient over what both heads leave outside position 0`() {
        // Means over two sequences: m00 = 0.5, m11 = 0.8, m01 = 0.3.
        let likeness = PatternLikeness(
            Likeness(
                heads: 2, sequences: 2, sum: [1.0, 0.6, 0.6, 1.6],
                sumOfSquares: [0.5, 0.2, 0.2, 1.28]))
        let expected = 0.3 / (0.5 * 0.8).squareRoot()
        #expect(abs(likeness.values[1] - expected) < 1e-12)
        #expect(abs(likeness.values[0] - 1) < 1e-12 && abs(likeness.values[3] - 1) < 1e-12)
        // The two sequences have 0.3 ± d with 0.2 = 2 (0.09 + d²): the error of their mean is d.
        let d = (0.2 / 2 - 0.09).squareRoot()
        let neighbor = likeness.neighbors(of: 0, count: 5)
        #expect(neighbor.count == 1 && neighbor[0].head == 1)
        #expect(abs((neighbor[0].standardError ?? 0) - d / (0.5 * 0.8).squareRoot()) < 1e-12)
    }

    @Test func `a head that only rests is like no other`() {
        let likeness = PatternLikeness(
            Likeness(
                heads: 2, sequences: 1, sum: [0, 0, 0, 1], sumOfSquares: [0, 0, 0, 1]))
        #expect(likeness.values == [0, 0, 0, 1])
        #expect(likeness.neighbors(of: 1, count: 1)[0].standardError == nil)
    }
}

@Suite struct HeadLayoutTests {
    @Test func `scaling gives points in three dimensions back, up to a rotation`() throws {
        // Unit vectors in three dimensions: K = x·y, so distances are sqrt(2 - 2 K) exactly.
        let points: [[Double]] = (0..<7).map { i in
            let v = [cos(Double(i)), sin(2.3 * Double(i)), cos(0.7 * Double(i) + 1)]
            let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return v.map { $0 / norm }
        }
        let kernel = points.flatMap { a in
            points.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let layout = try HeadLayout.scaling(kernel, heads: 7)
        #expect(abs(layout.weights.reduce(0, +) - 1) < 1e-9)
        #expect(layout.weights == layout.weights.sorted(by: >))
        for i in 0..<7 {
            for j in 0..<7 {
                let square = (0..<3).reduce(0.0) {
                    let d = layout.coordinates[3 * i + $1] - layout.coordinates[3 * j + $1]
                    return $0 + d * d
                }
                #expect(abs(square - (2 - 2 * kernel[i * 7 + j])) < 1e-9)
            }
        }
    }

    @Test func `a spectral layout tells two groups apart in its first coordinate`() throws {
        var affinity = [Double](repeating: 0, count: 49)
        for i in 0..<6 {
            for j in 0..<6 where i != j { affinity[i * 7 + j] = i / 3 == j / 3 ? 1 : 0.01 }
        }
        let layout = try HeadLayout.spectral(affinity, heads: 7)
        let first = (0..<7).map { layout.coordinates[3 * $0] }
        #expect(Set((0..<3).map { first[$0] > 0 }).count == 1)
        #expect((0..<3).allSatisfy { first[$0] * first[$0 + 3] < 0 })
        // No neighbours: at 0.
        #expect(layout.coordinates[18...] == [0, 0, 0])
    }

    @Test func `no head, one head and two heads have places`() throws {
        for n in 0...2 {
            let kernel = (0..<n * n).map { $0 % (n + 1) == 0 ? 1.0 : 0.5 }
            #expect(try HeadLayout.scaling(kernel, heads: n).coordinates.count == 3 * n)
            #expect(
                try HeadLayout.spectral(kernel, heads: n).coordinates.allSatisfy(\.isFinite))
        }
    }
}
