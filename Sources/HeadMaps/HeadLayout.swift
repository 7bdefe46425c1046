// SPDX-License-Identifier: Apache-2.0
// Places for heads, so that those that belong together lie together.

import Tensors

/// Coordinates of heads in three dimensions, the telling ones first.
public struct HeadLayout: Sendable, Equatable {
    /// The number of coordinates of a head.
    public static let dimensions = 3
    /// [heads, 3].
    public let coordinates: [Double]
    /// [3]: how much each coordinate tells, in 0...1: its share of the positive eigenvalues for `scaling`, its
    /// eigenvalue for `spectral`.
    public let weights: [Double]

    /// Classical multidimensional scaling (Torgerson 1952) of a kernel with a diagonal of 1: distances in the full
    /// space are sqrt(2 - 2 K[i,j]), and three coordinates keep as much of them as three can.
    ///
    /// - Parameter kernel: [heads, heads], symmetric.
    public static func scaling(_ kernel: [Double], heads: Int) throws -> HeadLayout {
        let means = (0..<heads).map { i in
            kernel[i * heads..<(i + 1) * heads].reduce(0, +) / Double(heads)
        }
        let mean = means.reduce(0, +) / Double(max(heads, 1))
        var centred = kernel
        for i in 0..<heads {
            for j in 0..<heads { centred[i * heads + j] += mean - means[i] - means[j] }
        }
        let eigen = try SymmetricEigen(centred, order: heads)
        let total = eigen.values.reduce(0) { $0 + max(0, $1) }
        return HeadLayout(heads: heads, skipping: 0, eigen) { value, _ in
            total > 0 && value > total * 1e-12 ? (value.squareRoot(), value / total) : nil
        }
    }

    /// Laplacian eigenmaps (Belkin & Niyogi 2003) of a graph: y = D^-1/2 u, u the eigenvectors of
    /// D^-1/2 W D^-1/2 after the first. A head without neighbours lies at 0.
    ///
    /// - Parameter affinity: [heads, heads], W, symmetric, no entry below 0.
    public static func spectral(_ affinity: [Double], heads: Int) throws -> HeadLayout {
        let scales = (0..<heads).map { i in
            let degree = affinity[i * heads..<(i + 1) * heads].reduce(0, +)
            return degree > 0 ? 1 / degree.squareRoot() : 0
        }
        var normalized = affinity
        for i in 0..<heads {
            for j in 0..<heads { normalized[i * heads + j] *= scales[i] * scales[j] }
        }
        let eigen = try SymmetricEigen(normalized, order: heads)
        return HeadLayout(heads: heads, skipping: 1, eigen) { value, head in
            (scales[head], max(0, min(1, value)))
        }
    }

    /// Coordinates from the largest eigenvalues.
    ///
    /// - Parameter scale: of an eigenvalue and a head, what multiplies the eigenvector's entry, and the weight;
    ///   nil for a coordinate of zeros.
    private init(
        heads: Int, skipping: Int, _ eigen: SymmetricEigen,
        scale: (_ value: Double, _ head: Int) -> (factor: Double, weight: Double)?
    ) {
        var coordinates = [Double](repeating: 0, count: heads * Self.dimensions)
        var weights = [Double](repeating: 0, count: Self.dimensions)
        for dimension in 0..<min(Self.dimensions, max(0, heads - skipping)) {
            let place = heads - 1 - skipping - dimension
            let vector = eigen.vectors[place * heads..<(place + 1) * heads]
            // The sign of an eigenvector is arbitrary: the entry of largest magnitude is made positive.
            let largest = vector.reduce(0) { abs($1) > abs($0) * (1 + 1e-9) ? $1 : $0 }
            for (head, entry) in vector.enumerated() {
                guard let (factor, weight) = scale(eigen.values[place], head) else { break }
                coordinates[head * Self.dimensions + dimension] =
                    (largest < 0 ? -entry : entry) * factor
                weights[dimension] = weight
            }
        }
        self.coordinates = coordinates
        self.weights = weights
    }
}
