// SPDX-License-Identifier: Apache-2.0
// Leading eigenvectors of a large sparse matrix: subspace iteration behind a Chebyshev filter.

import Tensors

/// Sixteen vectors, one `Lanes` per point, turned towards the leading eigenvectors of an adjacency.
///
/// Each round multiplies the block by a Chebyshev polynomial of the matrix that is small where the
/// unwanted eigenvalues lie and steep above (Zhou, Saad, Tiago, Chelikowsky 2006), makes it orthonormal
/// and solves the small eigenproblem in its span (Rayleigh and Ritz). Sixteen vectors make every product
/// with the sparse matrix a stream of whole registers.
struct FilteredSubspace {
    private let adjacency: NormalizedAdjacency
    private var block: [Lanes]
    private var image: [Lanes]
    private var previous: [Lanes]
    private var values = [Double](repeating: 0, count: laneCount)

    private static let degree = 24
    private static let rounds = 40
    /// Residual norms below this are all that a starting picture needs.
    private static let tolerance = 1e-4

    init(_ adjacency: NormalizedAdjacency) {
        self.adjacency = adjacency
        let count = adjacency.graph.count
        var random = RandomStream(seed: 0x5EED, purpose: UInt64(count))
        block = (0..<count).map { _ in
            var row = Lanes.zero
            for lane in 0..<laneCount { row[lane] = Float(random.nextUnit() - 0.5) }
            return row
        }
        image = [Lanes](repeating: .zero, count: count)
        previous = image
    }

    /// The leading nontrivial eigenvectors, [n, 3], and eigenvalues, descending.
    mutating func run() throws -> ([Float], [Double]) {
        try orthonormalize()
        try rotate()
        for _ in 0..<Self.rounds where residual() > Self.tolerance {
            filter(above: values[laneCount - 1])
            try orthonormalize()
            try rotate()
        }
        var vectors = [Float](repeating: 0, count: block.count * componentCount)
        for row in block.indices {
            for component in 0..<componentCount {
                vectors[row * componentCount + component] = block[row][component]
            }
        }
        return (vectors, Array(values[0..<componentCount]))
    }

    /// block = T_degree((2 A - (bound - 1)) / (bound + 1)) block: at most 1 on [-1, bound], growing above.
    /// The recurrence is scaled by its value at 1 (sigma), so that nothing overflows.
    private mutating func filter(above bound: Double) {
        let half = Float((min(bound, 0.9999) + 1) / 2)
        let middle = Float((min(bound, 0.9999) - 1) / 2)
        let first = half / (1 - middle)
        var sigma = first
        multiply(scale: first / half, shift: middle)
        swap(&previous, &block)
        swap(&block, &image)
        // Now block = T_1, previous = T_0.
        for _ in 2...Self.degree {
            let next = 1 / (2 / first - sigma)
            multiply(scale: 2 * next / half, shift: middle)
            let keep = Lanes(repeating: -sigma * next)
            image.withUnsafeMutableBufferPointer { image in
                previous.withUnsafeBufferPointer { previous in
                    for row in 0..<image.count {
                        image[row] = image[row].addingProduct(previous[row], keep)
                    }
                }
            }
            swap(&previous, &block)
            swap(&block, &image)
            sigma = next
        }
    }

    /// image = scale (A - shift) block.
    private mutating func multiply(scale: Float, shift: Float) {
        adjacency.graph.rowStarts.withUnsafeBufferPointer { starts in
            adjacency.graph.columns.withUnsafeBufferPointer { columns in
                adjacency.values.withUnsafeBufferPointer { values in
                    block.withUnsafeBufferPointer { block in
                        image.withUnsafeMutableBufferPointer { image in
                            for row in 0..<image.count {
                                var sum = block[row] * -shift
                                for edge in starts[row]..<starts[row + 1] {
                                    sum = sum.addingProduct(
                                        block[Int(columns[edge])], Lanes(repeating: values[edge]))
                                }
                                image[row] = sum * scale
                            }
                        }
                    }
                }
            }
        }
    }

    /// Takes out the trivial vector, then makes the sixteen vectors orthonormal: X <- X U S^-1/2 with
    /// X^T X = U S U^T, twice, since the first pass loses digits where the vectors are nearly dependent.
    private mutating func orthonormalize() throws {
        for _ in 0..<2 {
            var overlap = Lanes.zero
            for row in block.indices { overlap += block[row] * adjacency.trivial[row] }
            for row in block.indices { block[row] -= overlap * adjacency.trivial[row] }
            let gram = try SymmetricEigen(products(block, block), order: laneCount)
            let largest = gram.values[laneCount - 1]
            var turn = [Double](repeating: 0, count: laneCount * laneCount)
            for vector in 0..<laneCount {
                // Directions lost to rounding get a finite length, and are found again by the filter.
                let scale = 1 / max(gram.values[vector], largest * 1e-12, 1e-30).squareRoot()
                for place in 0..<laneCount {
                    turn[place * laneCount + vector] =
                        gram.vectors[vector * laneCount + place] * scale
                }
            }
            turnBlock(by: turn)
        }
    }

    /// Turns the block to the eigenvectors of X^T A X, largest first, and leaves A X in `image`.
    private mutating func rotate() throws {
        multiply(scale: 1, shift: 0)
        let ritz = try SymmetricEigen(products(block, image), order: laneCount)
        var turn = [Double](repeating: 0, count: laneCount * laneCount)
        for vector in 0..<laneCount {
            let from = laneCount - 1 - vector
            values[vector] = ritz.values[from]
            for place in 0..<laneCount {
                turn[place * laneCount + vector] = ritz.vectors[from * laneCount + place]
            }
        }
        turnBlock(by: turn)
        multiply(scale: 1, shift: 0)
    }

    /// The largest |A x - value x| of the wanted vectors.
    private func residual() -> Double {
        var squares = Lanes.zero
        var wanted = Lanes.zero
        for lane in 0..<laneCount { wanted[lane] = Float(values[lane]) }
        for row in block.indices {
            let difference = image[row] - block[row] * wanted
            squares += difference * difference
        }
        return (0..<componentCount).map { Double(squares[$0]).squareRoot() }.max() ?? 0
    }

    /// X^T Y in Float64, [16, 16].
    private func products(_ x: [Lanes], _ y: [Lanes]) -> [Double] {
        var sums = [Double](repeating: 0, count: laneCount * laneCount)
        // Short Float32 sums, gathered in Float64.
        for start in stride(from: 0, to: x.count, by: 64) {
            for first in 0..<laneCount {
                var partial = Lanes.zero
                for row in start..<min(start + 64, x.count) {
                    partial = partial.addingProduct(y[row], Lanes(repeating: x[row][first]))
                }
                for second in 0..<laneCount {
                    sums[first * laneCount + second] += Double(partial[second])
                }
            }
        }
        for first in 0..<laneCount {
            for second in 0..<first {
                let mean =
                    (sums[first * laneCount + second] + sums[second * laneCount + first]) / 2
                sums[first * laneCount + second] = mean
                sums[second * laneCount + first] = mean
            }
        }
        return sums
    }

    /// X <- X turn, turn [16, 16] row-major.
    private mutating func turnBlock(by turn: [Double]) {
        let rows = (0..<laneCount).map { place in
            var row = Lanes.zero
            for lane in 0..<laneCount { row[lane] = Float(turn[place * laneCount + lane]) }
            return row
        }
        for row in block.indices {
            var turned = Lanes.zero
            for place in 0..<laneCount {
                turned = turned.addingProduct(rows[place], Lanes(repeating: block[row][place]))
            }
            block[row] = turned
        }
    }
}
