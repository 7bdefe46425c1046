// SPDX-License-Identifier: Apache-2.0
// The starting picture: the slowest vibrations of the graph.

import Foundation
import Tensors

/// Coordinates of a connected graph's points in the eigenvectors of its normalised Laplacian
/// I - D^-1/2 W D^-1/2 with the smallest eigenvalues, the trivial one (sqrt of the degrees) left out.
package struct SpectralLayout {
    /// [n, 3]: unit eigenvectors in the columns, smallest eigenvalue first; the entry of largest
    /// magnitude of each is positive (the first, if several are).
    package let coordinates: [Float]
    /// [3]: their eigenvalues, in [0, 2].
    package let eigenvalues: [Double]

    /// Below this many points the whole matrix goes to LAPACK.
    private static let denseLimit = 160

    /// Lays out `graph`, which must be connected and have at least 5 points.
    package init(of graph: FuzzyGraph) throws {
        let adjacency = NormalizedAdjacency(graph)
        let (vectors, values) =
            graph.count <= Self.denseLimit
            ? try adjacency.denseEigenvectors() : try adjacency.filteredEigenvectors()
        coordinates = Self.withFixedSigns(vectors, count: graph.count)
        eigenvalues = values.map { 1 - $0 }
    }

    private static func withFixedSigns(_ vectors: [Float], count: Int) -> [Float] {
        var vectors = vectors
        for column in 0..<componentCount {
            var largest: Float = 0
            for row in 0..<count where abs(vectors[row * componentCount + column]) > abs(largest) {
                largest = vectors[row * componentCount + column]
            }
            guard largest < 0 else { continue }
            for row in 0..<count { vectors[row * componentCount + column].negate() }
        }
        return vectors
    }
}

/// D^-1/2 W D^-1/2, whose largest eigenvalues are the Laplacian's smallest; the largest is 1 and
/// belongs to the square roots of the degrees.
struct NormalizedAdjacency {
    let graph: FuzzyGraph
    /// [edges]
    let values: [Float]
    /// [n]: the unit eigenvector of eigenvalue 1.
    let trivial: [Float]

    init(_ graph: FuzzyGraph) {
        var degrees = [Double](repeating: 0, count: graph.count)
        for row in 0..<graph.count {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                degrees[row] += Double(graph.weights[edge])
            }
        }
        let total = degrees.reduce(0, +)
        var values = graph.weights
        for row in 0..<graph.count {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                let scale = (degrees[row] * degrees[Int(graph.columns[edge])]).squareRoot()
                values[edge] = Float(Double(values[edge]) / scale)
            }
        }
        self.graph = graph
        self.values = values
        trivial = degrees.map { Float(($0 / total).squareRoot()) }
    }

    /// The leading nontrivial eigenvectors, [n, 3], and eigenvalues, descending, by LAPACK.
    func denseEigenvectors() throws -> ([Float], [Double]) {
        let n = graph.count
        var matrix = [Double](repeating: 0, count: n * n)
        for row in 0..<n {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                matrix[row * n + Int(graph.columns[edge])] = Double(values[edge])
            }
            // The trivial eigenvalue 1 moves to -2, out of the way, also where 1 is nearly repeated.
            for column in 0..<n {
                matrix[row * n + column] -= 3 * Double(trivial[row]) * Double(trivial[column])
            }
        }
        let eigen = try SymmetricEigen(matrix, order: n)
        var vectors = [Float](repeating: 0, count: n * componentCount)
        for component in 0..<componentCount {
            for row in 0..<n {
                vectors[row * componentCount + component] = Float(
                    eigen.vectors[(n - 1 - component) * n + row])
            }
        }
        return (vectors, (0..<componentCount).map { eigen.values[n - 1 - $0] })
    }

    /// The same without making the matrix.
    func filteredEigenvectors() throws -> ([Float], [Double]) {
        var subspace = FilteredSubspace(self)
        return try subspace.run()
    }
}
