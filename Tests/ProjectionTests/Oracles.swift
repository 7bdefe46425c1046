// SPDX-License-Identifier: Apache-2.0
// Slow, obvious Float64 versions of what is tested, and clouds to test on.

import Foundation
import Projection
import Tensors
import TestSupport

/// What umap-learn computes at each step; see Tests/Generators/projection.py.
struct Reference: Decodable {
    struct Curve: Decodable {
        let min_dist: Double
        let spread: Double
        let a: Double
        let b: Double
    }
    struct Steps: Decodable {
        let dimensions: Int
        let points: [Float]
        let rho: [Float]
        let sigma: [Float]
        let rows: [Int]
        let columns: [Int]
        let weights: [Float]
        let eigenvalues: [Double]
    }
    struct Quality: Decodable {
        let trustworthiness: Double
        let kept: Double
    }
    let neighbors: Int
    let curves: [Curve]
    let small: Steps
    let ring: Steps
    let ring_quality: Quality

    static func load() throws -> Reference {
        try JSONDecoder().decode(
            Reference.self, from: Data(contentsOf: Fixtures.url("projection/reference.json")))
    }
}

/// Squared distances between all rows, [n, n].
func squaredDistances(_ points: [Float], dimensions d: Int) -> [Double] {
    let n = points.count / d
    var result = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
        for j in 0..<n {
            for c in 0..<d {
                let difference = Double(points[i * d + c]) - Double(points[j * d + c])
                result[i * n + j] += difference * difference
            }
        }
    }
    return result
}

/// The other points, nearest first, ties by index.
func ranking(_ squared: [Double], of point: Int, count n: Int) -> [Int] {
    (0..<n).filter { $0 != point }.sorted {
        (squared[point * n + $0], $0) < (squared[point * n + $1], $1)
    }
}

/// Trustworthiness (Venna and Kaski 2001) and the share of the k nearest neighbours kept.
func quality(
    _ points: [Float], dimensions d: Int, _ picture: [Float], k: Int
) -> (trustworthiness: Double, kept: Double) {
    let n = points.count / d
    let before = squaredDistances(points, dimensions: d)
    let after = squaredDistances(picture, dimensions: 3)
    var penalty = 0
    var kept = 0
    for point in 0..<n {
        let order = ranking(before, of: point, count: n)
        for other in ranking(after, of: point, count: n).prefix(k) {
            let rank = order.firstIndex(of: other).map { $0 + 1 } ?? n
            penalty += max(0, rank - k)
            kept += rank <= k ? 1 : 0
        }
    }
    let worst = Double(n * k * (2 * n - 3 * k - 1)) / 2
    return (1 - Double(penalty) / worst, Double(kept) / Double(n * k))
}

/// Eigenvalues, descending, and eigenvectors in rows, of a symmetric matrix by Jacobi's rotations.
func jacobiEigen(_ matrix: [Double], order n: Int) -> (values: [Double], vectors: [Double]) {
    var a = matrix
    var v = (0..<n * n).map { $0 / n == $0 % n ? 1.0 : 0.0 }
    for _ in 0..<60 {
        for p in 0..<n {
            for q in p + 1..<max(n, p + 1) where a[p * n + q] != 0 {
                let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
                let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                let c = 1 / (t * t + 1).squareRoot()
                let s = t * c
                for i in 0..<n {
                    let (x, y) = (a[i * n + p], a[i * n + q])
                    (a[i * n + p], a[i * n + q]) = (c * x - s * y, s * x + c * y)
                }
                for i in 0..<n {
                    let (x, y) = (a[p * n + i], a[q * n + i])
                    (a[p * n + i], a[q * n + i]) = (c * x - s * y, s * x + c * y)
                    let (u, w) = (v[p * n + i], v[q * n + i])
                    (v[p * n + i], v[q * n + i]) = (c * u - s * w, s * u + c * w)
                }
            }
        }
    }
    let order = (0..<n).sorted { a[$0 * n + $0] > a[$1 * n + $1] }
    return (order.map { a[$0 * n + $0] }, order.flatMap { v[$0 * n..<($0 + 1) * n] })
}

/// The mean products of deviations, [d, d], by loops.
func covariance(_ points: [Double], dimensions d: Int) -> [Double] {
    let n = points.count / d
    let mean = (0..<d).map { c in (0..<n).reduce(0) { $0 + points[$1 * d + c] } / Double(n) }
    var result = [Double](repeating: 0, count: d * d)
    for row in 0..<n {
        for i in 0..<d {
            for j in 0..<d {
                result[i * d + j] +=
                    (points[row * d + i] - mean[i]) * (points[row * d + j] - mean[j]) / Double(n)
            }
        }
    }
    return result
}

/// Three coordinates of each point along the leading eigenvectors of the covariance, by Jacobi, with
/// the sign rule; and the shares of variance.
func naivePCA(_ points: [Double], dimensions d: Int) -> (coordinates: [Double], ratios: [Double]) {
    let n = points.count / d
    let mean = (0..<d).map { c in (0..<n).reduce(0) { $0 + points[$1 * d + c] } / Double(n) }
    let (values, vectors) = jacobiEigen(covariance(points, dimensions: d), order: d)
    var coordinates = [Double](repeating: 0, count: n * 3)
    for component in 0..<3 {
        var axis = Array(vectors[component * d..<(component + 1) * d])
        let largest = axis.map(abs).max() ?? 0
        if let first = axis.first(where: { abs($0) > largest * (1 - 1e-9) }), first < 0 {
            axis = axis.map { -$0 }
        }
        for row in 0..<n {
            for c in 0..<d {
                coordinates[row * 3 + component] += axis[c] * (points[row * d + c] - mean[c])
            }
        }
    }
    let total = values.reduce(0, +)
    return (coordinates, values.prefix(3).map { $0 / total })
}

/// Standard normal numbers from a fixed seed.
func normals(_ count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, purpose: 99)
    return (0..<count).map { _ in Float(random.nextNormal()) }
}

/// `blobs` separate round clusters of `size` points, cluster after cluster.
func blobs(_ blobs: Int, size: Int, dimensions d: Int, distance: Float, seed: UInt64) -> [Float] {
    let centers = normals(blobs * d, seed: seed &+ 1000)
    var points = normals(blobs * size * d, seed: seed)
    for place in points.indices {
        points[place] += distance * centers[place / (size * d) * d + place % d]
    }
    return points
}

func largestDifference(_ a: [Float], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
}
